"""The audit trail of what people did: append-only, each entry sealed by a hash over itself and the entry before it.

A changed, removed or inserted entry breaks the chain at a place that `verify` names. Cutting entries off the end leaves
a whole chain; whoever must exclude that keeps the hash that `head` returns somewhere else from time to time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from sqlalchemy import Connection, insert, select

from tocsin.store.state.tables import trail as _table

GENESIS = "0" * 64
"""What the first entry names as its predecessor's hash."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person or a token did.

    Attributes:
        at: When, UTC.
        actor: Who: the user or the name of the token.
        action: What, as `noun.verb`: `notification.retry`, `silence.create`.
        subject: To what.
        detail: Whatever else is worth knowing; never a secret.
    """

    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sealed:
    """An action in the trail.

    Attributes:
        number: Counts from 1 without gaps.
        action: What was done.
        previous: Hash of the entry before.
        hash: SHA-256, as hex, over this entry's content and `previous`.
    """

    number: int
    action: Action
    previous: str
    hash: str


def append(connection: Connection, action: Action) -> Sealed:
    """Add an action. The connection is of a writing transaction, so entries are numbered without gaps."""
    number, previous = head(connection)
    sealed = _seal(number + 1, action, previous)
    connection.execute(
        insert(_table).values(
            number=sealed.number,
            at=sealed.action.at,
            actor=sealed.action.actor,
            action=sealed.action.action,
            subject=sealed.action.subject,
            detail=sealed.action.detail,
            previous=sealed.previous,
            hash=sealed.hash,
        )
    )
    return sealed


def head(connection: Connection) -> tuple[int, str]:
    """Number and hash of the latest entry; 0 and `GENESIS` if there is none."""
    row = connection.execute(select(_table.c.number, _table.c.hash).order_by(_table.c.number.desc()).limit(1)).first()
    return (row.number, row.hash) if row else (0, GENESIS)


def entries(connection: Connection, after: int = 0, limit: int = 1000) -> list[Sealed]:
    """Entries numbered above `after`, in order."""
    rows = connection.execute(
        select(_table).where(_table.c.number > after).order_by(_table.c.number).limit(limit)
    ).all()
    return [
        Sealed(row.number, Action(row.at, row.actor, row.action, row.subject, row.detail), row.previous, row.hash)
        for row in rows
    ]


def verify(connection: Connection) -> int | None:
    """The number of the first entry that is not as it was written; None if the whole chain is."""
    previous = GENESIS
    for number, entry in enumerate(_all(connection), start=1):
        if entry != _seal(number, entry.action, previous):
            return number
        previous = entry.hash
    return None


def _all(connection: Connection) -> Iterator[Sealed]:
    after = 0
    while page := entries(connection, after):
        yield from page
        after = page[-1].number


def _seal(number: int, action: Action, previous: str) -> Sealed:
    # What the database gives back must hash as what was given to it: no character 0, UTC.
    actor, verb, subject = (text.replace("\0", "\ufffd") for text in (action.actor, action.action, action.subject))
    kept = Action(action.at.astimezone(UTC), actor, verb, subject, dict(action.detail))
    content = msgspec.json.encode([number, kept, previous], order="sorted")
    return Sealed(number, kept, previous, hashlib.sha256(content).hexdigest())
