"""The trail of what people did shows any tampering."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta, timezone

import pytest
from sqlalchemy import Connection, delete, update

from tests.store.state.builders import START, at
from tocsin.store.state import tables, trail
from tocsin.store.state.engine import State
from tocsin.store.state.trail import Action

TRAIL = tables.trail.c


def fill(state: State, entries: int = 5) -> None:
    """Append some actions."""
    with state.write() as connection:
        for number in range(entries):
            local = at(number).astimezone(timezone(timedelta(hours=5)))
            action = Action(local, "alice\0", "silence.create", f"silence {number}", {"why": "ümläut", "a": "b"})
            trail.append(connection, action)


def test_entries_are_numbered_and_chained(state: State) -> None:
    with state.read() as connection:
        assert trail.head(connection) == (0, trail.GENESIS)
        assert trail.verify(connection) is None
    fill(state)
    with state.read() as connection:
        seen = trail.entries(connection)
        assert [entry.number for entry in seen] == [1, 2, 3, 4, 5]
        assert [entry.previous for entry in seen] == [trail.GENESIS, *(entry.hash for entry in seen[:-1])]
        assert seen[0].action.at == START
        assert trail.entries(connection, after=3, limit=1) == [seen[3]]
        assert trail.head(connection) == (5, seen[-1].hash)
        assert trail.verify(connection) is None


@pytest.mark.parametrize(
    ("tamper", "broken"),
    [
        (lambda c: c.execute(update(tables.trail).where(TRAIL.number == 3).values(actor="mallory")), 3),
        (lambda c: c.execute(update(tables.trail).where(TRAIL.number == 2).values(at=at(9))), 2),
        (lambda c: c.execute(update(tables.trail).where(TRAIL.number == 4).values(detail={"why": "no"})), 4),
        (lambda c: c.execute(update(tables.trail).where(TRAIL.number == 4).values(hash="0" * 64)), 4),
        (lambda c: c.execute(delete(tables.trail).where(TRAIL.number == 3)), 3),
        (lambda c: c.execute(delete(tables.trail).where(TRAIL.number == 1)), 1),
    ],
)
def test_a_changed_or_missing_entry_is_found(state: State, tamper: Callable[[Connection], object], broken: int) -> None:
    fill(state)
    with state.write() as connection:
        tamper(connection)
        assert trail.verify(connection) == broken


def test_a_long_trail_is_verified_to_its_end(state: State) -> None:
    fill(state, 1003)
    with state.write() as connection:
        assert trail.verify(connection) is None
        connection.execute(update(tables.trail).where(TRAIL.number == 1002).values(subject="else"))
        assert trail.verify(connection) == 1002
