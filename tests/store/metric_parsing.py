"""Stores bodies of metrics as the writer does, and reads back what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tocsin.store.base import Columns
from tocsin.store.metrics import MetricDelivery, MetricFormat, MetricReceipt
from tocsin.store.metrics_committer import Committer
from tocsin.store.schema.tables import METRIC_TABLES
from tocsin.store.sql import Sql

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)

Point = tuple[str, int, str]
"""A sample: its series as text, milliseconds after NOW, and the bits of its value as hexadecimal digits."""


@dataclass
class Metrics:
    """A committer over a store, and its tables as values."""

    columns: Columns
    retention: timedelta = timedelta(days=30)

    def __post_init__(self) -> None:
        self._committer = Committer(self.columns, self.retention)

    def store(self, metric_format: MetricFormat, *bodies: bytes, **labels: str) -> list[MetricReceipt]:
        """Commit bodies as one batch."""
        return self.commit([MetricDelivery(metric_format, body, NOW, labels) for body in bodies])

    def commit(self, deliveries: Sequence[MetricDelivery]) -> list[MetricReceipt]:
        """Commit a batch."""
        return self._committer.commit(deliveries, NOW)

    def samples(self) -> dict[tuple[str, int], float | None]:
        """Values by series (labels as text) and milliseconds after NOW; None for NaN and infinities."""
        return {(row["series"], row["time"] - NOW_MS): row["value"] for row in self._rows()}

    def bits(self) -> dict[tuple[str, int], str]:
        """The same, as the hexadecimal digits of the values' 64 bits."""
        return {(row["series"], row["time"] - NOW_MS): row["bits"] for row in self._rows()}

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, as readers are to see them: merged."""
        return self.columns.fetch(Sql(f"SELECT * FROM {table} FINAL ORDER BY ALL"))

    def clear(self) -> None:
        """Empty the tables, and forget which series are known."""
        for table in METRIC_TABLES:
            self.columns.run(Sql(f"TRUNCATE TABLE {table.name}"))
        self.columns.run(Sql("DROP TEMPORARY TABLE IF EXISTS metric_known"))

    def _rows(self) -> list[dict[str, Any]]:
        return self.columns.fetch(
            Sql(
                "SELECT concat('{', arrayStringConcat(arrayMap(p -> concat(p.1, '=', p.2), arraySort(CAST(labels, "
                "'Array(Tuple(String, String))'))), ','), '}') AS series, toUnixTimestamp64Milli(time) AS time, value, "
                "leftPad(lower(hex(reinterpretAsUInt64(value))), 16, '0') AS bits "
                "FROM (SELECT * FROM samples FINAL) AS s JOIN (SELECT * FROM series FINAL) AS i ON s.id = i.id"
            )
        )
