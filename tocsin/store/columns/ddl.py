"""Renders the schema's values as ClickHouse DDL, for one embedded engine or for a replicated, sharded cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from tocsin.store.schema.migrations import Alter, Create, Step
from tocsin.store.schema.tables import Table

# An acknowledged row is on disk; small parts are indexed when they merge, which makes inserts a third faster
# (benchmarks/ingest.py); whole parts are dropped at the end of their life. Fewer, larger merges: the text index, which
# each writes anew, is most of a merge's cost.
_SETTINGS = (
    "fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = {whole}, "
    "min_bytes_for_wide_part = 33554432, merge_selector_base = 10"
)


class Dialect(Protocol):
    """How DDL is written for one kind of installation."""

    def create(self, table: Table) -> list[str]:
        """Statements that make `table` exist."""
        ...

    def alter(self, table: str, clause: str) -> list[str]:
        """Statements that apply an `ALTER TABLE` clause."""
        ...


@dataclass(frozen=True, slots=True)
class Embedded:
    """One engine: plain `MergeTree`."""

    def create(self, table: Table) -> list[str]:
        """One statement."""
        return [_create(table.name, table, f"{table.engine}({table.version})")]

    def alter(self, table: str, clause: str) -> list[str]:
        """One statement."""
        return [f"ALTER TABLE {table} {clause}"]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Replicated local tables with a `Distributed` table of the plain name over them.

    Attributes:
        name: The cluster's name in the servers' configuration.
        database: Where the tables are.
    """

    name: str
    database: str

    def create(self, table: Table) -> list[str]:
        """The local table on every server, then the distributed one."""
        path = f"'/clickhouse/tables/{{shard}}/{self.database}/{table.name}', '{{replica}}'"
        engine = f"Replicated{table.engine}({', '.join(filter(None, (path, table.version)))})"
        local = f"{table.name}_local"
        return [
            _create(local, table, engine, on_cluster=f" ON CLUSTER `{self.name}`"),
            f"CREATE TABLE IF NOT EXISTS {table.name} ON CLUSTER `{self.name}` AS {local} "
            f"ENGINE = Distributed(`{self.name}`, '{self.database}', '{local}', {table.shard_by})",
        ]

    def alter(self, table: str, clause: str) -> list[str]:
        """The local table, and the distributed one unless the clause concerns storage only."""
        local = f"ALTER TABLE {table}_local ON CLUSTER `{self.name}` {clause}"
        if clause.startswith(("MODIFY TTL", "REMOVE TTL", "MODIFY SETTING", "ADD INDEX", "DROP INDEX")):
            return [local]
        return [local, f"ALTER TABLE {table} ON CLUSTER `{self.name}` {clause}"]


def render(step: Step, dialect: Dialect) -> list[str]:
    """Return the statements of one migration step, in order."""
    statements: list[str] = []
    for change in step:
        match change:
            case Create(table):
                statements += dialect.create(table)
            case Alter(table, clause):
                statements += dialect.alter(table, clause)
    return statements


def retention(table: Table, seconds: Mapping[str, int], dialect: Dialect) -> list[str]:
    """Return the statements that set the table's end of life from the seconds per priority class."""
    if not table.ttl:
        return []
    return dialect.alter(table.name, f"MODIFY TTL {table.ttl.format(**seconds)}")


def _create(name: str, table: Table, engine: str, on_cluster: str = "") -> str:
    settings = _SETTINGS.format(whole=int(table.whole_parts))
    columns = [f"`{c.name}` {c.type} {c.extra}".rstrip() for c in table.columns]
    return (
        f"CREATE TABLE IF NOT EXISTS {name}{on_cluster} ({', '.join([*columns, *table.indexes])}) "
        f"ENGINE = {engine} PARTITION BY {table.partition_by} ORDER BY {table.order_by} SETTINGS {settings}"
    )
