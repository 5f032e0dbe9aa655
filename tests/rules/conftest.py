"""One store for all tests of the room, emptied after each: far cheaper than a new one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tocsin.store.base import Columns
from tocsin.store.schema.tables import TABLES
from tocsin.store.sql import Sql
from tocsin.testing.stores import fresh_columns


@pytest.fixture(scope="session")
def shared_columns() -> Iterator[Columns]:
    """The store."""
    store = fresh_columns()
    yield store
    store.close()


@pytest.fixture
def columns(shared_columns: Columns) -> Iterator[Columns]:
    """The store, empty."""
    yield shared_columns
    for table in TABLES:
        shared_columns.run(Sql(f"TRUNCATE TABLE {table}"))
