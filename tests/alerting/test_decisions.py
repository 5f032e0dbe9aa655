"""Who is to be told, and when not to say it again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.store.state.builders import START, alert, at, told
from tocsin.alerting.decisions import Reason, decide, idempotency_key
from tocsin.alerting.destinations import Destination
from tocsin.alerting.grouping import group_key
from tocsin.alerting.routing import Routed
from tocsin.model.alerts import AlertStatus
from tocsin.model.severity import Severity

ROUTED = Routed(Destination("team", "webhook"), timedelta(hours=4), True, "a route")
RESOLVED = {"status": AlertStatus.RESOLVED, "ends_at": at(0)}


@pytest.mark.parametrize(
    ("alert_is", "was_told", "goes_there", "expected"),
    [
        ({}, None, True, Reason.NEW),
        ({}, None, False, None),
        ({}, {}, True, None),
        ({}, {"status": AlertStatus.RESOLVED}, True, Reason.NEW),
        ({"episode": 2}, {}, True, Reason.NEW),
        ({"severity": Severity.CRITICAL}, {}, True, Reason.SEVERITY),
        ({"severity": Severity.LOW}, {}, True, None),
        ({}, {"repeat_at": START}, True, Reason.REPEAT),
        ({}, {"repeat_at": at(1)}, True, None),
        ({}, {"repeat_at": START}, False, None),
        (RESOLVED, {}, True, Reason.RESOLVED),
        (RESOLVED, {}, False, Reason.RESOLVED),
        (RESOLVED, {"status": AlertStatus.RESOLVED}, True, None),
        (RESOLVED, None, True, None),
    ],
)
def test_decisions(
    alert_is: dict[str, Any], was_told: dict[str, Any] | None, goes_there: bool, expected: Reason | None
) -> None:
    before = None if was_told is None else told(**was_told)
    assert decide(alert(**alert_is), before, ROUTED if goes_there else None, START) is expected


def test_keys_tell_messages_apart_and_are_the_same_for_the_same_message() -> None:
    parts = [
        ("team/slack", "tocsin/a", 1, Reason.NEW, 1),
        ("team/email", "tocsin/a", 1, Reason.NEW, 1),
        ("team/slack", "tocsin/b", 1, Reason.NEW, 1),
        ("team/slack", "tocsin/a", 2, Reason.NEW, 1),
        ("team/slack", "tocsin/a", 1, Reason.REPEAT, 1),
        ("team/slack", "tocsin/a", 1, Reason.NEW, 2),
        ("team/slac", "ktocsin/a", 1, Reason.NEW, 1),
    ]
    keys = [idempotency_key(*each) for each in parts]
    assert len(set(keys)) == len(parts)
    assert keys == [idempotency_key(*each) for each in parts]


def test_a_group_is_one_alert_over_all_its_episodes() -> None:
    assert group_key("a") == group_key("a")
    assert group_key("a") != group_key("b")
