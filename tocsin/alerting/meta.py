"""Alerts about alerting itself: a message that does not get through is a signal like any other."""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.model.alerts import Evidence, Signal
from tocsin.model.severity import Severity
from tocsin.store.state.outbox import Message

NOTIFICATION_FAILED = "tocsin.notification-failed"
"""Rule id of the alert about messages that do not get through. Its label `destination` names where."""

_TITLE = "Notification not delivered"


def notification_failed(message: Message, error: str, *, final: bool, quiet: timedelta, now: datetime) -> Signal:
    """Return the signal that a message does not get through.

    Args:
        message: The message.
        error: What the destination answered, free of secrets.
        final: Whether it was given up; else it is still being tried.
        quiet: How long without another failure until the alert resolves.
        now: The time of the failure.
    """
    fate = "was given up" if final else f"is still waiting after {message.attempts + 1} attempts"
    summary = f"A message to {message.destination} ({message.reason}) {fate}: {error}"
    return Signal(
        rule_id=NOTIFICATION_FAILED,
        title=_TITLE,
        severity=Severity.HIGH,
        labels={
            "alertname": _TITLE,
            "severity": Severity.HIGH.value,
            "receiver": message.receiver,
            "destination": message.destination,
        },
        annotations={
            "summary": summary,
            "description": "The destination does not take Tocsin's messages. `tocsin notifications` lists them, and "
            "what it answered.",
        },
        techniques=(),
        runbook_url="",
        first_event=now,
        last_event=now,
        count=1,
        evidence=(Evidence(message.idempotency_key, now, summary, error),),
        quiet=quiet,
    )
