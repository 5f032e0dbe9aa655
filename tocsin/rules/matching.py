"""Stream rules: all rules of a table in one query, then the few that matched, each with its own labels and summary.

What is found goes into temporary tables of the thread's session: `rule_hits_<table>` (rows that any rule matched, with
the positions of those rules) and `rule_found` (one row per rule and event, in the form of the table `detections`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tocsin.model.errors import InvalidInput
from tocsin.query.sigma.compile import together
from tocsin.rules.kinds.base import Rule
from tocsin.rules.kinds.sigma import StreamRule
from tocsin.rules.ranges import Range
from tocsin.store.base import Columns, parse_time
from tocsin.store.schema.tables import AUDIT, DETECTIONS, LOGS, TABLES
from tocsin.store.sql import Sql, bind, compose, identifier, join

FOUND = [column.name for column in DETECTIONS.columns]
_FOUND_COLUMNS = ", ".join(f"`{column.name}` {column.type}" for column in DETECTIONS.columns)
FOUND_TABLE = f"CREATE TEMPORARY TABLE IF NOT EXISTS rule_found ({_FOUND_COLUMNS}) ENGINE = Memory"
_RAW_LIMIT = 16384
_TOGETHER = 25
_FILLED = "mapFilter((_k, _v) -> _v != '', {map})"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DONE = "stage != 'RequestReceived'"

# A log line has no id of its own: the hash of all that is known of it, and its number among lines that are the same.
_LINE_HASH = "lower(hex(sipHash128(writer, batch, cluster, time, source, toString(stream), line)))"
_EVENT_ID = {
    AUDIT.name: "audit_id",
    LOGS.name: (
        f"concat({_LINE_HASH}, '-', toString(row_number() OVER "
        "(PARTITION BY writer, batch, cluster, time, source, toString(stream), line)))"
    ),
}
# When the request behind an event began: none of its stages is earlier, and a session may last for hours.
_BEGAN = {
    AUDIT.name: "least(received, time)",
    LOGS.name: "time",
}
_EVENT_TEXT = {AUDIT.name: "raw", LOGS.name: "line"}


def hits_table(table: str) -> str:
    """Return the statement that makes the temporary table of matched rows, with the key of each as `event_id`."""
    columns = ", ".join(f"`{column.name}` {column.type}" for column in TABLES[table].columns)
    return (
        f"CREATE TEMPORARY TABLE IF NOT EXISTS rule_hits_{table} ({columns}, _event_id String, _hits Array(UInt16)) "
        "ENGINE = Memory"
    )


@dataclass(frozen=True, slots=True)
class Pass:
    """All rules of one table, made ready for one query.

    Attributes:
        table: The table.
        rules: The rules; a row's hits are their positions.
        names: A `WITH` clause of what the rules have in common.
        hits: Array(UInt16) expression: which rules match a row.
        rows: A condition that holds for all rows that any rule may match.
    """

    table: str
    rules: tuple[StreamRule, ...]
    names: Sql
    hits: Sql
    rows: Sql


def prepare(table: str, rules: Sequence[StreamRule]) -> Pass:
    """Make the rules of a table ready.

    A request that was only received has no outcome yet: it is kept from all rules but those that ask for stages.
    """
    shared = together([rule.predicate for rule in rules])
    conditions, rows = list(shared.conditions), Sql("1")
    if table == AUDIT.name and any(rule.every_stage for rule in rules):
        conditions = [
            condition if rule.every_stage else compose(f"({{c}} AND {_DONE})", c=condition)
            for rule, condition in zip(rules, conditions, strict=True)
        ]
    elif table == AUDIT.name:
        rows = Sql(_DONE)
    numbers = Sql(", ".join(str(number) for number in range(len(rules))))
    hits = compose(
        "arrayFilter((_i, _c) -> _c, CAST([{numbers}], 'Array(UInt16)'), [{conditions}])",
        numbers=numbers,
        conditions=join(", ", conditions),
    )
    return Pass(table, tuple(rules), shared.with_clause, hits, rows)


def scan(ready: Pass, span: Range) -> Sql:
    """Return the statement that puts every row of the range that any rule matches into `rule_hits_<table>`.

    The range is a `PREWHERE` of its own: left to itself, the engine plans all conditions once more to move them there.
    """
    columns = join(", ", [identifier(column.name) for column in TABLES[ready.table].columns])
    return compose(
        "INSERT INTO {into} ({columns}, _event_id, _hits) SELECT {columns}, {event_id}, _hits FROM ("
        "{names}SELECT {columns}, {hits} AS _hits FROM {table} PREWHERE {span} AND {rows}) WHERE notEmpty(_hits)",
        into=identifier(f"rule_hits_{ready.table}"),
        columns=columns,
        event_id=Sql(_EVENT_ID[ready.table]),
        names=ready.names,
        hits=ready.hits,
        table=identifier(ready.table),
        span=span.condition(),
        rows=ready.rows,
    )


def find(columns: Columns, ready: Pass, span: Range) -> datetime | None:
    """Evaluate the rules of one table and put what they found into `rule_found`.

    Returns the time since which an earlier match of one of these events can lie; None if nothing was found.
    """
    hits = f"rule_hits_{ready.table}"
    columns.run(Sql(f"TRUNCATE TABLE {hits}"))
    columns.run(scan(ready, span))
    query = f"SELECT arrayJoin(_hits) AS number, min({_BEGAN[ready.table]}) AS since FROM {hits} GROUP BY number"
    found = {int(row["number"]): parse_time(str(row["since"])) for row in columns.fetch(Sql(query))}
    for some in _portions(sorted(found)):
        columns.run(_collect(ready, some, span, min(found[number] for number in some)))
    columns.run(Sql(f"TRUNCATE TABLE {hits}"))
    return min(found.values(), default=None)


def record(columns: Columns, since: datetime) -> None:
    """Store what was found, except what an interrupted evaluation of the same batches stored already.

    Args:
        columns: The session that evaluated.
        since: The earliest time of such a match; see `find`.
    """
    columns.run(
        compose(
            "INSERT INTO detections ({names}) SELECT {names} FROM rule_found WHERE (rule_id, event_id) NOT IN ("
            "SELECT rule_id, event_id FROM detections WHERE rule_id IN (SELECT rule_id FROM rule_found) "
            "AND time >= {since} AND event_id IN (SELECT event_id FROM rule_found))",
            names=join(", ", [identifier(name) for name in FOUND]),
            since=bind(since),
        )
    )


def check(columns: Columns, rules: Iterable[StreamRule]) -> dict[str, str]:
    """Let the engine read every rule's expressions; return the reasons of those that it refuses, by rule id."""
    refused, nothing = {}, Range({}, {})
    for rule in rules:
        columns.run(Sql(hits_table(rule.table)))
        columns.run(Sql(FOUND_TABLE))
        try:
            alone = prepare(rule.table, [rule])
            columns.run(scan(alone, nothing))
            columns.run(_collect(alone, [0], nothing, _EPOCH))
        except InvalidInput as error:
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
    return text_map(_labels(rule, entity))


def text_map(entries: Mapping[str, Sql]) -> Sql:
    """Return a Map(String, String) expression of the entries that are not empty."""
    return compose(_FILLED, map=_map(entries))


def _labels(rule: Rule, entity: Mapping[str, Sql]) -> dict[str, Sql]:
    fixed = {"alertname": bind(rule.title), "severity": bind(rule.severity.value)}
    return {**fixed, **entity, "cluster": Sql("cluster")}


def _map(entries: Mapping[str, Sql]) -> Sql:
    """A Map(String, String) expression of all entries."""
    pairs = [compose("{k}, toString({v})", k=bind(key), v=entry) for key, entry in entries.items()]
    return compose("map({pairs})", pairs=join(", ", pairs)) if pairs else Sql("CAST(map(), 'Map(String, String)')")


def _portions(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """Rules that one statement collects: planning costs more than running it, but grows faster than its length."""
    for start in range(0, len(numbers), _TOGETHER):
        yield numbers[start : start + _TOGETHER]


def _collect(ready: Pass, numbers: Sequence[int], span: Range, since: datetime) -> Sql:
    """Put the matches of some rules into `rule_found`, each with what its own rule says of it."""
    table, rules = ready.table, {number: ready.rules[number] for number in numbers}
    values = {
        **{name: Sql(name) for name in ("writer", "batch", "ingested", "cluster", "time")},
        "rule_id": _listed(rules, lambda rule: rule.id),
        "rule_version": _listed(rules, lambda rule: rule.version),
        "title": _listed(rules, lambda rule: rule.title),
        "severity": _listed(rules, lambda rule: rule.severity.value),
        "techniques": compose("splitByWhitespace({all})", all=_listed(rules, lambda rule: " ".join(rule.techniques))),
        "kind": _listed(rules, lambda rule: "match" if rule.alerting else "base"),
        "event_table": bind(table),
        "event_id": Sql("_event_id"),
        "event_ids": Sql("[_event_id]"),
        "summary": _chosen(rules, lambda rule: rule.summary),
        "labels": compose(_FILLED, map=_chosen(rules, lambda rule: _map(_labels(rule, rule.entity)))),
        "fields": compose(_FILLED, map=_chosen(rules, lambda rule: _map(rule.fields))),
        "event": Sql(f"toValidUTF8(left({_EVENT_TEXT[table]}, {_RAW_LIMIT}))"),
    }
    return compose(
        "INSERT INTO rule_found ({names}) SELECT {values} FROM ("
        "SELECT *, arrayJoin(arrayFilter(_n -> has([{numbers}], _n), _hits)) AS _rule FROM rule_hits_{table}) "
        "WHERE 1{earlier}{once}",
        names=join(", ", [identifier(name) for name in FOUND]),
        values=join(", ", [values[name] for name in FOUND]),
        numbers=Sql(", ".join(map(str, numbers))),
        table=Sql(table),
        earlier=_not_earlier(rules, span, since) if table == AUDIT.name else Sql(""),
        once=Sql(
            " ORDER BY stage = 'ResponseStarted', time LIMIT 1 BY _rule, _event_id" if table == AUDIT.name else ""
        ),
    )


def _chosen(rules: Mapping[int, StreamRule], say: Callable[[StreamRule], Sql]) -> Sql:
    """Return what `say` gives for the rule that a row is about."""
    *others, (_, last) = rules.items()
    branches = [compose("_rule = {n}, {said}", n=Sql(str(number)), said=say(rule)) for number, rule in others]
    if not branches:
        return say(last)
    return compose("multiIf({branches}, {last})", branches=join(", ", branches), last=say(last))


def _listed(rules: Mapping[int, StreamRule], say: Callable[[StreamRule], str]) -> Sql:
    """Return the text that `say` gives for the rule that a row is about: cheaper to plan than `_chosen`."""
    numbers = Sql(", ".join(map(str, rules)))
    texts = bind([say(rule) for rule in rules.values()])
    return compose("{texts}[indexOf([{numbers}], _rule)]", texts=texts, numbers=numbers)


def _not_earlier(rules: Mapping[int, StreamRule], span: Range, since: datetime) -> Sql:
    """An audit event comes in up to two stages, with minutes or hours between them; the first that matches counts."""
    return compose(
        " AND ({id}, _event_id) NOT IN (SELECT rule_id, event_id FROM detections WHERE rule_id IN {ids} "
        "AND time >= {since} AND event_id IN (SELECT _event_id FROM rule_hits_audit) AND NOT {span})",
        id=_listed(rules, lambda rule: rule.id),
        ids=bind([rule.id for rule in rules.values()]),
        since=bind(since),
        span=span.condition(),
    )
