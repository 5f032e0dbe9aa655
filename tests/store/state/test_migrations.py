"""Migrations: numbered without gaps, leading to exactly the tables that the code uses."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import Connection, insert, inspect

from tests.store.state.builders import START
from tocsin.model.errors import StoreFailed
from tocsin.store.state import tables
from tocsin.store.state.engine import State
from tocsin.store.state.migrations import MIGRATIONS, migrate, schema_number


def shape(connection: Connection) -> dict[str, Any]:
    """Everything the database says about its tables."""
    seen = inspect(connection)
    return {
        table: {
            "columns": {
                column["name"]: (repr(column["type"]), column["nullable"]) for column in seen.get_columns(table)
            },
            "key": seen.get_pk_constraint(table)["constrained_columns"],
            "indexes": sorted(
                (str(index["name"]), tuple(index["column_names"]), bool(index["unique"]))
                for index in seen.get_indexes(table)
            ),
        }
        for table in sorted(seen.get_table_names())
    }


def test_numbers_are_dense() -> None:
    assert list(MIGRATIONS) == list(range(1, len(MIGRATIONS) + 1))


def test_the_steps_lead_to_the_tables_of_the_code(url: str, state: State) -> None:
    with state.write() as connection:
        by_steps = shape(connection)
        tables.metadata.drop_all(connection)
        tables.metadata.create_all(connection)
        assert shape(connection) == by_steps


def test_migrating_again_changes_nothing(state: State) -> None:
    migrate(state, START)
    with state.read() as connection:
        assert schema_number(connection) == max(MIGRATIONS)


def test_a_database_of_a_newer_version_is_refused(state: State) -> None:
    with state.write() as connection:
        connection.execute(insert(tables.schema).values(number=99, applied_at=START))
    with pytest.raises(StoreFailed, match=r"schema 99.*knows only"):
        migrate(state, START)


def test_replicas_that_start_together_migrate_once(url: str) -> None:
    replicas = [State(url), State(url), State(url)]
    threads = [threading.Thread(target=migrate, args=(replica, START)) for replica in replicas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with replicas[0].read() as connection:
        assert schema_number(connection) == max(MIGRATIONS)
    for replica in replicas:
        replica.close()
