"""Webhook: Alertmanager's payload to the letter, with the evidence beside it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings

from tests.notify.doubles import Endpoint, check_alertmanager, echo
from tests.notify.samples import (
    FINGERPRINT,
    LABELS,
    RUNBOOK,
    START,
    URL,
    alert,
    any_notifications,
    event,
    notification,
    resolved,
    settings_hook,
)
from tocsin.model.alerts import Evidence, Notification
from tocsin.model.errors import DeliveryFailed
from tocsin.notify.webhook import WebhookNotifier, WebhookSettings, render

HOOK = "https://hooks.example/alerts/abcdefghijklmnopqrstuv"
SIZE = 1024 * 1024


def payload(message: Notification, max_alerts: int = 0, max_size: int = SIZE) -> Any:
    body = render(message, max_alerts, max_size)
    assert len(body) <= max_size
    return check_alertmanager(body)


def endpoint() -> Endpoint:
    return Endpoint(lambda _: httpx.Response(200, text="thanks"))


async def test_the_endpoint_gets_the_payload_and_a_key_to_notice_repetitions() -> None:
    there = endpoint()
    answer = await WebhookNotifier(WebhookSettings(url=HOOK), there.client).send(notification())
    assert answer == "200 thanks"
    (request,) = there.requests
    assert request.headers["idempotency-key"] == "oncall/1/new/1"
    assert "authorization" not in request.headers
    assert check_alertmanager(there.body) == payload(notification())


async def test_bearer_and_basic_authentication(tmp_path: Path) -> None:
    there, file = endpoint(), tmp_path / "token"
    file.write_text("from-a-file\n")
    await WebhookNotifier(WebhookSettings(url=HOOK, bearer_token_file=str(file)), there.client).send(notification())
    basic = WebhookSettings(url=HOOK, username="tocsin", password="pässword")
    await WebhookNotifier(basic, there.client).send(notification())
    first, second = (request.headers["authorization"] for request in there.requests)
    assert first == "Bearer from-a-file"
    assert second == f"Basic {base64.b64encode('tocsin:pässword'.encode()).decode()}"


@pytest.mark.parametrize(
    "given_settings",
    [
        WebhookSettings(url=HOOK, bearer_token="bearer-abcdefgh"),
        WebhookSettings(url=HOOK, username="me", password="pass-abcdefgh"),
    ],
)
async def test_no_credential_is_revealed(given_settings: WebhookSettings) -> None:
    there = Endpoint(lambda request: echo(request, 500))
    with pytest.raises(DeliveryFailed) as failed:
        await WebhookNotifier(given_settings, there.client).send(notification())
    assert "abcdefgh" not in str(failed.value)
    assert base64.b64encode(b"me:pass-abcdefgh").decode() not in str(failed.value)


def test_a_firing_alert_in_alertmanagers_form() -> None:
    message = payload(notification())
    (told,) = message.pop("alerts")
    extra = told.pop("tocsin")
    annotations = {"summary": "alice@example.com opened a shell in payments/web-0", "owner": "platform"}
    assert message == {
        "version": "4",
        "groupKey": '{alertname="Shell opened in a pod",user="alice@example.com"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "oncall",
        "groupLabels": {"alertname": "Shell opened in a pod"},
        "commonLabels": LABELS,
        "commonAnnotations": annotations,
        "externalURL": "https://tocsin.example",
    }
    assert told == {
        "status": "firing",
        "labels": LABELS,
        "annotations": annotations,
        "startsAt": "2026-03-01T12:00:03Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": URL,
        "fingerprint": FINGERPRINT,
    }
    assert extra["evidence"][0] == {
        "eventId": "audit-0",
        "time": "2026-03-01T12:00:03Z",
        "summary": event(0).summary,
        "raw": event(0).raw,
    }
    assert (extra["count"], extra["techniques"], extra["runbookURL"]) == (7, ["T1609", "T1059"], RUNBOOK)


def test_a_resolved_alert_has_its_end() -> None:
    message = payload(notification(alert(), resolved()))
    assert [(each["status"], each["endsAt"]) for each in message["alerts"]] == [
        *(("firing", "0001-01-01T00:00:00Z"), ("resolved", "2026-03-01T12:15:03Z")),
    ]
    assert message["status"] == "firing"
    assert payload(notification(resolved()))["status"] == "resolved"


def test_only_what_all_alerts_share_is_common() -> None:
    other = alert(labels={**LABELS, "pod": "web-1"}, annotations={"owner": "platform"})
    message = payload(notification(alert(), other))
    assert "pod" not in message["commonLabels"]
    assert message["commonLabels"]["namespace"] == "payments"
    assert message["commonAnnotations"] == {"owner": "platform"}


def test_max_alerts_counts_what_it_leaves_out() -> None:
    message = payload(notification(*[alert()] * 5), max_alerts=2)
    assert (len(message["alerts"]), message["truncatedAlerts"]) == (2, 3)


def test_a_large_message_loses_evidence_before_texts_and_texts_before_alerts() -> None:
    heavy = alert(evidence=tuple(Evidence(str(n), START, "s", "x" * 16_000) for n in range(20)))
    whole = payload(notification(heavy))
    assert len(whole["alerts"][0]["tocsin"]["evidence"][0]["raw"]) == 16_000
    several = payload(notification(*[heavy] * 40))
    assert len(several["alerts"]) == 40
    assert several["alerts"][0]["annotations"] == whole["alerts"][0]["annotations"]
    many = payload(notification(*[heavy] * 1000), max_size=64 * 1024)
    assert many["truncatedAlerts"] == 1000 - len(many["alerts"]) > 0
    assert many["alerts"][0]["labels"]["alertname"] == "Shell opened in a pod"


def test_an_enormous_group_key_stays_the_same_however_the_message_shrinks() -> None:
    keys = {payload(notification(group_key="k" * 5000), max_size=size)["groupKey"] for size in (16 * 1024, SIZE)}
    assert len(keys) == 1
    assert len(keys.pop()) == 64


def test_a_test_is_marked() -> None:
    (told,) = payload(notification(test=True))["alerts"]
    assert told["annotations"]["summary"].startswith("[TEST] This is a test message")
    assert told["tocsin"]["test"] is True


@settings(max_examples=15, deadline=None)
@given(any_notifications)
def test_any_message_fits_and_keeps_title_severity_and_link(message: Notification) -> None:
    for size in (16 * 1024, SIZE):
        told = payload(message, max_size=size)
        first = told["alerts"][0]
        assert first["generatorURL"] == message.alerts[0].url
        assert first["tocsin"]["severity"] == message.alerts[0].severity
        assert bool(first["tocsin"]["title"]) == bool(message.alerts[0].title)
        assert len(told["alerts"]) + told["truncatedAlerts"] == len(message.alerts)


@pytest.mark.parametrize(
    ("given_settings", "reason"),
    [
        ({}, "`url` or `url_file` is required"),
        ({"url": HOOK, "username": "me"}, "`password` or `password_file` is required"),
        ({"url": HOOK, "password": "x"}, "needs a `username`"),
        ({"url": HOOK, "username": "me", "password": "x", "bearer_token": "y"}, "not both"),
        ({"url": HOOK, "max_size": "1KiB"}, "at least 16KiB"),
        ({"url": HOOK, "max_alerts": -1}, "max_alerts"),
    ],
)
def test_wrong_settings_say_what_is_wrong(given_settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=reason):
        msgspec.convert(given_settings, WebhookSettings, dec_hook=settings_hook)
