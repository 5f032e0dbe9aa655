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
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="tocsin-test-", ignore_cleanup_errors=True)


def engine_directory() -> str:
    """Return the data directory that this process's engine uses; removed when the process ends."""
    return _directory().name


def fresh_columns() -> Columns:
    """Return an empty columnar store with the current schema, in a database of its own."""
    columns = EmbeddedColumns(Path(engine_directory()), database=f"test_{next(_numbers)}")
    migrate(columns, Embedded())
    return columns
