"""The queries that a search is run as: its rows, their number, the most frequent values, what arrived since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tocsin.query.search.fields import TIME_COLUMNS, Kind, resolve
from tocsin.query.search.plan import Plan
from tocsin.query.search.syntax import SearchError
from tocsin.store.schema.tables import TABLES
from tocsin.store.sql import Sql, bind, compose, identifier, join

_LEFT_OUT = frozenset({"writer", "batch", "request_object", "response_object"})
"""Not answered: what only we need, and what `raw` holds already."""


@dataclass(frozen=True, slots=True)
class Window:
    """A range of event time, `since` included and `until` excluded; None is open."""

    since: datetime | None = None
    until: datetime | None = None


def rows(plan: Plan, window: Window, limit: int) -> Sql:
    """The newest matching rows, newest first, at most `limit`."""
    time = identifier(TIME_COLUMNS[plan.table])
    return compose(
        "{select} WHERE {where} ORDER BY {time} DESC LIMIT {limit}",
        select=_select(plan),
        where=_within(plan, window),
        time=time,
        limit=bind(limit, "UInt64"),
    )


def count(plan: Plan, window: Window) -> Sql:
    """How many rows match, as the column `count`."""
    return compose(
        "SELECT count() AS count FROM {table} WHERE {where}", table=identifier(plan.table), where=_within(plan, window)
    )


def top(plan: Plan, field: str, window: Window, limit: int) -> Sql:
    """The most frequent values of a field among the matching rows, as the columns `value` and `count`.

    A row whose field holds several values counts for each. Raises SearchError for a field that the table lacks.
    """
    found = resolve(plan.table, field)
    if found.kind is Kind.TIME:
        raise SearchError(f"{field} is a time; count by a field with fewer values", 1)
    single = found.kind in {Kind.TEXT, Kind.NUMBER}
    shown = compose("toString({e})", e=found.expression)
    value = shown if single else compose("arrayJoin({list})", list=found.expression)
    return compose(
        "SELECT {value} AS value, count() AS count FROM {table} WHERE {where} "
        "GROUP BY value ORDER BY count DESC, value LIMIT {limit}",
        value=value,
        table=identifier(plan.table),
        where=_within(plan, window),
        limit=bind(limit, "UInt64"),
    )


def arrived(plan: Plan, after: Mapping[str, int], upto: Mapping[str, int], offset: int, limit: int) -> Sql:
    """The matching rows of the batches in (after, upto] of each writer, oldest first, from `offset` on.

    The order is total up to equal rows, so that pages neither repeat nor skip any.
    """
    key = {"audit": "audit_id, stage", "logs": "line", "rejected": "line"}[plan.table]
    return compose(
        "{select} WHERE ({batches}) AND {where} ORDER BY {time}, writer, batch, {key} LIMIT {limit} OFFSET {offset}",
        select=_select(plan),
        batches=_batches(after, upto),
        where=plan.where,
        time=identifier(TIME_COLUMNS[plan.table]),
        key=Sql(key),
        limit=bind(limit, "UInt64"),
        offset=bind(offset, "UInt64"),
    )


def watermarks() -> Sql:
    """The last committed batch of each writer, as the columns `writer` and `batch`."""
    return Sql("SELECT writer, max(batch) AS batch FROM batches GROUP BY writer")


def _select(plan: Plan) -> Sql:
    names = (identifier(name) for name in TABLES[plan.table].column_names() if name not in _LEFT_OUT)
    return compose("SELECT {columns} FROM {table}", columns=join(", ", names), table=identifier(plan.table))


def _within(plan: Plan, window: Window) -> Sql:
    time = identifier(TIME_COLUMNS[plan.table])
    parts = [plan.where]
    if window.since:
        parts.insert(0, compose("{time} >= {since}", time=time, since=bind(window.since)))
    if window.until:
        parts.insert(0, compose("{time} < {until}", time=time, until=bind(window.until)))
    return join(" AND ", parts)


def _batches(after: Mapping[str, int], upto: Mapping[str, int]) -> Sql:
    ranges = [
        compose(
            "(writer = {writer} AND batch > {after} AND batch <= {upto})",
            writer=bind(writer),
            after=bind(after.get(writer, 0), "UInt64"),
            upto=bind(last, "UInt64"),
        )
        for writer, last in sorted(upto.items())
        if last > after.get(writer, 0)
    ]
    return join(" OR ", ranges, empty="0")
