"""Whether a destination is to be told of an alert now, and why: pure, from the alert and what was told before."""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum

from tocsin.alerting.routing import Routed
from tocsin.model.alerts import Alert, AlertStatus
from tocsin.store.state.notified import Told


class Reason(StrEnum):
    """Why a message is sent."""

    NEW = "new"
    """The alert began, or began anew, or now goes to this destination."""
    SEVERITY = "severity"
    """It got worse."""
    REPEAT = "repeat"
    """It still fires after the repeat interval."""
    RESOLVED = "resolved"
    """It is over."""
    DIGEST = "digest"
    """Many messages were waiting; this one stands for all of them."""


def decide(alert: Alert, told: Told | None, routed: Routed | None, now: datetime) -> Reason | None:
    """Return why the destination is to be told of the alert now; None if there is nothing to tell.

    Args:
        alert: The alert as it is.
        told: The last message about it to this destination; None if there was none.
        routed: How the alert goes to the destination; None if it does not (any more).
        now: The time.
    """
    known = told is not None and told.status is AlertStatus.FIRING
    if alert.status is AlertStatus.RESOLVED:
        return Reason.RESOLVED if known else None
    if routed is None:
        return None
    if told is None or not known or told.episode != alert.episode:
        return Reason.NEW
    if alert.severity.rank < told.severity.rank:
        return Reason.SEVERITY
    return Reason.REPEAT if now >= told.repeat_at else None


def idempotency_key(destination: str, group_key: str, episode: int, reason: Reason, sequence: int) -> str:
    """The key of one message: the same whenever and wherever the same message is made or sent again."""
    parts = "\0".join((destination, group_key, str(episode), reason.value, str(sequence)))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:32]
