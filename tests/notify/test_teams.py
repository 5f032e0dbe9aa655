"""Teams: cards that a workflow takes, under the size at which they fail."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings

from tests.notify.doubles import Endpoint, check_teams, echo, texts
from tests.notify.samples import RUNBOOK, URL, alert, any_notifications, notification, resolved
from tocsin.model.alerts import Notification
from tocsin.model.errors import DeliveryFailed
from tocsin.model.severity import Severity
from tocsin.notify.teams import TeamsNotifier, TeamsSettings, escape, render

HOOK = "https://prod-1.westeurope.logic.azure.com/workflows/abcdefghijklmnop/triggers/manual/run?sig=0123456789abcdef"


def card(message: Notification) -> Any:
    return check_teams(render(message))


async def test_the_workflow_gets_the_card() -> None:
    endpoint = Endpoint(lambda _: httpx.Response(202))
    assert await TeamsNotifier(TeamsSettings(url=HOOK), endpoint.client).send(notification()) == "202"
    assert str(endpoint.requests[0].url) == HOOK
    assert check_teams(endpoint.body) == card(notification())


async def test_429_is_tried_again_and_the_url_is_not_revealed() -> None:
    endpoint = Endpoint(lambda request: echo(request, 429))
    with pytest.raises(DeliveryFailed, match=r"https://prod-1.westeurope.logic.azure.com answered 429") as failed:
        await TeamsNotifier(TeamsSettings(url=HOOK), endpoint.client).send(notification())
    assert failed.value.retry
    assert "abcdefgh" not in str(failed.value)
    assert "01234567" not in str(failed.value)


def test_a_card_says_everything() -> None:
    shown = card(notification())
    everything = "\n".join(texts(shown))
    for part in (
        *(
            "HIGH: Shell opened in a pod",
            "alice@example.com opened a shell",
            "prod / payments / web-0",
            "7 events from",
        ),
        *("T1609, T1059", "and 3 more events", "created pods/exec number 0", "created pods/exec number 3"),
    ):
        assert part in everything
    assert {action["url"] for action in shown["actions"]} == {URL, RUNBOOK}


@pytest.mark.parametrize(
    ("message", "color"),
    [
        (notification(alert(severity=Severity.CRITICAL)), "Attention"),
        (notification(alert(severity=Severity.MEDIUM)), "Warning"),
        (notification(alert(severity=Severity.INFORMATIONAL)), "Default"),
        (notification(resolved()), "Good"),
    ],
)
def test_the_heading_has_the_color_of_the_severity(message: Notification, color: str) -> None:
    assert card(message)["body"][0]["color"] == color


def test_a_test_is_marked() -> None:
    body = card(notification(test=True))["body"]
    assert body[0]["text"].startswith("\\[TEST\\] HIGH")
    assert "This is a test message" in body[1]["text"]


def test_each_of_several_alerts_has_its_own_link() -> None:
    everything = "\n".join(texts(card(notification(alert(), resolved(title="Other")))))
    assert f"[HIGH: Shell opened in a pod]({URL})" in everything
    assert f"[RESOLVED: Other]({URL})" in everything
    assert f"[Runbook]({RUNBOOK})" in everything


def test_markdown_in_names_stays_text() -> None:
    assert escape("[x](http://evil.example)") == "\\[x\\](http://evil.example)"
    assert escape("my_pod *a* `b` ~c~ <d> \\") == "my\\_pod \\*a\\* \\`b\\` \\~c\\~ \\<d> \\\\"
    assert [escape(text) for text in ("- item", "1. item", "# head", "> quote")] == [
        *("\\- item", "1\\. item", "\\# head", "\\> quote")
    ]
    labels = {"alertname": "x", "user": "[click](http://evil.example)"}
    assert "](http://evil" not in "\n".join(texts(card(notification(alert(labels=labels))))).replace("\\]", "")


@settings(max_examples=30, deadline=None)
@given(any_notifications)
def test_any_message_fits_and_keeps_title_severity_and_link(message: Notification) -> None:
    shown = card(message)
    severity = "RESOLVED" if message.status == "resolved" else message.alerts[0].severity.upper()
    assert f"{severity}: " in shown["body"][0]["text"]
    assert shown["actions"][0]["url"] in {message.alerts[0].url, "https://tocsin.example/alerts"}


def test_settings_need_a_url() -> None:
    with pytest.raises(msgspec.ValidationError, match="`url` or `url_file` is required"):
        msgspec.convert({}, TeamsSettings)
