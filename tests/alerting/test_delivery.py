"""What becomes of a message that was not taken."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.store.state.builders import START, at
from tocsin.alerting.delivery import judge
from tocsin.alerting.settings import DeliverySettings
from tocsin.kit.units import Duration
from tocsin.model.errors import DeliveryFailed
from tocsin.store.state.outbox import Message, MessageState

SETTINGS = DeliverySettings(
    first_retry=Duration(seconds=1),
    longest_retry=Duration(minutes=5),
    alert_after=Duration(minutes=10),
    give_up_after=Duration(hours=24),
)


def waiting(attempts: int = 0, **changes: Any) -> Message:
    """A message that became due at the start."""
    facts: dict[str, Any] = {
        "id": 1,
        "destination": "team/webhook",
        "receiver": "team",
        "kind": "webhook",
        "group_key": "tocsin/a",
        "reason": "new",
        "idempotency_key": "k",
        "state": MessageState.PENDING,
        "created_at": START,
        "due_at": START,
        "finished_at": None,
        "attempts": attempts,
        "stands_for": 1,
        "merged_into": None,
        "answer": "",
        "error": "",
        "error_reason": "",
        "latency_ms": None,
        **changes,
    }
    return Message(**facts)


def busy(retry_after: float | None = None) -> DeliveryFailed:
    """A failure that may pass."""
    return DeliveryFailed("429", retry=True, reason="rate_limited", retry_after=retry_after)


@pytest.mark.parametrize(("attempts", "least", "most"), [(0, 0.5, 1), (3, 4, 8), (20, 150, 300)])
def test_waits_grow_up_to_a_limit(attempts: int, least: float, most: float) -> None:
    verdict = judge(waiting(attempts), busy(), SETTINGS, at(60))
    assert verdict.retry_at
    assert at(60 + least) <= verdict.retry_at <= at(60 + most)
    assert not verdict.alarming


def test_what_the_destination_asks_for_is_not_undercut() -> None:
    verdict = judge(waiting(), busy(retry_after=900), SETTINGS, at(60))
    assert verdict.retry_at == at(960)


def test_a_message_that_waits_long_is_an_alert() -> None:
    assert not judge(waiting(), busy(), SETTINGS, at(599)).alarming
    assert judge(waiting(), busy(), SETTINGS, at(600)).alarming


def test_the_last_try_is_when_it_would_be_given_up() -> None:
    end = START + timedelta(hours=24)
    assert judge(waiting(50), busy(), SETTINGS, end - timedelta(seconds=1)).retry_at == end
    verdict = judge(waiting(50), busy(), SETTINGS, end)
    assert verdict.retry_at is None
    assert verdict.alarming


def test_what_will_never_be_taken_is_given_up_at_once() -> None:
    verdict = judge(waiting(), DeliveryFailed("404", retry=False, reason="client"), SETTINGS, at(1))
    assert verdict.retry_at is None
    assert verdict.alarming
