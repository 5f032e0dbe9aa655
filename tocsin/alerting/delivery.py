"""What to do after a destination did not take a message: pure, from the failure and the time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.alerting.settings import DeliverySettings
from tocsin.kit.backoff import Backoff
from tocsin.model.errors import DeliveryFailed
from tocsin.store.state.outbox import Message


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a message after a failed attempt.

    Attributes:
        retry_at: When to try it again; None if it is given up.
        alarming: Whether the failure is to be an alert.
    """

    retry_at: datetime | None
    alarming: bool


def backoff(settings: DeliverySettings) -> Backoff:
    """How long to wait between attempts."""
    return Backoff(settings.first_retry.total_seconds(), cap=settings.longest_retry.total_seconds())


def judge(message: Message, failure: DeliveryFailed, settings: DeliverySettings, now: datetime) -> Verdict:
    """Return what becomes of a message whose delivery has just failed.

    It is given up if the destination will never take it, or at the end of `give_up_after`, when it gets its last try.
    """
    age = now - message.created_at
    if not failure.retry or age >= settings.give_up_after:
        return Verdict(None, alarming=True)
    wait = timedelta(seconds=backoff(settings).delay(message.attempts + 1, failure.retry_after))
    last_try = message.created_at + settings.give_up_after
    return Verdict(min(now + wait, last_try), alarming=age >= settings.alert_after)
