"""The table of destinations agrees with the folder, the docs and the tests; receivers are made as the settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

import tocsin.notify
from tests.notify.samples import settings_hook
from tocsin.model.errors import SettingsError
from tocsin.notify.guard import Guard
from tocsin.notify.secrets import SecretiveSettings
from tocsin.notify.table import DESTINATIONS, Receiver, make_receiver

HOOK = "https://hooks.example/abcdefghijklmnop"
ROOM = Path(tocsin.notify.__file__).parent
REPOSITORY = ROOM.parent.parent
SHARED = {"base", "guard", "answers", "http", "secrets", "shrink", "texts", "facts", "table", "__init__"}


def receiver(**destinations: Any) -> Receiver:
    return msgspec.convert({"name": "oncall", **destinations}, Receiver, dec_hook=settings_hook)


def test_every_destination_has_a_module_a_test_a_section_and_a_field() -> None:
    kinds = set(DESTINATIONS)
    assert {file.stem for file in ROOM.glob("*.py")} - SHARED == kinds
    assert kinds <= {file.stem.removeprefix("test_") for file in Path(__file__).parent.glob("test_*.py")}
    assert kinds == set(Receiver.__struct_fields__) - {"name"}
    page = (REPOSITORY / "docs/how-to/receivers.md").read_text()
    assert [kind for kind in kinds if f"```yaml\n{kind}:\n" not in page] == []


@pytest.mark.parametrize("kind", DESTINATIONS)
def test_every_setting_is_described_and_documented(kind: str) -> None:
    page = (REPOSITORY / "docs/how-to/receivers.md").read_text()
    settings = DESTINATIONS[kind].settings
    assert issubclass(settings, SecretiveSettings)
    described = msgspec.inspect.type_info(settings)
    assert isinstance(described, msgspec.inspect.StructType)
    for field in described.fields:
        assert isinstance(field.type, msgspec.inspect.Metadata), field.name
        assert (field.type.extra_json_schema or {}).get("description"), field.name
        assert f"`{field.encode_name}`" in page or f"{field.encode_name}:" in page, field.name


def test_resolutions_are_told_where_alertmanager_tells_them() -> None:
    defaults = {kind: fields_default(each.settings, "send_resolved") for kind, each in DESTINATIONS.items()}
    assert defaults == {"email": False, "slack": False, "teams": True, "pagerduty": True, "webhook": True}


def fields_default(settings: type[Any], name: str) -> Any:
    return next(field.default for field in msgspec.structs.fields(settings) if field.name == name)


async def test_a_receiver_may_have_several_destinations_and_several_of_a_kind() -> None:
    mail = {"to": ["a@b.c"], "from": "d@e.f", "host": "mail"}
    settings = receiver(webhook=[{"url": HOOK}, {"url": HOOK, "send_resolved": False}], email=mail, slack={"url": HOOK})
    async with httpx.AsyncClient() as http:
        made = make_receiver(settings, http)
    assert [kind for kind, _ in made] == ["email", "slack", "webhook", "webhook"]
    assert [notifier.send_resolved for _, notifier in made] == [False, False, True, False]


@pytest.mark.parametrize(
    ("destinations", "key", "reason"),
    [
        ({"webhook": {"url": "http://127.0.0.1/x"}}, "receivers[2].webhook.url", "loopback"),
        ({"slack": [{"url": HOOK}, {"url_file": "/nowhere"}]}, "receivers[2].slack[1].url_file", "cannot read"),
        (
            {"pagerduty": {"routing_key": "k", "url": "http://169.254.169.254/"}},
            *("receivers[2].pagerduty.url", "link-local"),
        ),
        (
            {"slack": {"bot_token": "x", "channel": "c", "api_url": "http://localhost/"}},
            *("receivers[2].slack.api_url", "loopback"),
        ),
        (
            {"email": {"to": ["a@b.c"], "from": "d@e.f", "host": "mail", "ca_file": "/nowhere"}},
            *("receivers[2].email.ca_file", "cannot read certificates"),
        ),
    ],
)
async def test_mistakes_are_found_before_the_first_message_and_name_their_place(
    destinations: dict[str, Any], key: str, reason: str
) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(SettingsError, match=reason) as wrong:
            make_receiver(receiver(**destinations), http, key="receivers[2]")
    assert wrong.value.key == key


async def test_a_url_in_a_file_is_guarded_too(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("http://127.0.0.1:9/x")
    settings = receiver(teams={"url_file": str(file)})
    async with httpx.AsyncClient() as http:
        with pytest.raises(SettingsError, match="loopback"):
            make_receiver(settings, http)
        ((kind, _),) = make_receiver(settings, http, Guard(allow=["127.0.0.1"]))
    assert kind == "teams"


@pytest.mark.parametrize(
    ("destinations", "reason"),
    [
        ({}, "has no destination"),
        ({"webhook": []}, "has no destination"),
        ({"pager": {}}, "unknown field `pager`"),
        ({"slack": {"url": HOOK, "chanel": "#x"}}, "unknown field `chanel`"),
        ({"slack": {"url": "zzz"}}, r"must be an address .* - at `\$.slack`"),
    ],
)
def test_wrong_receivers_say_what_is_wrong(destinations: dict[str, Any], reason: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=reason):
        receiver(**destinations)
