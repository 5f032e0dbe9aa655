"""Numbered steps from an empty database to the schema of this version. A released step is never changed, only followed.

A step is a tuple of `Create` and `Alter` values; `columns/ddl.py` renders them for the embedded engine or a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.store.schema import tables
from tocsin.store.schema.tables import Table


@dataclass(frozen=True, slots=True)
class Create:
    """Create a table if it is not there."""

    table: Table


@dataclass(frozen=True, slots=True)
class Alter:
    """Change a table by an `ALTER TABLE` clause, such as `ADD COLUMN IF NOT EXISTS x UInt8`."""

    table: str
    clause: str


Step = tuple[Create | Alter, ...]

MIGRATIONS: dict[int, Step] = {
    1: (
        Create(tables.AUDIT),
        Create(tables.LOGS),
        Create(tables.REJECTED),
        Create(tables.BATCHES),
        Create(tables.DETECTIONS),
    ),
    2: tuple(Create(table) for table in tables.METRIC_TABLES),
}
