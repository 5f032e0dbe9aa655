"""The facts of a message: what, where, who, how bad, how often, the evidence, links."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from tests.notify.samples import LABELS, RUNBOOK, START, URL, alert, any_notifications, event, notification, resolved
from tocsin.model.alerts import Notification
from tocsin.model.severity import Severity
from tocsin.notify.facts import alert_facts, first_and_latest, gather, headline
from tocsin.notify.shrink import LEAST, STEPS

RICH = STEPS[0]


def test_one_alert_says_everything() -> None:
    facts = alert_facts(alert(), RICH)
    assert (facts.title, facts.summary) == (
        "Shell opened in a pod",
        "alice@example.com opened a shell in payments/web-0",
    )
    assert dict(facts.pairs) == {
        "Severity": "high",
        "Status": "firing",
        "Where": "prod / payments / web-0",
        "Who": "alice@example.com",
        "How often": "7 events from 2026-03-01 12:00:03 UTC to 2026-03-01 12:00:09 UTC",
        "Labels": "source=203.0.113.7",
        "Techniques": "T1609, T1059",
    }
    assert facts.evidence[0] == "2026-03-01 12:00:03 UTC  " + event(0).summary
    assert len(facts.evidence) == 4
    assert facts.withheld == 3
    assert (facts.runbook, facts.url) == (RUNBOOK, URL)


def test_a_single_event_has_one_time() -> None:
    often = alert_facts(alert(count=1, last_event=START), RICH).often
    assert often == "1 event at 2026-03-01 12:00:03 UTC"


def test_an_event_without_a_summary_shows_its_beginning() -> None:
    (shown,) = alert_facts(alert(evidence=(replace(event(1), summary=""),)), RICH).evidence
    assert shown == "2026-03-01 12:00:04 UTC  " + event(1).raw


def test_a_label_that_is_told_once_is_not_told_again_and_the_others_are() -> None:
    labels = {**LABELS, "username": "alice@example.com", "container": "app"}
    assert alert_facts(alert(labels=labels), RICH).others == (*("container=app", "source=203.0.113.7"),)


def test_unknown_place_and_person_are_left_out() -> None:
    facts = alert_facts(alert(labels={"alertname": "x", "severity": "high"}), RICH)
    assert {"Where", "Who", "Labels"}.isdisjoint(dict(facts.pairs))


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (notification(), "HIGH: Shell opened in a pod (prod / payments / web-0)"),
        (notification(test=True), "[TEST] HIGH: Shell opened in a pod (prod / payments / web-0)"),
        (notification(resolved()), "RESOLVED: Shell opened in a pod (prod / payments / web-0)"),
        (
            notification(alert(severity=Severity.CRITICAL), *[alert()] * 12),
            "CRITICAL: Shell opened in a pod (prod / payments / web-0) (+12 more)",
        ),
        (notification(alert(title="")), "HIGH: (no title) (prod / payments / web-0)"),
    ],
)
def test_headlines(message: Notification, told: str) -> None:
    assert headline(message, 200) == told


def test_a_short_headline_drops_the_place_then_cuts_the_title() -> None:
    long = notification(alert(title="An uncommonly long title of a rule", labels=LABELS))
    assert headline(long, 50) == "HIGH: An uncommonly long title of a rule"
    assert headline(notification(alert(title="x" * 100)), 50) == "HIGH: " + "x" * 43 + "…"


def test_several_alerts_link_to_the_list_and_one_to_its_page() -> None:
    assert gather(notification(), RICH).url == URL
    assert gather(notification(alert(), alert()), RICH).url == "https://tocsin.example/alerts"
    assert gather(notification(alert(), alert(), external_url=""), RICH).url == URL


def test_alerts_that_are_not_told_are_counted() -> None:
    message = gather(notification(*[alert()] * 5), replace(RICH, alerts=2))
    assert (len(message.alerts), message.more_note) == (2, "and 3 more alerts in Tocsin")


@pytest.mark.parametrize(
    ("count", "numbers"), [(0, []), (1, [5]), (2, [0, 5]), (3, [0, 4, 5]), (9, [0, 1, 2, 3, 4, 5])]
)
def test_the_first_and_the_latest_events_are_shown(count: int, numbers: list[int]) -> None:
    events = tuple(event(number) for number in range(6))
    assert first_and_latest(events, count) == tuple(event(number) for number in numbers)


@settings(max_examples=30, deadline=None)
@given(any_notifications)
def test_every_text_is_bounded_at_every_step(message: Notification) -> None:
    for step in (*STEPS, LEAST):
        facts = alert_facts(message.alerts[0], step)
        assert all(
            len(each) <= step.text for each in (facts.title, facts.summary, facts.where, facts.who, *facts.others)
        )
        assert all(len(each) <= step.text + 25 for each in facts.evidence)
    assert len(headline(message, 60)) <= 60
