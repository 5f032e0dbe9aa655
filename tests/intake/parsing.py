"""Parses payloads as the writer does and returns the stored rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tocsin.intake.formats.table import FORMATS
from tocsin.store.base import Columns, Delivery, Receipt
from tocsin.store.committer import Committer
from tocsin.store.sql import bind, compose, identifier

ARRIVED = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Parsed:
    """What became of one delivery."""

    receipt: Receipt
    rows: list[dict[str, Any]]
    rejected: list[tuple[str, str]]

    @property
    def row(self) -> dict[str, Any]:
        """The only row."""
        (row,) = self.rows
        return row

    def by_line(self) -> dict[str, dict[str, Any]]:
        """The rows by their line."""
        return {row["line"]: row for row in self.rows}


class Parser:
    """Commits one delivery after the other into a fresh store."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._committer = Committer(columns, "test")
        self._batch = 0

    def __call__(self, name: str, payload: bytes, received: datetime = ARRIVED, **context: str) -> Parsed:
        """Store `payload` in the format of that name."""
        self._batch += 1
        row_format = FORMATS[name]
        done = self._committer.commit(self._batch, [Delivery(row_format, payload, received, context)], received)
        rows = self._rows(row_format.table)
        rejected = [(row["reason"], row["line"]) for row in self._rows("rejected")]
        return Parsed(done.receipts[0], rows, rejected)

    def _rows(self, table: str) -> list[dict[str, Any]]:
        query = compose(
            "SELECT * FROM {table} WHERE batch = {batch} ORDER BY ALL", table=identifier(table), batch=bind(self._batch)
        )
        return self._columns.fetch(query)
