"""Evaluates one correlation over the matches of its base rules, and records what is new.

Only groups with new matches are looked at, from a timespan before the first new match to a timespan after the last.
An event is reported once per correlation and group: those in an earlier detection of it are left out, so a burst that
goes on adds its new events to the alert, and evaluating piece by piece reports the same events as evaluating at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.rules import summaries, windows
from tocsin.rules.kinds.correlation import COUNT, CorrelationRule
from tocsin.rules.matching import FOUND, constants, labels, text_map
from tocsin.rules.ranges import Range
from tocsin.store.base import Columns
from tocsin.store.sql import Sql, bind, compose, identifier, join

EVENT_IDS_LIMIT = 10_000
"""Event ids in one detection; the events of a larger burst fill several."""

INVOLVED_TABLE = """CREATE TEMPORARY TABLE IF NOT EXISTS rule_involved (
    cluster LowCardinality(String), grp Array(String), at Int64, rule_id LowCardinality(String), event_id String,
    id String, event_table LowCardinality(String), episode UInt64,
    writer LowCardinality(String), batch UInt64, ingested DateTime64(6, 'UTC')
) ENGINE = Memory"""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Times of the first and the last new match of the base rules."""

    first: datetime
    last: datetime


def correlate(columns: Columns, rule: CorrelationRule, bounds: Bounds, span: Range) -> bool:
    """Evaluate `rule`; add what it found to `rule_found` and to the table `detections`.

    Returns whether it found anything. Most evaluations do not, and end after a count.
    """
    for statement in ("TRUNCATE TABLE rule_bases", "TRUNCATE TABLE rule_involved"):
        columns.run(Sql(statement))
    columns.run(_gather(rule, bounds, span))
    if not _any(columns, windows.promising(rule)):
        return False
    columns.run(_select(rule, bounds, span))
    if not _any(columns, Sql("SELECT 1 FROM rule_involved")):
        return False
    columns.run(_report(rule, bounds))
    columns.run(_record(rule, bounds))
    return True


def _any(columns: Columns, query: Sql) -> bool:
    return bool(columns.fetch(compose("SELECT count() AS n FROM ({query} LIMIT 1) HAVING n > 0", query=query)))


def _gather(rule: CorrelationRule, bounds: Bounds, span: Range) -> Sql:
    names = rule.correlation.fields
    return compose(
        "INSERT INTO rule_bases SELECT cluster, {group}, toUnixTimestamp64Micro(time), rule_id, event_id, event_ids, "
        "event_table, {value}, {number}, {span}, writer, batch, ingested FROM detections WHERE {within}",
        group=windows.group(rule),
        value=windows.value(rule, names),
        number=compose("toFloat64OrNull({f})", f=windows.field(rule, names[0])) if len(names) == 1 else Sql("NULL"),
        span=span.condition(),
        within=_within(rule, bounds),
    )


def _select(rule: CorrelationRule, bounds: Bounds, span: Range) -> Sql:
    """The events in firing windows that no earlier evaluation reported, each with the group's newest batch."""
    newest = "argMax((writer, batch, ingested), (is_new, at, batch)) OVER (PARTITION BY cluster, grp) AS newest"
    return compose(
        "INSERT INTO rule_involved "
        "SELECT cluster, grp, at, rule_id, event_id, arrayJoin(ids) AS _id, event_table, episode, "
        f"newest.1, newest.2, newest.3 FROM (SELECT *, {newest} FROM ({{involved}})) "
        "WHERE (cluster, grp, _id) NOT IN ({reported})",
        involved=windows.involved(rule),
        reported=compose("{all} AND NOT {span}", all=_reported(rule, bounds), span=span.condition()),
    )


def _report(rule: CorrelationRule, bounds: Bounds) -> Sql:
    values = {
        **{name: Sql(f"i.{name}") for name in ("writer", "batch", "ingested", "cluster")},
        **constants(rule),
        **{name: Sql(f"d.{name}") for name in ("time", "event_table", "event_id", "event_ids", "summary", "event")},
        "kind": Sql("'correlation'"),
        **_identity(rule),
    }
    return compose(
        "INSERT INTO rule_found ({names}) SELECT {values} FROM ("
        "SELECT * FROM rule_involved ORDER BY rule_id LIMIT 1 BY cluster, grp, event_id) AS i INNER JOIN ("
        "SELECT rule_id, event_id, time, event_table, event_ids, summary, event FROM detections "
        "WHERE {within} AND event_id IN (SELECT event_id FROM rule_involved) LIMIT 1 BY rule_id, event_id) AS d "
        "ON i.rule_id = d.rule_id AND i.event_id = d.event_id",
        names=join(", ", [identifier(name) for name in FOUND]),
        values=join(", ", [values[name] for name in FOUND]),
        within=_within(rule, bounds),
    )


def _record(rule: CorrelationRule, bounds: Bounds) -> Sql:
    values = {
        **{name: Sql(f"any({name})") for name in ("writer", "batch", "ingested")},
        "cluster": Sql("cluster"),
        **constants(rule),
        "kind": Sql("'correlation'"),
        "time": Sql("fromUnixTimestamp64Micro(max(at), 'UTC')"),
        "event_table": Sql("any(event_table)"),
        "event_id": compose(
            "lower(hex(sipHash128({id}, cluster, grp, arraySort(groupArray(id)))))",
            id=bind(rule.id),
        ),
        "event_ids": Sql("arrayMap(_p -> _p.2, arraySort(groupArray((at, id))))"),
        "summary": _summary(rule),
        "event": Sql("''"),
        **_identity(rule),
    }
    return compose(
        "INSERT INTO detections ({names}) SELECT {values} FROM ("
        "SELECT *, intDiv(row_number() OVER (PARTITION BY cluster, grp, episode ORDER BY at, id) - 1, {limit}) AS part "
        "FROM (SELECT * FROM rule_involved WHERE (cluster, grp, id) NOT IN ({reported}) "
        "ORDER BY at LIMIT 1 BY cluster, grp, id)) GROUP BY cluster, grp, episode, part",
        names=join(", ", [identifier(name) for name in FOUND]),
        values=join(", ", [values[name] for name in FOUND]),
        limit=Sql(str(EVENT_IDS_LIMIT)),
        reported=_reported(rule, bounds),
    )


def _within(rule: CorrelationRule, bounds: Bounds) -> Sql:
    reach = rule.correlation.timespan
    return compose(
        "rule_id IN {bases} AND time >= {first} AND time <= {last}",
        bases=bind(list(rule.bases)),
        first=bind(bounds.first - reach),
        last=bind(bounds.last + reach),
    )


def _reported(rule: CorrelationRule, bounds: Bounds) -> Sql:
    """Event ids in this rule's detections; a detection's time is that of its last event, which may be far later."""
    names = join(", ", [compose("fields[{name}]", name=bind(name)) for name in rule.correlation.group_by])
    return compose(
        "SELECT cluster, CAST([{names}], 'Array(String)'), arrayJoin(event_ids) FROM detections "
        "WHERE rule_id = {id} AND time >= {first}",
        names=names,
        id=bind(rule.id),
        first=bind(bounds.first - rule.correlation.timespan - timedelta(microseconds=1)),
    )


def _identity(rule: CorrelationRule) -> dict[str, Sql]:
    group = _group_values(rule)
    entity = {label: group[name] for label, name in rule.entity.items()}
    return {"labels": labels(rule, entity), "fields": text_map(group)}


def _summary(rule: CorrelationRule) -> Sql:
    group = {**_group_values(rule), COUNT: Sql("toString(count())")}
    return summaries.to_sql(rule.summary, lambda name: group[name])


def _group_values(rule: CorrelationRule) -> dict[str, Sql]:
    return {name: Sql(f"grp[{n}]") for n, name in enumerate(rule.correlation.group_by, 1)}
