"""The outbox: every message that became due, until and after its destination took it.

A message is `pending` until it is `sent`, `failed` (given up; it may be put back), or `merged` into a digest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from tocsin.model.alerts import Notification
from tocsin.store.state.tables import outbox as _table

_PAGE = 100
_BARE = [column for column in _table.c if column is not _table.c.notification]


class MessageState(StrEnum):
    """Where a message is."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message that has become due.

    Attributes:
        destination: Name of the destination: `receiver/kind`, numbered if there are several.
        receiver, kind: The receiver's name and the destination's kind (`slack`...).
        reason: Why it is sent: `new`, `resolved`, `repeat`...
        notification: What to send, as it was when it became due.
        stands_for: How many messages it stands for: more than one in a digest.
    """

    destination: str
    receiver: str
    kind: str
    reason: str
    notification: Notification
    stands_for: int = 1


@dataclass(frozen=True, slots=True)
class Message:
    """A message and what became of it.

    Attributes:
        id: Counts up in the order in which messages became due.
        destination, receiver, kind, reason, stands_for: As in `NewMessage`.
        group_key, idempotency_key: The notification's.
        state: Where it is.
        created_at: When it became due, UTC.
        due_at: When it is to be tried (again), UTC.
        finished_at: When it was sent, given up or merged, UTC; None while pending.
        attempts: How often it was tried.
        merged_into: The digest that carries it, if one does.
        answer: The destination's answer, once sent.
        error, error_reason: Of the last attempt that failed: a sentence, and a word (`DeliveryFailed.reason`).
        latency_ms: Milliseconds from `created_at` to the answer.
    """

    id: int
    destination: str
    receiver: str
    kind: str
    group_key: str
    reason: str
    idempotency_key: str
    state: MessageState
    created_at: datetime
    due_at: datetime
    finished_at: datetime | None
    attempts: int
    stands_for: int
    merged_into: int | None
    answer: str
    error: str
    error_reason: str
    latency_ms: int | None


@dataclass(frozen=True, slots=True)
class MessageQuery:
    """Which messages to list.

    Attributes:
        id: Only this one.
        state: Only those in this state.
        receiver: Only those to this receiver.
        group_key: Only those of this group.
        since: Only those that became due at or after this.
        limit, offset: Which part of the list.
    """

    id: int | None = None
    state: MessageState | None = None
    receiver: str | None = None
    group_key: str | None = None
    since: datetime | None = None
    limit: int = 100
    offset: int = 0


def enqueue(connection: Connection, messages: Sequence[NewMessage]) -> None:
    """Add messages, due at once."""
    if messages:
        connection.execute(insert(_table), [_row(message) for message in messages])


def next_due(connection: Connection, destination: str, now: datetime) -> tuple[Message, Notification] | None:
    """The next message to try: the one that has been due longest, of those that overtake no other of their group.

    So one that fails each time is tried no more often than the others, which may do better.
    """
    query = select(_table).where(_head(destination), _table.c.due_at <= now).order_by(_table.c.due_at, _table.c.id)
    row = connection.execute(query.limit(1)).first()
    return (_message(row), row.notification) if row else None


def next_time(connection: Connection, destination: str) -> datetime | None:
    """When the next message of a destination may be tried; None if none is pending."""
    return connection.execute(select(func.min(_table.c.due_at)).where(_head(destination))).scalar()


def pending_count(connection: Connection, destination: str) -> int:
    """How many messages of a destination are pending."""
    return connection.execute(select(func.count()).where(*_pending(destination))).scalar_one()


def pending(connection: Connection, destination: str) -> Iterator[tuple[Message, Notification]]:
    """Yield all pending messages of a destination, oldest first, without holding all of them."""
    query = select(_table).where(*_pending(destination)).order_by(_table.c.id)
    with connection.execute(query.execution_options(yield_per=_PAGE)) as rows:
        for row in rows:
            yield _message(row), row.notification


def mark_sent(connection: Connection, message: Message, answer: str, now: datetime) -> None:
    """Tick a message off."""
    latency = max(0, round((now - message.created_at).total_seconds() * 1000))
    _change(
        connection,
        message.id,
        state=MessageState.SENT,
        finished_at=now,
        answer=answer,
        latency_ms=latency,
        attempts=message.attempts + 1,
    )


def postpone(connection: Connection, message: Message, due_at: datetime, error: str, reason: str) -> None:
    """Note a failed attempt, to be repeated at `due_at`."""
    _change(
        connection,
        message.id,
        due_at=due_at,
        error=error,
        error_reason=reason,
        attempts=message.attempts + 1,
    )


def give_up(connection: Connection, message: Message, error: str, reason: str, now: datetime) -> None:
    """Note a failed attempt that is not to be repeated."""
    _change(
        connection,
        message.id,
        state=MessageState.FAILED,
        finished_at=now,
        error=error,
        error_reason=reason,
        attempts=message.attempts + 1,
    )


def merge(connection: Connection, digest: NewMessage, now: datetime) -> int:
    """Put one message in the place of all that are pending for its destination; returns their number."""
    connection.execute(insert(_table), [_row(digest)])
    key = digest.notification.idempotency_key
    into = connection.execute(select(_table.c.id).where(_table.c.idempotency_key == key)).scalar_one()
    merged = connection.execute(
        update(_table)
        .where(*_pending(digest.destination), _table.c.id != into)
        .values(state=MessageState.MERGED, merged_into=into, finished_at=now)
    )
    return merged.rowcount


def requeue(connection: Connection, id_: int, now: datetime) -> bool:
    """Put a message that was given up back, to be tried as if it were new; False if it is not a failed one."""
    changed = connection.execute(
        update(_table)
        .where(_table.c.id == id_, _table.c.state == MessageState.FAILED)
        .values(state=MessageState.PENDING, created_at=now, due_at=now, finished_at=None, attempts=0)
    )
    return bool(changed.rowcount)


def orphans(connection: Connection, known: Sequence[str], before: datetime) -> list[Message]:
    """Pending messages from before `before` to destinations that nobody knows any more."""
    query = select(*_BARE).where(
        _table.c.state == MessageState.PENDING, _table.c.created_at < before, _table.c.destination.not_in(known)
    )
    return [_message(row) for row in connection.execute(query.order_by(_table.c.id))]


def find(connection: Connection, query: MessageQuery) -> list[Message]:
    """List messages, latest first."""
    rows = connection.execute(_selection(query).limit(query.limit).offset(query.offset))
    return [_message(row) for row in rows]


def notification(connection: Connection, id_: int) -> Notification | None:
    """What a message says."""
    return connection.execute(select(_table.c.notification).where(_table.c.id == id_)).scalar()


def counts(connection: Connection) -> dict[tuple[str, str, MessageState], int]:
    """How many messages there are, by receiver, kind and state."""
    columns = (_table.c.receiver, _table.c.kind, _table.c.state)
    rows = connection.execute(select(*columns, func.count()).group_by(*columns))
    return {(receiver, kind, MessageState(state)): count for receiver, kind, state, count in rows}


def prune(connection: Connection, before: datetime) -> int:
    """Forget messages that became due before `before` and are not pending; returns their number."""
    gone = delete(_table).where(_table.c.state != MessageState.PENDING, _table.c.created_at < before)
    return connection.execute(gone).rowcount


def _head(destination: str) -> Any:
    """Pending, and the first one of its group."""
    return _table.c.id.in_(select(func.min(_table.c.id)).where(*_pending(destination)).group_by(_table.c.group_key))


def _pending(destination: str) -> tuple[Any, Any]:
    return _table.c.destination == destination, _table.c.state == MessageState.PENDING


def _change(connection: Connection, id_: int, **values: Any) -> None:
    # Only a pending message changes: a replica whose lease ran out must not undo what another one has noted.
    connection.execute(
        update(_table).where(_table.c.id == id_, _table.c.state == MessageState.PENDING).values(**values)
    )


def _selection(query: MessageQuery) -> Select[Any]:
    selection = select(*_BARE).order_by(_table.c.id.desc())
    if query.id is not None:
        selection = selection.where(_table.c.id == query.id)
    if query.state:
        selection = selection.where(_table.c.state == query.state)
    if query.receiver is not None:
        selection = selection.where(_table.c.receiver == query.receiver)
    if query.group_key is not None:
        selection = selection.where(_table.c.group_key == query.group_key)
    if query.since:
        selection = selection.where(_table.c.created_at >= query.since)
    return selection


def _row(message: NewMessage) -> dict[str, Any]:
    notification = message.notification
    return {
        "destination": message.destination,
        "receiver": message.receiver,
        "kind": message.kind,
        "group_key": notification.group_key,
        "reason": message.reason,
        "idempotency_key": notification.idempotency_key,
        "state": MessageState.PENDING,
        "created_at": notification.created_at,
        "due_at": notification.created_at,
        "finished_at": None,
        "attempts": 0,
        "stands_for": message.stands_for,
        "merged_into": None,
        "answer": "",
        "error": "",
        "error_reason": "",
        "latency_ms": None,
        "notification": notification,
    }


def _message(row: Row[Any]) -> Message:
    return Message(
        id=row.id,
        destination=row.destination,
        receiver=row.receiver,
        kind=row.kind,
        group_key=row.group_key,
        reason=row.reason,
        idempotency_key=row.idempotency_key,
        state=MessageState(row.state),
        created_at=row.created_at,
        due_at=row.due_at,
        finished_at=row.finished_at,
        attempts=row.attempts,
        stands_for=row.stands_for,
        merged_into=row.merged_into,
        answer=row.answer,
        error=row.error,
        error_reason=row.error_reason,
        latency_ms=row.latency_ms,
    )
