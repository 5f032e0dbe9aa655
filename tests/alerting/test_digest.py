"""Digests: many messages in one, of bounded size, that says what it stands for."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tests.alerting.test_delivery import waiting
from tests.store.state.builders import START, alert, at
from tocsin.alerting.digest import digest
from tocsin.model.alerts import Alert, AlertStatus, Evidence, Notification
from tocsin.model.severity import Severity
from tocsin.store.state.outbox import Message


def pending(*alerts: Alert, key: str = "k", created: float = 0, stands_for: int = 1) -> tuple[Message, Notification]:
    """A message that waits."""
    notification = Notification(
        "team", "tocsin/a", AlertStatus.FIRING, alerts, {}, "https://tocsin.example", key, at(created)
    )
    message = waiting(idempotency_key=key, created_at=at(created), stands_for=stands_for)
    return message, notification


def summary(notification: Notification) -> str:
    """What the digest says of itself."""
    return notification.alerts[0].annotations["summary"]


def test_each_alert_comes_once_as_last_heard_firing_and_worst_first() -> None:
    over = replace(alert("b"), status=AlertStatus.RESOLVED, ends_at=at(9))
    made = digest(
        [
            pending(alert("a"), key="1", created=5),
            pending(alert("b", severity=Severity.CRITICAL), key="2"),
            pending(alert("c", severity=Severity.CRITICAL), key="3"),
            pending(over, key="4"),
        ],
        at(60),
    )
    titles = [each.title for each in made.notification.alerts]
    assert titles == ["Alert storm", "c", "a", "b"]
    assert made.notification.alerts[3].status is AlertStatus.RESOLVED
    assert "4 messages were waiting for team/webhook" in summary(made.notification)
    assert "3 alerts, of which 2 are firing" in summary(made.notification)
    assert made.notification.alerts[0].severity is Severity.CRITICAL
    assert (made.stands_for, made.reason, made.destination) == (4, "digest", "team/webhook")
    assert made.notification.created_at == at(5), "it is as old as the first message, and is given up with it"


def test_when_all_is_over_it_is_a_resolution() -> None:
    over = replace(alert("a"), status=AlertStatus.RESOLVED, ends_at=at(9))
    made = digest([pending(over, key="1"), pending(over, key="2")], at(60)).notification
    assert made.status is AlertStatus.RESOLVED
    assert made.alerts[0].ends_at == at(60)


def test_a_digest_of_a_digest_counts_all_and_nests_nothing() -> None:
    inner = digest([pending(alert(f"{n}"), key=f"{n}") for n in range(5)], at(1))
    outer = digest(
        [
            (waiting(idempotency_key="inner", stands_for=inner.stands_for), inner.notification),
            pending(alert("9"), key="9"),
        ],
        at(2),
    )
    assert outer.stands_for == 6
    assert sorted(each.title for each in outer.notification.alerts[1:]) == ["0", "1", "2", "3", "4", "9"]


def test_its_size_is_bounded() -> None:
    heavy = tuple(Evidence(f"e{n}", START, "seen", "x" * 16_000) for n in range(20))
    storm = [pending(alert(f"alert {n}", evidence=heavy), key=f"{n}") for n in range(2000)]
    made = digest(iter(storm), at(60)).notification
    assert len(made.alerts) == 501
    assert "2000 alerts" in summary(made)
    assert "the worst 500 of them are listed here" in summary(made)
    assert len(msgspec.json.encode(made)) < 1_000_000


def test_the_key_is_the_same_for_the_same_messages_only() -> None:
    one, two, three = (pending(alert("a"), key=key) for key in "123")
    key = digest([one, two], at(1)).notification.idempotency_key
    assert key == digest([one, two], at(99)).notification.idempotency_key
    assert key != digest([one, two, three], at(1)).notification.idempotency_key
