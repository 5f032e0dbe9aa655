"""Fixtures of the HTTP interface's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.serving import Running, fresh_state
from tocsin.store.base import Columns
from tocsin.store.schema.tables import TABLES
from tocsin.store.sql import Sql
from tocsin.testing.clock import VirtualClock
from tocsin.testing.stores import fresh_columns


@pytest.fixture(scope="module")
def store() -> Iterator[Columns]:
    """One store for the tests of a module, as making one takes a while."""
    found = fresh_columns()
    yield found
    found.close()


@pytest.fixture
def columns(store: Columns) -> Iterator[Columns]:
    """That store, emptied after each test."""
    yield store
    for table in TABLES:
        store.run(Sql(f"TRUNCATE TABLE {table}"))


@pytest.fixture
def running(columns: Columns, clock: VirtualClock, tmp_path: Path) -> Iterator[Running]:
    """A Tocsin without tokens over empty stores."""
    state = fresh_state(tmp_path, clock)
    found = Running(columns, state, clock)
    yield found
    found.services.workers.close()
    state.close()


@pytest.fixture
async def http(running: Running) -> AsyncIterator[httpx.AsyncClient]:
    """A client on this machine."""
    transport = httpx.ASGITransport(running.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9319") as client:
        yield client
