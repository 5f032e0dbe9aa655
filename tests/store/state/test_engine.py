"""Transactions of the state database: on disk or undone, one writer at a time, readers never held up."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from tests.store.state.builders import START
from tocsin.model.errors import SettingsError, StoreFailed
from tocsin.store.state import tables, trail, watermarks
from tocsin.store.state.engine import State
from tocsin.store.state.trail import Action
from tocsin.testing.states import fresh_state, sqlite_url


@pytest.fixture
def replica(url: str, state: State) -> Iterator[State]:
    """A second process on the same database, as far as the database can tell."""
    other = State(url)
    yield other
    other.close()


def test_what_is_written_is_there_after_opening_anew(url: str) -> None:
    first = fresh_state(url)
    with first.write() as connection:
        watermarks.advance(connection, {"w": 3}, START)
    first.close()
    second = fresh_state(url)
    with second.read() as connection:
        assert watermarks.read(connection) == {"w": 3}
    second.close()


def test_a_transaction_that_raises_leaves_nothing(state: State) -> None:
    def fail() -> None:
        with state.write() as connection:
            watermarks.advance(connection, {"w": 3}, START)
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    with state.read() as connection:
        assert watermarks.read(connection) == {}


def test_a_failure_is_ours_and_shows_no_values(state: State) -> None:
    row = {"name": "same", "holder": "top secret", "held_until": START}
    with pytest.raises(StoreFailed) as caught, state.write() as connection:
        connection.execute(insert(tables.leases), [row, row])
    assert "top secret" not in str(caught.value)
    with state.write() as connection:
        assert watermarks.advance(connection, {"w": 1}, START), "the database can be written after a failure"


def test_reading_goes_on_while_somebody_writes(state: State, replica: State) -> None:
    with state.write() as writing:
        watermarks.advance(writing, {"w": 3}, START)
        with replica.read() as reading:
            assert watermarks.read(reading) == {}


def test_writers_take_turns_over_threads_and_replicas(state: State, replica: State) -> None:
    """Each entry of the trail is made from the one before: any overlap would break the chain or fail."""

    def work(store: State, name: str) -> None:
        for number in range(10):
            with store.write() as connection:
                trail.append(connection, Action(START, name, "test.step", str(number), {}))

    threads = [
        threading.Thread(target=work, args=(store, f"actor {n}")) for n, store in enumerate([state, state, replica])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with state.read() as connection:
        assert trail.head(connection)[0] == 30
        assert trail.verify(connection) is None


def test_sqlite_syncs_every_commit_and_keeps_its_file_private(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "made" / "by itself")
    state = fresh_state(url)
    with state.read() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    assert not state.shared
    state.close()
    file = Path(url.removeprefix("sqlite:///"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("no url: hunter2", "not a database URL"),
        ("mysql://root:hunter2@db/x", "SQLite file or in PostgreSQL"),
        ("sqlite://", "SQLite file"),
        ("sqlite:///:memory:", "SQLite file"),
        ("sqlite:////proc/hunter/state.db", "cannot open the state file"),
    ],
)
def test_a_wrong_url_is_refused_without_repeating_it(url: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        State(url)
    assert "hunter2" not in str(caught.value)


def test_a_server_that_is_not_there_is_a_failure_of_the_store() -> None:
    state = State("postgresql://tocsin:hunter2@/tocsin?host=/nonexistent")
    with pytest.raises(StoreFailed) as caught, state.read():
        pass
    assert "hunter2" not in str(caught.value)
    state.close()
