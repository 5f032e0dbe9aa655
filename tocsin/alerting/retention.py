"""Forgets what is over and old, so that the state stays small."""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.store.state import alerts, history, notified, outbox
from tocsin.store.state.engine import State


def forget(state: State, keep: timedelta, now: datetime) -> dict[str, int]:
    """Delete alerts that were resolved, and messages and changes that happened, more than `keep` ago.

    The trail of what people did is never deleted. Call it once a day or so.

    Returns:
        How many rows went, by table.
    """
    before = now - keep
    with state.write() as connection:
        # Messages first: what was told of a group is kept for as long as a message of it is.
        return {
            "outbox": outbox.prune(connection, before),
            "notified": notified.prune(connection, before),
            "alerts": alerts.prune(connection, before),
            "history": history.prune(connection, before),
        }
