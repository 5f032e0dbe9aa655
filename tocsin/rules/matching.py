"""Stream rules: all rules of a table in one query, then the few that matched, each with its own labels and summary.

What is found goes into temporary tables of the thread's session: `rule_hits_<table>` (rows that any rule matched, with
the positions of those rules) and `rule_found` (one row per rule and event, in the form of the table `detections`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tocsin.model.errors import TocsinError
from tocsin.rules.kinds.base import Rule
from tocsin.rules.kinds.sigma import StreamRule
from tocsin.rules.ranges import Range
from tocsin.store.base import Columns
from tocsin.store.schema.tables import AUDIT, DETECTIONS, LOGS, TABLES
from tocsin.store.sql import Sql, bind, compose, identifier, join

FOUND = [column.name for column in DETECTIONS.columns]
_FOUND_COLUMNS = ", ".join(f"`{column.name}` {column.type}" for column in DETECTIONS.columns)
FOUND_TABLE = f"CREATE TEMPORARY TABLE IF NOT EXISTS rule_found ({_FOUND_COLUMNS}) ENGINE = Memory"
_RAW_LIMIT = 16384

# A log line has no id of its own: the hash of all that is known of it, and its number among lines that are the same.
_LINE_HASH = "lower(hex(sipHash128(writer, batch, cluster, time, source, toString(stream), line)))"
_EVENT_ID = {
    AUDIT.name: "audit_id",
    LOGS.name: (
        f"concat({_LINE_HASH}, '-', toString(row_number() OVER "
        "(PARTITION BY writer, batch, cluster, time, source, toString(stream), line)))"
    ),
}
_EVENT_TEXT = {AUDIT.name: "raw", LOGS.name: "line"}


def hits_table(table: str) -> str:
    """Return the statement that makes the temporary table of matched rows, with the key of each as `event_id`."""
    columns = ", ".join(f"`{column.name}` {column.type}" for column in TABLES[table].columns)
    return (
        f"CREATE TEMPORARY TABLE IF NOT EXISTS rule_hits_{table} ({columns}, _event_id String, _hits Array(UInt16)) "
        "ENGINE = Memory"
    )


def scan(table: str, rules: Sequence[StreamRule], span: Range) -> Sql:
    """Return the statement that puts every row of the range that any of the rules matches into `rule_hits_<table>`."""
    columns = join(", ", [identifier(column.name) for column in TABLES[table].columns])
    every_stage = any(rule.every_stage for rule in rules)
    predicates = [_predicate(rule, keep=every_stage) for rule in rules]
    return compose(
        "INSERT INTO {hits} ({columns}, _event_id, _hits) SELECT {columns}, {event_id}, {matched} AS _matched "
        "FROM {table} PREWHERE {span}{stages} AND notEmpty(_matched)",
        hits=identifier(f"rule_hits_{table}"),
        columns=columns,
        event_id=Sql(_EVENT_ID[table]),
        matched=compose(
            "arrayFilter((_i, _c) -> _c, CAST([{numbers}], 'Array(UInt16)'), [{predicates}])",
            numbers=Sql(", ".join(str(n) for n in range(len(rules)))),
            predicates=join(", ", predicates),
        ),
        table=identifier(table),
        span=span.condition(),
        stages=Sql(" AND stage != 'RequestReceived'" if table == AUDIT.name and not every_stage else ""),
    )


def find(columns: Columns, table: str, rules: Sequence[StreamRule], span: Range) -> None:
    """Evaluate the rules of one table and put what they found into `rule_found`."""
    columns.run(Sql(f"TRUNCATE TABLE rule_hits_{table}"))
    columns.run(scan(table, rules, span))
    counts = columns.fetch(
        Sql(f"SELECT arrayJoin(_hits) AS number FROM rule_hits_{table} GROUP BY number ORDER BY number")
    )
    for row in counts:
        number = int(row["number"])
        columns.run(_collect(table, number, rules[number], span))
    columns.run(Sql(f"TRUNCATE TABLE rule_hits_{table}"))


def record(columns: Columns) -> None:
    """Store what was found, except what an interrupted evaluation of the same batches stored already."""
    columns.run(
        compose(
            "INSERT INTO detections ({names}) SELECT {names} FROM rule_found WHERE (rule_id, event_id) NOT IN ("
            "SELECT rule_id, event_id FROM detections WHERE rule_id IN (SELECT rule_id FROM rule_found) "
            "AND event_id IN (SELECT event_id FROM rule_found))",
            names=join(", ", [identifier(name) for name in FOUND]),
        )
    )


def check(columns: Columns, rules: Sequence[StreamRule]) -> dict[str, str]:
    """Let the engine read every rule's expressions; return the reasons of those that it refuses, by rule id."""
    refused = {}
    for rule in rules:
        columns.run(Sql(hits_table(rule.table)))
        columns.run(Sql(FOUND_TABLE))
        empty = Range({}, {})
        try:
            columns.run(scan(rule.table, [rule], empty))
            columns.run(_collect(rule.table, 0, rule, empty))
        except TocsinError as error:
            refused[rule.id] = str(error)
    return refused


def constants(rule: Rule) -> dict[str, Sql]:
    """Return what is the same in every detection of a rule, by column."""
    return {
        "rule_id": bind(rule.id),
        "rule_version": bind(rule.version),
        "title": bind(rule.title),
        "severity": bind(rule.severity.value),
        "techniques": bind(list(rule.techniques)),
    }


def labels(rule: Rule, entity: Mapping[str, Sql]) -> Sql:
    """Return the Map expression of an alert's labels; labels without a value are left out."""
    fixed = {"alertname": bind(rule.title), "severity": bind(rule.severity.value)}
    return text_map({**fixed, **entity, "cluster": Sql("cluster")})


def text_map(entries: Mapping[str, Sql]) -> Sql:
    """Return a Map(String, String) expression of the entries that are not empty."""
    pairs = [compose("{k}, toString({v})", k=bind(key), v=entry) for key, entry in entries.items()]
    empty = "CAST(map(), 'Map(String, String)')"
    return compose(
        "mapFilter((_k, _v) -> _v != '', {m})", m=compose("map({p})", p=join(", ", pairs)) if pairs else Sql(empty)
    )


def _predicate(rule: StreamRule, *, keep: bool) -> Sql:
    if keep and not rule.every_stage and rule.table == AUDIT.name:
        return compose("(({where}) AND stage != 'RequestReceived')", where=rule.where)
    return compose("({where})", where=rule.where)


def _collect(table: str, number: int, rule: StreamRule, span: Range) -> Sql:
    values = {
        **{name: Sql(name) for name in ("writer", "batch", "ingested", "cluster", "time")},
        **constants(rule),
        "kind": Sql("'match'" if rule.alerting else "'base'"),
        "event_table": bind(table),
        "event_id": Sql("_event_id"),
        "event_ids": Sql("[_event_id]"),
        "summary": rule.summary,
        "labels": labels(rule, rule.entity),
        "fields": text_map(rule.fields),
        "event": Sql(f"toValidUTF8(left({_EVENT_TEXT[table]}, {_RAW_LIMIT}))"),
    }
    return compose(
        "INSERT INTO rule_found ({names}) SELECT {values} FROM rule_hits_{table} "
        "WHERE has(_hits, {number}){earlier}{once}",
        names=join(", ", [identifier(name) for name in FOUND]),
        values=join(", ", [values[name] for name in FOUND]),
        table=Sql(table),
        number=Sql(str(number)),
        earlier=_not_earlier(table, number, rule, span),
        once=Sql(" ORDER BY stage = 'ResponseStarted', time LIMIT 1 BY _event_id" if table == AUDIT.name else ""),
    )


def _not_earlier(table: str, number: int, rule: StreamRule, span: Range) -> Sql:
    """An audit event comes in up to two stages, with minutes or hours between them; the first that matches counts."""
    if table != AUDIT.name:
        return Sql("")
    return compose(
        f" AND _event_id NOT IN (SELECT event_id FROM detections WHERE rule_id = {{id}} AND event_id IN ("
        f"SELECT _event_id FROM rule_hits_{table} WHERE has(_hits, {number})) AND NOT {{span}})",
        id=bind(rule.id),
        span=span.condition(),
    )
