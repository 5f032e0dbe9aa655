"""Fresh state databases for tests."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path

from tocsin.store.state.engine import State
from tocsin.store.state.migrations import migrate

_numbers = itertools.count(1)


def fresh_state(url: str) -> State:
    """Open the database at `url` and bring it to the current schema. The caller closes it."""
    state = State(url)
    migrate(state, datetime(2026, 1, 1, tzinfo=UTC))
    return state


def sqlite_url(directory: Path) -> str:
    """The URL of a SQLite file in `directory` that does not exist yet."""
    return f"sqlite:///{directory / f'state-{next(_numbers)}.db'}"
