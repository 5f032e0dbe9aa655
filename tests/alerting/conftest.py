"""A fresh state database; on PostgreSQL too where the tests ask for `any_state`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.state.conftest import postgresql, url
from tocsin.store.state.engine import State
from tocsin.testing.clock import VirtualClock
from tocsin.testing.notifiers import CollectingNotifier
from tocsin.testing.states import fresh_state, sqlite_url

__all__ = ["postgresql", "url"]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """An empty state database on SQLite."""
    opened = fresh_state(sqlite_url(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def any_state(url: str) -> Iterator[State]:
    """An empty state database, on SQLite and on PostgreSQL in turn."""
    opened = fresh_state(url)
    yield opened
    opened.close()


@pytest.fixture
def notifier(clock: VirtualClock) -> CollectingNotifier:
    """Takes everything."""
    return CollectingNotifier(clock)
