"""Fixtures of intake's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.intake.parsing import Parser
from tocsin.testing.stores import fresh_columns


@pytest.fixture(scope="module")
def parse() -> Iterator[Parser]:
    """Stores a payload in a store of the module's own and tells what became of it."""
    columns = fresh_columns()
    yield Parser(columns)
    columns.close()
