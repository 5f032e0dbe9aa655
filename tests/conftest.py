"""Fixtures that every room's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tocsin.store.base import Columns
from tocsin.testing.clock import VirtualClock
from tocsin.testing.stores import fresh_columns


@pytest.fixture
def columns() -> Iterator[Columns]:
    """An empty columnar store with the current schema."""
    store = fresh_columns()
    yield store
    store.close()


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that the test moves."""
    return VirtualClock()
