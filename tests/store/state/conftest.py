"""A fresh state database, on SQLite and on PostgreSQL in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tocsin.store.state.engine import State
from tocsin.testing.postgresql import postgresql_server
from tocsin.testing.states import fresh_state, sqlite_url


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[], str]]:
    """Gives the URL of an empty PostgreSQL database each time it is called."""
    with postgresql_server() as empty_database:
        yield empty_database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    empty_database: Callable[[], str] = request.getfixturevalue("postgresql")
    return empty_database()


@pytest.fixture
def state(url: str) -> Iterator[State]:
    """An empty state database with the current schema."""
    opened = fresh_state(url)
    yield opened
    opened.close()
