"""The events behind an alert, all of them, out of the table `detections`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tocsin.model.alerts import Alert
from tocsin.model.errors import InvalidInput
from tocsin.store.base import DEFAULT_BUDGET, Budget, Columns, parse_time
from tocsin.store.schema.tables import AUDIT, LOGS
from tocsin.store.sql import Sql, bind, compose, identifier, join

PAGE_LIMIT = 1000
"""Events on one page at most."""

_OVERFLOW = "overflow"
_TEXT = {AUDIT.name: "raw", LOGS.name: "line"}
_KEPT = 16384
"""A detection keeps so many bytes of its event."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event behind an alert.

    Attributes:
        event_id: The audit id, or the log line's hash.
        time: When it happened, UTC.
        table: `audit` or `logs`.
        rule_id: The rule that it matched: the alert's own, or one that the alert's correlation builds on.
        rule_version: That rule's content when it matched, as a hash.
        summary: One line for a person.
        raw: The event as it arrived, its first 16 KiB if `cut`; `whole_event` has all of it.
        cut: Whether there may be more of it.
    """

    event_id: str
    time: datetime
    table: str
    rule_id: str
    rule_version: str
    summary: str
    raw: str
    cut: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Some of an alert's events, earliest first.

    Attributes:
        events: These.
        last: Pass it as `after` for the next page; None if there is none.
    """

    events: tuple[Event, ...]
    last: tuple[datetime, str] | None


def read_evidence(
    columns: Columns,
    alert: Alert,
    *,
    after: tuple[datetime, str] | None = None,
    limit: int = 100,
    budget: Budget = DEFAULT_BUDGET,
) -> Page:
    """Return events of one episode of an alert. Blocks.

    Args:
        columns: The store.
        alert: The episode.
        after: `Page.last` of the page before; None for the first page.
        limit: Events on the page, 1 to `PAGE_LIMIT`.
        budget: What the query may use.

    Raises:
        InvalidInput: `limit` is out of its range.
        BudgetExceeded: The query went over its budget.
    """
    if not 1 <= limit <= PAGE_LIMIT:
        raise InvalidInput(f"limit: expected 1 to {PAGE_LIMIT}, got {limit}")
    rows = columns.fetch(_events(alert, after, limit + 1), budget)
    events = tuple(
        Event(
            event_id=row["event_id"],
            time=parse_time(row["at"]),
            table=row["event_table"],
            rule_id=row["matched_rule"],
            rule_version=row["version"],
            summary=row["text"],
            raw=row["raw"],
            cut=bool(row["cut"]),
        )
        for row in rows[:limit]
    )
    return Page(events, (events[-1].time, events[-1].event_id) if len(rows) > limit else None)


def whole_event(columns: Columns, event: Event, budget: Budget = DEFAULT_BUDGET) -> str:
    """Return all of an event as it arrived; what the detection kept of it if the event itself is no longer stored."""
    if not event.cut:
        return event.raw
    text = identifier(_TEXT[event.table])
    # The copy ends where the limit fell, perhaps within a character, which then was replaced.
    query = compose(
        "SELECT {text} AS whole FROM {table} WHERE time = {time} AND startsWith({text}, {start}) LIMIT 1",
        text=text,
        table=identifier(event.table),
        time=bind(event.time),
        start=bind(event.raw[:-1]),
    )
    rows = columns.fetch(query, budget)
    return str(rows[0]["whole"]) if rows else event.raw


def _events(alert: Alert, after: tuple[datetime, str] | None, limit: int) -> Sql:
    """The events that the alert's detections name, each from the detection that keeps it.

    A match names itself. A correlation names the matches of its base rules, so their detections are where its events
    are. If several rules matched one event, the alert's own tells it best.
    """
    own = compose("rule_id = {rule}", rule=bind(alert.rule_id))
    start = Sql("")
    if after:
        start = compose("HAVING (at, event_id) > ({time}, {id})", time=bind(after[0]), id=bind(after[1]))
    return compose(
        """SELECT event_id, min(time) AS at, any(event_table) AS event_table, argMax(rule_id, {own}) AS matched_rule,
            argMax(rule_version, {own}) AS version, argMax(summary, {own}) AS text, argMax(event, {own}) AS raw,
            length(raw) >= {kept} AS cut
        FROM detections
        WHERE kind != 'correlation' AND event_id IN (SELECT arrayJoin(event_ids) FROM detections WHERE {of_alert})
        GROUP BY event_id {start} ORDER BY at, event_id LIMIT {limit}""",
        own=own,
        kept=Sql(str(_KEPT - 4)),
        of_alert=join(" AND ", [own, *_of_alert(alert)]),
        start=start,
        limit=bind(limit, "UInt64"),
    )


def _of_alert(alert: Alert) -> Sequence[Sql]:
    """What the alert's detections have in common beside the rule: the labels, and the time of the episode."""
    labels = dict(alert.labels)
    conditions = [
        compose("time BETWEEN {first} AND {last}", first=bind(alert.starts_at), last=bind(alert.last_event)),
    ]
    if labels.pop(_OVERFLOW, None) is None:
        conditions.append(compose("length(labels) = {n}", n=bind(len(labels), "UInt64")))
    return [*conditions, *(compose("labels[{k}] = {v}", k=bind(k), v=bind(v)) for k, v in sorted(labels.items()))]
