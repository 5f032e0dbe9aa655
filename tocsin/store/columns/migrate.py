"""Brings a database to this version's schema and sets retention."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.model.errors import SettingsError
from tocsin.store.base import Columns
from tocsin.store.columns.ddl import Dialect, render, retention
from tocsin.store.schema.migrations import MIGRATIONS
from tocsin.store.schema.tables import TABLES, Column, Table
from tocsin.store.sql import Sql

_LOG = Table(
    "schema_migrations",
    (
        Column("number", "UInt32", "A step that was taken."),
        Column("taken", "DateTime('UTC')", "When.", "DEFAULT now()"),
    ),
    "Which migration steps this database has taken.",
    order_by="number",
    partition_by="tuple()",
)


def migrate(columns: Columns, dialect: Dialect) -> list[int]:
    """Take the steps not yet taken, in order, and return their numbers.

    Raises SettingsError if the database is of a newer version than this program.
    """
    for statement in dialect.create(_LOG):
        columns.run(Sql(statement))
    taken = {int(row["number"]) for row in columns.fetch(Sql("SELECT DISTINCT number FROM schema_migrations"))}
    if newer := sorted(taken - set(MIGRATIONS)):
        raise SettingsError(
            f"the data was written by a newer Tocsin (schema step {newer[-1]}); upgrade, or use another directory"
        )
    todo = [number for number in sorted(MIGRATIONS) if number not in taken]
    for number in todo:
        for statement in render(MIGRATIONS[number], dialect):
            columns.run(Sql(statement))
        columns.run(Sql(f"INSERT INTO schema_migrations (number) SELECT {number}"))
    return todo


def set_retention(columns: Columns, dialect: Dialect, seconds: Mapping[str, int]) -> None:
    """Set each table's end of life from seconds per priority class: `security`, `operations`, `debug`."""
    for table in TABLES.values():
        for statement in retention(table, seconds, dialect):
            columns.run(Sql(statement))
