"""Where data comes from, and when it last did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.api.functions.moments import limited, moment
from tocsin.api.services import Services
from tocsin.store.base import parse_time
from tocsin.store.sql import bind, compose

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """One source of data.

    Attributes:
        table: `audit`, `logs` or `rejected`.
        cluster: The cluster it comes from.
        source: For logs what sends them, for rejected lines their format, else empty.
        rows: Rows that arrived in the range.
        last_minute: Rows that arrived in the minute before now.
        first_seen, last_seen: When the first and the last of them arrived, UTC.
        last_event: Time of the latest event, UTC.
    """

    table: str
    cluster: str
    source: str
    rows: int
    last_minute: int
    first_seen: datetime
    last_seen: datetime
    last_event: datetime


async def list_sources(services: Services, *, since: str | None = "1d", limit: int = 1000) -> list[SourceFacts]:
    """List the sources that sent something since a moment of arrival, the latest first. Raises InvalidInput."""
    now = services.clock.now()
    begin = moment(services, "since", since) or now - _DAY
    parts = " UNION ALL ".join(
        f"SELECT '{table}' AS table, cluster, {source} AS source, count() AS rows, "
        "countIf(ingested > {minute}) AS last_minute, min(ingested) AS first_seen, max(ingested) AS last_seen, "
        f"max({time}) AS last_event FROM {table} WHERE ingested >= {{begin}} GROUP BY cluster, source"
        for table, source, time in (
            ("audit", "toString(source)", "time"),
            ("logs", "toString(source)", "time"),
            ("rejected", "toString(format)", "ingested"),
        )
    )
    query = compose(
        f"SELECT * FROM ({parts}) ORDER BY last_seen DESC LIMIT {{limit}}",
        minute=bind(now - timedelta(minutes=1)),
        begin=bind(begin),
        limit=bind(limited(services, limit), "UInt64"),
    )
    found = await services.workers.run(lambda: services.columns.fetch(query, services.budget))
    return [_facts(row) for row in found]


def _facts(row: dict[str, str]) -> SourceFacts:
    return SourceFacts(
        table=row["table"],
        cluster=row["cluster"],
        source=row["source"],
        rows=int(row["rows"]),
        last_minute=int(row["last_minute"]),
        first_seen=parse_time(row["first_seen"]),
        last_seen=parse_time(row["last_seen"]),
        last_event=parse_time(row["last_event"]),
    )
