"""The signal about a message that does not get through."""

from __future__ import annotations

from datetime import timedelta

from tests.alerting.test_delivery import waiting
from tests.store.state.builders import at
from tocsin.alerting.meta import NOTIFICATION_FAILED, notification_failed
from tocsin.model.severity import Severity


def test_it_says_where_and_why_and_what_became_of_the_message() -> None:
    made = notification_failed(waiting(), "401 Unauthorized", final=True, quiet=timedelta(hours=1), now=at(5))
    assert (made.rule_id, made.severity, made.quiet) == (NOTIFICATION_FAILED, Severity.HIGH, timedelta(hours=1))
    assert made.labels["receiver"] == "team"
    assert made.labels["destination"] == "team/webhook"
    assert made.annotations["summary"] == "A message to team/webhook (new) was given up: 401 Unauthorized"
    assert made.evidence[0].raw == "401 Unauthorized"


def test_while_it_is_tried_it_is_the_same_alert() -> None:
    final = notification_failed(waiting(), "401", final=True, quiet=timedelta(hours=1), now=at(5))
    still = notification_failed(waiting(attempts=6), "503", final=False, quiet=timedelta(hours=1), now=at(5))
    assert still.labels == final.labels
    assert "is still waiting after 7 attempts: 503" in still.annotations["summary"]
