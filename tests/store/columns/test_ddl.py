"""The schema is valid for the embedded engine (it runs) and for a cluster (the engine's own parser reads it)."""

from __future__ import annotations

import pytest

from tocsin.model.errors import SettingsError
from tocsin.store.base import Columns
from tocsin.store.columns.ddl import Cluster, Embedded, render, retention
from tocsin.store.columns.migrate import migrate, set_retention
from tocsin.store.schema.migrations import MIGRATIONS, Alter, Create
from tocsin.store.schema.tables import METRIC_METADATA, TABLES
from tocsin.store.sql import Sql

_CLUSTER = Cluster(name="main", database="tocsin")
_SECONDS = {"security": 34560000, "operations": 2592000, "debug": 259200}


def _statements() -> list[str]:
    steps = [statement for step in MIGRATIONS.values() for statement in render(step, _CLUSTER)]
    return steps + [s for table in TABLES.values() for s in retention(table, _SECONDS, _CLUSTER)]


@pytest.mark.parametrize("statement", _statements())
def test_cluster_ddl_is_read_by_the_engines_parser(columns: Columns, statement: str) -> None:
    """`EXPLAIN AST` fails on a syntax error."""
    tree = columns.fetch(Sql(f"EXPLAIN AST {statement}"))

    assert tree


def test_cluster_tables_are_replicated_and_distributed() -> None:
    """Every table has a replicated local table on all servers and a distributed one of the plain name."""
    created = [statement for step in MIGRATIONS.values() for statement in render(step, _CLUSTER)]

    for table in TABLES.values():
        local, distributed = (s for s in created if f" {table.name}_local " in s)
        assert "ON CLUSTER `main`" in local
        assert f"Replicated{table.engine}(" in local
        assert (
            f"TABLE IF NOT EXISTS {table.name} ON CLUSTER `main` AS {table.name}_local ENGINE = Distributed"
            in distributed
        )


def test_numbers_of_migrations_are_dense() -> None:
    """A gap or a double would leave databases that differ under one number."""
    assert list(MIGRATIONS) == list(range(1, len(MIGRATIONS) + 1))


def test_migrating_again_takes_no_step(columns: Columns) -> None:
    """Starting a second time changes nothing."""
    assert migrate(columns, Embedded()) == []


def test_a_newer_database_is_refused(columns: Columns) -> None:
    """An old program must not write into a schema that it does not know."""
    columns.run(Sql("INSERT INTO schema_migrations (number) SELECT 9999"))

    with pytest.raises(SettingsError, match="newer Tocsin"):
        migrate(columns, Embedded())


def test_retention_is_set_per_class(columns: Columns) -> None:
    """The engine drops rows by itself, each class after its own time."""
    set_retention(columns, Embedded(), _SECONDS)

    (logs,) = columns.fetch(
        Sql("SELECT create_table_query AS ddl FROM system.tables WHERE database = currentDatabase() AND name = 'logs'")
    )

    assert "34560000" in logs["ddl"]
    assert "259200" in logs["ddl"]


def test_altering_storage_of_a_cluster_leaves_the_distributed_table_alone() -> None:
    """A distributed table has no TTL or index of its own, but needs new columns."""
    ttl = render((Alter("audit", "MODIFY TTL ingested"),), _CLUSTER)
    column = render((Alter("audit", "ADD COLUMN IF NOT EXISTS x UInt8"),), _CLUSTER)

    assert [s.split()[2] for s in ttl] == ["audit_local"]
    assert [s.split()[2] for s in column] == ["audit_local", "audit"]


def test_a_version_column_follows_the_replicas_name() -> None:
    """Which of two rows replaces the other is the engine's last argument."""
    (local, _) = render((Create(METRIC_METADATA),), _CLUSTER)

    assert "'{replica}', seen)" in local
