"""Fresh stores for tests: the real engine, one database each, since one process can open one data directory."""

from __future__ import annotations

import itertools
import tempfile
from functools import cache
from pathlib import Path

from tocsin.store.base import Columns
from tocsin.store.columns.ddl import Embedded
from tocsin.store.columns.embedded import EmbeddedColumns
from tocsin.store.columns.migrate import migrate

_numbers = itertools.count(1)


@cache
def _engine_directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="tocsin-test-", ignore_cleanup_errors=True)


def fresh_columns() -> Columns:
    """Return an empty columnar store with the current schema, in a database of its own."""
    columns = EmbeddedColumns(Path(_engine_directory().name), database=f"test_{next(_numbers)}")
    migrate(columns, Embedded())
    return columns
