"""Slack: messages that Slack takes, both ways of posting, and what its refusals mean."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import orjson
import pytest
from hypothesis import given, settings

from tests.notify.doubles import Endpoint, check_slack, echo
from tests.notify.samples import RUNBOOK, START, URL, alert, any_notifications, notification, resolved
from tocsin.model.alerts import Evidence, Notification
from tocsin.model.errors import DeliveryFailed
from tocsin.notify.slack import SlackNotifier, SlackSettings, render

HOOK = "https://hooks.slack.com/services/T000/B000/abcdefghijklmnopqrstuvwx"
TOKEN = "xoxb-1-abcdefghijklmnop"
BOT = {"bot_token": TOKEN, "channel": "#security"}
BY_BOT = SlackSettings(bot_token=TOKEN, channel="#security")


def shown(message: Notification) -> str:
    """All text of the blocks, after the double has found the message acceptable."""
    blocks = check_slack(orjson.dumps(render(message)))["blocks"]
    return "\n".join(block["text"]["text"] for block in blocks)


def bot(answer: Any, status: int = 200, headers: dict[str, str] | None = None) -> tuple[SlackNotifier, Endpoint]:
    endpoint = Endpoint(lambda _: httpx.Response(status, json=answer, headers=headers))
    return SlackNotifier(BY_BOT, endpoint.client), endpoint


async def test_a_webhook_gets_the_message() -> None:
    endpoint = Endpoint(lambda _: httpx.Response(200, text="ok"))
    assert await SlackNotifier(SlackSettings(url=HOOK), endpoint.client).send(notification()) == "200 ok"
    assert str(endpoint.requests[0].url) == HOOK
    assert "channel" not in check_slack(endpoint.body)


async def test_a_bot_posts_to_its_channel() -> None:
    notifier, endpoint = bot({"ok": True, "ts": "1772366403.000100"})
    assert await notifier.send(notification()) == "200 ok ts=1772366403.000100"
    (request,) = endpoint.requests
    assert str(request.url) == "https://slack.com/api/chat.postMessage"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert check_slack(endpoint.body)["channel"] == "#security"


@pytest.mark.parametrize(
    ("error", "retry", "reason"),
    [
        ("ratelimited", True, "rate_limited"),
        ("internal_error", True, "server"),
        ("service_unavailable", True, "server"),
        ("invalid_auth", False, "auth"),
        ("token_revoked", False, "auth"),
        ("channel_not_found", False, "client"),
        ("invalid_blocks", False, "client"),
    ],
)
async def test_refusals_with_status_200(error: str, retry: bool, reason: str) -> None:
    notifier, _ = bot({"ok": False, "error": error}, headers={"Retry-After": "12"})
    with pytest.raises(DeliveryFailed, match=f"Slack refused: {error}") as failed:
        await notifier.send(notification())
    assert (failed.value.retry, failed.value.reason) == (retry, reason)
    assert failed.value.retry_after == (12.0 if reason == "rate_limited" else None)


async def test_slacks_own_explanation_is_passed_on() -> None:
    notes = {"messages": ["[ERROR] must be less than 3001 characters"]}
    notifier, _ = bot({"ok": False, "error": "invalid_blocks", "response_metadata": notes})
    with pytest.raises(DeliveryFailed, match="must be less than 3001"):
        await notifier.send(notification())


@pytest.mark.parametrize("answer", [[], "ok", None, 1])
async def test_an_answer_that_is_not_slacks_is_worth_another_try(answer: Any) -> None:
    notifier, _ = bot(answer)
    with pytest.raises(DeliveryFailed) as failed:
        await notifier.send(notification())
    assert failed.value.retry


async def test_429_is_tried_again_when_slack_says() -> None:
    notifier, _ = bot({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "30"})
    with pytest.raises(DeliveryFailed) as failed:
        await notifier.send(notification())
    assert (failed.value.retry, failed.value.retry_after) == (True, 30.0)


@pytest.mark.parametrize("given_settings", [BY_BOT, SlackSettings(url=HOOK)])
async def test_neither_url_nor_token_is_revealed(given_settings: SlackSettings) -> None:
    endpoint = Endpoint(echo)
    with pytest.raises(DeliveryFailed) as failed:
        await SlackNotifier(given_settings, endpoint.client).send(notification())
    assert "abcdefgh" not in str(failed.value)


def test_a_message_says_everything() -> None:
    text = shown(notification())
    for part in (
        *("HIGH: Shell opened in a pod", "alice@example.com opened a shell", "prod / payments / web-0", "*Who:* alice"),
        *("7 events from", "T1609, T1059", f"<{RUNBOOK}|Runbook>", f"<{URL}|Open in Tocsin>", "and 3 more events"),
        *("created pods/exec number 0", "created pods/exec number 3"),
    ):
        assert part in text


def test_states_are_marked() -> None:
    assert "This is a test message" in shown(notification(test=True))
    assert "[TEST] HIGH" in shown(notification(test=True))
    assert "RESOLVED: Shell" in shown(notification(resolved()))
    both = shown(notification(alert(), resolved(title="Other")))
    assert "🟠 *HIGH: Shell opened in a pod*" in both
    assert "✅ *RESOLVED: Other*" in both


def test_nothing_an_attacker_writes_becomes_a_link_a_mention_or_the_end_of_the_evidence() -> None:
    nasty = "<!channel> <http://evil.example|click> ```"
    labels = {"alertname": "x", "user": nasty}
    message = notification(alert(labels=labels, evidence=(Evidence("1", START, nasty, ""),)))
    text = shown(message)
    assert "<!channel>" not in text
    assert "<http://evil" not in text
    assert text.count("```") == 2 + 1  # The fence around the evidence, and the user's name in ordinary text.
    blocks = render(message)["blocks"]
    assert all(block["text"]["verbatim"] for block in blocks if block["type"] == "section")


def test_many_alerts_are_counted_and_linked() -> None:
    text = shown(notification(*[alert()] * 400))
    assert "(+399 more)" in text
    assert "more alerts in Tocsin" in text
    assert "<https://tocsin.example/alerts|Open in Tocsin>" in text


@settings(max_examples=30, deadline=None)
@given(any_notifications)
def test_any_message_fits_and_keeps_title_severity_and_link(message: Notification) -> None:
    body = check_slack(orjson.dumps(render(message)))
    severity = "RESOLVED" if message.status == "resolved" else message.alerts[0].severity.upper()
    assert f"{severity}: " in body["blocks"][0]["text"]["text"]
    links = (message.alerts[0].url, "https://tocsin.example/alerts")
    assert any(f"<{link}|Open in Tocsin>" in body["blocks"][-1]["text"]["text"] for link in links)


@pytest.mark.parametrize(
    ("given_settings", "reason"),
    [
        ({}, "`url` or `url_file` is required"),
        ({"url": HOOK, **BOT}, "either `url`"),
        ({"bot_token": TOKEN}, "go together"),
        ({"url": HOOK, "channel": "#x"}, "go together"),
        ({"url": "not-a-url"}, "must be an address"),
        ({"bot_token_file": "/x", **BOT}, "either `bot_token`"),
    ],
)
def test_wrong_settings_say_what_is_wrong(given_settings: dict[str, str], reason: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=reason):
        msgspec.convert(given_settings, SlackSettings)
