"""PagerDuty: events that the Events API takes, tied to one incident per group."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings

from tests.notify.doubles import Endpoint, check_pagerduty, echo
from tests.notify.samples import RUNBOOK, URL, alert, any_notifications, notification, resolved
from tocsin.model.alerts import Notification
from tocsin.model.errors import DeliveryFailed
from tocsin.model.severity import Severity
from tocsin.notify.pagerduty import PagerDutyNotifier, PagerDutySettings, dedup_key, render

KEY = "0123456789abcdef0123456789abcdef"


def sent(message: Notification) -> Any:
    return check_pagerduty(render(message, KEY))


async def test_the_events_api_gets_a_trigger() -> None:
    endpoint = Endpoint(lambda _: httpx.Response(202, json={"status": "success", "dedup_key": "x"}))
    answer = await PagerDutyNotifier(PagerDutySettings(routing_key=KEY), endpoint.client).send(notification())
    assert str(endpoint.requests[0].url) == "https://events.pagerduty.com/v2/enqueue"
    body = check_pagerduty(endpoint.body)
    assert (body["event_action"], body["routing_key"]) == ("trigger", KEY)
    assert answer == f"202 dedup_key={body['dedup_key']}"


async def test_an_invalid_key_is_given_up_and_not_revealed() -> None:
    endpoint = Endpoint(echo)
    with pytest.raises(DeliveryFailed) as failed:
        await PagerDutyNotifier(PagerDutySettings(routing_key=KEY), endpoint.client).send(notification())
    assert (failed.value.retry, failed.value.reason) == (False, "invalid")
    assert KEY not in str(failed.value)


def test_a_trigger_says_everything() -> None:
    event = sent(notification())
    payload = event["payload"]
    assert payload["summary"] == "HIGH: Shell opened in a pod (prod / payments / web-0)"
    assert (payload["source"], payload["component"], payload["class"]) == (
        *("prod / payments / web-0", "web-0", "shell-in-a-pod"),
    )
    assert payload["timestamp"] == "2026-03-01T12:00:09+00:00"
    details = payload["custom_details"]
    assert details["who"] == "alice@example.com"
    assert details["techniques"] == "T1609, T1059"
    assert details["events not shown"] == 3
    assert len(details["evidence"]) == 4
    assert {link["href"] for link in event["links"]} == {URL, RUNBOOK}
    assert event["client_url"] == URL


def test_trigger_repeat_and_resolution_share_an_incident_and_groups_do_not() -> None:
    first, repeat, over = notification(), notification(idempotency_key="later"), notification(resolved())
    assert {sent(message)["dedup_key"] for message in (first, repeat, over)} == {dedup_key(first.group_key)}
    assert sent(over)["event_action"] == "resolve"
    assert sent(notification(group_key="other"))["dedup_key"] != sent(first)["dedup_key"]


def test_an_incident_stays_open_while_any_alert_fires() -> None:
    assert sent(notification(alert(), resolved()))["event_action"] == "trigger"


@pytest.mark.parametrize(
    ("severity", "word"),
    [
        *((Severity.CRITICAL, "critical"), (Severity.HIGH, "error"), (Severity.MEDIUM, "warning")),
        *((Severity.LOW, "info"), (Severity.INFORMATIONAL, "info")),
    ],
)
def test_severities_in_pagerdutys_words(severity: Severity, word: str) -> None:
    assert sent(notification(alert(severity=severity)))["payload"]["severity"] == word


def test_a_test_is_marked() -> None:
    payload = sent(notification(test=True))["payload"]
    assert payload["summary"].startswith("[TEST] ")
    assert "test message" in payload["custom_details"]["note"]


def test_an_alert_of_unknown_place_has_a_source_all_the_same() -> None:
    assert sent(notification(alert(labels={"alertname": "x"})))["payload"]["source"] == "tocsin"


def test_several_alerts_are_listed() -> None:
    details = sent(notification(*[alert()] * 3))["payload"]["custom_details"]
    assert [each["title"] for each in details["alerts"]] == ["Shell opened in a pod"] * 3


@settings(max_examples=30, deadline=None)
@given(any_notifications)
def test_any_message_fits_and_keeps_title_severity_and_link(message: Notification) -> None:
    event = sent(message)
    assert event["dedup_key"] == dedup_key(message.group_key)
    if event["event_action"] == "trigger":
        assert f"{message.alerts[0].severity.upper()}: " in event["payload"]["summary"]
        assert event["client_url"] in {message.alerts[0].url, "https://tocsin.example/alerts"}


def test_settings_need_a_key() -> None:
    with pytest.raises(msgspec.ValidationError, match="`routing_key` or `routing_key_file` is required"):
        msgspec.convert({}, PagerDutySettings)
