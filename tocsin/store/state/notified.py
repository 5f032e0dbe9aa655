"""What each destination was last told of each group: what decides whether there is something to tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, select

from tocsin.model.alerts import AlertStatus
from tocsin.model.severity import Severity
from tocsin.store.state.rows import chunks, upsert
from tocsin.store.state.tables import notified as _table
from tocsin.store.state.tables import outbox as _outbox


@dataclass(frozen=True, slots=True)
class Told:
    """The last message of one group to one destination.

    Attributes:
        destination: The destination's name.
        group_key: The group.
        fingerprint: The alert that the group is about.
        episode, status, severity: The alert's, as told.
        sequence: How many messages of this group the destination was sent.
        told_at: When the message became due, UTC.
        repeat_at: When to tell it again if the alert still fires then, UTC.
    """

    destination: str
    group_key: str
    fingerprint: str
    episode: int
    status: AlertStatus
    severity: Severity
    sequence: int
    told_at: datetime
    repeat_at: datetime


def load(connection: Connection, group_keys: Sequence[str]) -> dict[tuple[str, str], Told]:
    """What was told of these groups, by destination and group key."""
    found = {}
    for part in chunks(group_keys):
        for row in connection.execute(select(_table).where(_table.c.group_key.in_(part))):
            found[row.destination, row.group_key] = _told(row)
    return found


def save(connection: Connection, told: Sequence[Told]) -> None:
    """Store what was told."""
    names = [column.name for column in _table.c]
    upsert(connection, _table, [{name: getattr(each, name) for name in names} for each in told])


def repeats_due(connection: Connection, now: datetime) -> list[str]:
    """Fingerprints of the alerts that some destination is to be told of again."""
    query = select(_table.c.fingerprint).where(_table.c.status == AlertStatus.FIRING, _table.c.repeat_at <= now)
    return list(connection.execute(query.distinct()).scalars())


def prune(connection: Connection, before: datetime) -> int:
    """Forget what was told before `before`, of alerts that are over and whose messages are forgotten."""
    kept = exists().where(_outbox.c.group_key == _table.c.group_key, _outbox.c.destination == _table.c.destination)
    gone = delete(_table).where(_table.c.status == AlertStatus.RESOLVED, _table.c.told_at < before, ~kept)
    return connection.execute(gone).rowcount


def _told(row: Row[Any]) -> Told:
    return Told(
        row.destination,
        row.group_key,
        row.fingerprint,
        row.episode,
        AlertStatus(row.status),
        Severity(row.severity),
        row.sequence,
        row.told_at,
        row.repeat_at,
    )
