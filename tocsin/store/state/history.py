"""What became of each alert: one entry per change of state, in order, only ever added to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, exists, insert, select

from tocsin.store.state.tables import alerts as _alerts
from tocsin.store.state.tables import history as _table


class Change(StrEnum):
    """How an alert changed."""

    NEW = "new"
    REFIRED = "refired"
    FOLDED = "folded"
    SEVERITY = "severity"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Entry:
    """One change.

    Attributes:
        fingerprint, episode: Of which alert.
        at: When, UTC.
        change: What happened.
        detail: One line for a person.
    """

    fingerprint: str
    episode: int
    at: datetime
    change: Change
    detail: str


def record(connection: Connection, entries: Sequence[Entry]) -> None:
    """Add entries."""
    if entries:
        connection.execute(
            insert(_table),
            [
                {"fingerprint": e.fingerprint, "episode": e.episode, "at": e.at, "change": e.change, "detail": e.detail}
                for e in entries
            ],
        )


def of(connection: Connection, fingerprint: str, limit: int = 1000) -> list[Entry]:
    """The latest entries of one alert over all its episodes, oldest first."""
    rows = connection.execute(
        select(_table).where(_table.c.fingerprint == fingerprint).order_by(_table.c.id.desc()).limit(limit)
    ).all()
    return [Entry(row.fingerprint, row.episode, row.at, Change(row.change), row.detail) for row in reversed(rows)]


def prune(connection: Connection, before: datetime) -> int:
    """Forget entries older than `before` of episodes that are forgotten; returns their number."""
    kept = exists().where(_alerts.c.fingerprint == _table.c.fingerprint, _alerts.c.episode == _table.c.episode)
    return connection.execute(delete(_table).where(_table.c.at < before, ~kept)).rowcount
