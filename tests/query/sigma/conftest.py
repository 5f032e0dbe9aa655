"""One store for all tests that only read, since making one takes longer than such a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tocsin.store.base import Columns
from tocsin.testing.stores import fresh_columns


@pytest.fixture(scope="module")
def engine() -> Iterator[Columns]:
    """An empty store, shared by the tests of a module."""
    store = fresh_columns()
    yield store
    store.close()
