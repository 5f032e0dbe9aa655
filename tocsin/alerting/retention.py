"""Forgets what is over and old, so that the state stays small."""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.store.state import alerts, history, notified, outbox
from tocsin.store.state.engine import State


def forget(state: State, keep: timedelta, now: datetime) -> dict[str, int]:
    """Delete alerts that were resolved more than `keep` ago, their history, and messages that are as old.

    The trail of what people did is never deleted. Call it once a day or so.

    Returns:
        How many rows went, by table.
    """
    before = now - keep
    with state.write() as connection:
        # In this order: what was told of a group is kept for as long as a message of it, history as long as its alert.
        return {
            "outbox": outbox.prune(connection, before),
            "notified": notified.prune(connection, before),
            "alerts": alerts.prune(connection, before),
            "history": history.prune(connection, before),
        }
