"""The settings of the whole program: each room's own, composed; errors name file, line and key."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tocsin.alerting.settings import AlertingSettings
from tocsin.api.settings import AuthSettings, WebSettings
from tocsin.intake.settings import IntakeSettings
from tocsin.kit.units import ByteSize, Duration
from tocsin.kit.yaml_source import Document, YamlError, parse_path, read_yaml
from tocsin.model.errors import Location, SettingsError
from tocsin.notify.table import Receiver
from tocsin.rules.settings import RulesSettings
from tocsin.store.settings import StoreSettings

_AT = re.compile(r"^(.*?)(?: - at `(\$[^`]*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]+)`")
_MISSING = re.compile(r"Object missing required field `([^`]+)`")


class Settings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Everything in `tocsin.yaml`."""

    listen: Annotated[
        str, Meta(description="Address and port of all protocols. Anything but loopback needs `auth.tokens`.")
    ] = "127.0.0.1:9319"
    data: Annotated[str, Meta(description="Directory of the stores and positions; made if missing.")] = "./tocsin-data"
    external_url: Annotated[
        str, Meta(description="Base address of the UI as people reach it, for links in messages; `listen` by default.")
    ] = ""
    cluster: Annotated[str, Meta(description="Name of the cluster that data comes from, unless a sender says.")] = ""
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Least level of our own log lines.")
    ] = "info"
    log_format: Annotated[
        Literal["auto", "json", "text"], Meta(description="`auto`: text on a terminal, else JSON lines.")
    ] = "auto"
    auth: Annotated[AuthSettings, Meta(description="Who may do what.")] = AuthSettings()
    web: Annotated[WebSettings, Meta(description="The HTTP side.")] = WebSettings()
    store: Annotated[StoreSettings, Meta(description="Where things are kept and for how long.")] = StoreSettings()
    intake: Annotated[IntakeSettings, Meta(description="What comes in.")] = IntakeSettings()
    rules: Annotated[RulesSettings, Meta(description="Detection rules.")] = RulesSettings()
    alerting: Annotated[AlertingSettings, Meta(description="Which alerts go to whom.")] = AlertingSettings()
    allow_private_destinations: Annotated[
        list[str],
        Meta(description="Hosts of receivers that may lie on this machine or its link, which are refused otherwise."),
    ] = []
    receivers: Annotated[list[Receiver], Meta(description="Named groups of destinations; routes name them.")] = []


def load(path: Path | None, overrides: Mapping[str, str | None] | None = None) -> Settings:
    """Read the settings file; the defaults if `path` is None.

    Args:
        path: The file.
        overrides: `data` and `listen` as the command line gave them; None values are skipped.

    Raises:
        SettingsError: With file, line, column and key. Secrets are never in the message.
    """
    settings = parse(_read(path), str(path)) if path else Settings()
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    settings = msgspec.structs.replace(settings, **given)
    check_listen(settings.listen, str(path or ""))
    return settings


def find(explicit: str | None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the settings file: the one asked for, `TOCSIN_CONFIG`, or `tocsin.yaml` here if it exists."""
    if named := explicit or environment.get("TOCSIN_CONFIG"):
        return Path(named)
    here = Path("tocsin.yaml")
    return here if here.exists() else None


def parse(text: str, file: str) -> Settings:
    """Decode the text of a settings file. Raises SettingsError."""
    try:
        documents = read_yaml(text)
    except YamlError as error:
        raise SettingsError(f"not valid YAML: {error}", Location(file, error.line, error.column)) from None
    if len(documents) > 1:
        raise SettingsError("expected one YAML document", Location(file, *documents[1].position(())))
    document = documents[0] if documents else Document({}, None)
    settings: Settings = decode(document, Settings, file)
    store = _with_secrets(settings.store, document, file, ("store",))
    return msgspec.structs.replace(settings, store=store)


def decode(document: Document, type_: type[Any], file: str) -> Any:
    """Convert one YAML document to a settings struct. Raises SettingsError that names line and key."""
    try:
        return msgspec.convert(document.value or {}, type_, dec_hook=_decode_unit, strict=True)
    except msgspec.ValidationError as error:
        raise _located(error, document, file) from None


def check_listen(listen: str, file: str = "") -> tuple[str, int]:
    """Split `host:port`. Raises SettingsError if it is not that."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
        where = Location(file) if file else None
        raise SettingsError(f"{listen!r} is no address; expected host:port, such as 127.0.0.1:9319", where, "listen")
    return host.strip("[]"), int(port)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"not UTF-8 at byte {error.start}", Location(str(path))) from None
    except OSError as error:
        raise SettingsError(f"cannot be read: {error.strerror}", Location(str(path))) from None


def _decode_unit(type_: type[Any], value: Any) -> Any:
    if type_ is Duration:
        return Duration.parse(str(value))
    if type_ is ByteSize:
        return ByteSize.parse(value)
    raise NotImplementedError(f"no decoding for {type_}")


def _located(error: msgspec.ValidationError, document: Document, file: str) -> SettingsError:
    found = _AT.match(str(error))
    message, path = (found[1], found[2] or "$") if found else (str(error), "$")
    steps = parse_path(path)
    if unknown := _UNKNOWN.search(message):
        steps.append(unknown[1])
        message = f"there is no setting {unknown[1]!r} here"
    elif missing := _MISSING.search(message):
        message = f"{missing[1]!r} is missing here"
    return SettingsError(message, Location(file, *document.position(steps)), _dotted(steps))


def _dotted(steps: list[str | int]) -> str:
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).removeprefix(".")


def _with_secrets(value: Any, document: Document, file: str, steps: tuple[str | int, ...] = ()) -> Any:
    """Put the content of every `<name>_file` into `<name>`. (Tokens and destinations read their files themselves.)"""
    if isinstance(value, list):
        return [_with_secrets(item, document, file, (*steps, number)) for number, item in enumerate(value)]
    if not isinstance(value, msgspec.Struct):
        return value
    names = set(value.__struct_fields__)
    changes = {n: _with_secrets(getattr(value, n), document, file, (*steps, n)) for n in names}
    for name in sorted(names):
        twin = f"{name}_file"
        if twin in names and (source := changes[twin]):
            place = Location(file, *document.position((*steps, twin)))
            if changes[name]:
                raise SettingsError(f"give {name} or {twin}, not both", place, _dotted([*steps, twin]))
            changes[name] = _secret(source, Path(file).parent, place, _dotted([*steps, twin]))
    return type(value)(**changes)


def _secret(source: str, base: Path, place: Location, key: str) -> str:
    try:
        return (base / source).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SettingsError(f"{source} cannot be read: {reason}", place, key) from None
