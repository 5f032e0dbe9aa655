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
from tocsin.store.sql import Sql

_numbers = itertools.count(1)


@cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="tocsin-test-", ignore_cleanup_errors=True)


def engine_directory() -> str:
    """Return the data directory that this process's engine uses; removed when the process ends."""
    return _directory().name


class _Passing(EmbeddedColumns):
    """Takes its database along when it is closed: the engine grows slower with each one that stays."""

    def __init__(self, database: str) -> None:
        super().__init__(Path(engine_directory()), database)
        self._name = database

    def close(self) -> None:
        self.run(Sql(f"DROP DATABASE IF EXISTS `{self._name}` SYNC"))
        super().close()


def fresh_columns() -> Columns:
    """Return an empty columnar store with the current schema, in a database of its own that `close` drops."""
    columns = _Passing(f"test_{next(_numbers)}")
    migrate(columns, Embedded())
    return columns
