"""Sliding windows: which matches of the base rules lie in a window in which a correlation's condition holds.

A window of a group ends at one of its matches and reaches back by the timespan, both ends included. It fires if the
condition holds in it and it holds at least one new match, so a late event fires the windows it completes, and matches
that were evaluated before fire nothing again. All statements read the temporary table `rule_bases`.

Most conditions are aggregates over a moving frame. Counting distinct values over a moving frame takes quadratic time,
so `value_count` is a running sum over steps instead: a value adds one when it appears, and takes it away when it
appears again or a timespan later, whichever is first. An ordered sequence is a chain of running maxima: each match of a
rule knows the latest start of a sequence that could lead up to it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.query.sigma.correlation import Correlation, Every, Expression, Never, Seen, Some
from tocsin.rules.kinds.correlation import CorrelationRule
from tocsin.store.sql import Sql, bind, compose, join

BASES_TABLE = """CREATE TEMPORARY TABLE IF NOT EXISTS rule_bases (
    cluster LowCardinality(String), grp Array(String), at Int64, rule_id LowCardinality(String), event_id String,
    ids Array(String), event_table LowCardinality(String), value String, number Nullable(Float64), is_new UInt8,
    writer LowCardinality(String), batch UInt64, ingested DateTime64(6, 'UTC')
) ENGINE = Memory"""

_NEVER = 1 << 62
_OPERATORS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "eq": "=", "neq": "!="}
_MOST = {
    "event_count": "count()",
    "value_count": "uniqExact(value)",
    "temporal": "uniqExact(rule_id)",
    "temporal_ordered": "uniqExact(rule_id)",
}
_GROUP = "PARTITION BY cluster, grp"
_RUNNING = "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"


def promising(rule: CorrelationRule) -> Sql:
    """Return a cheap query over `rule_bases` that has a row for every group in which a window may fire.

    Where more matches can only help, no window can hold more than its whole group does.
    """
    group = "SELECT 1 FROM rule_bases GROUP BY cluster, grp HAVING max(is_new) = 1"
    correlation = rule.correlation
    most = _MOST.get(correlation.type)
    if most is None or correlation.expression is not None or correlation.op not in {"gt", "gte"}:
        return Sql(group)
    return compose(f"{group} AND {most} >= {{needed}}", needed=bind(float(correlation.count)))


def involved(rule: CorrelationRule) -> Sql:
    """Return a query over `rule_bases` of the matches in firing windows: its columns, and `episode`.

    An episode is a run of such matches with no gap longer than the timespan.
    """
    span = timespan(rule.correlation)
    firing = compose(
        f"SELECT *, min(if(holds AND touched > 0, at, {_NEVER})) OVER ({_GROUP} ORDER BY at DESC {_RUNNING}) AS fires "
        "FROM ({measured})",
        measured=_measured(rule),
    )
    frame = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    order = f"{_GROUP} ORDER BY at, rule_id, event_id {frame}"
    return compose(
        f"SELECT *, sum(gap) OVER ({order}) AS episode FROM ("
        f"SELECT *, at - lagInFrame(at, 1, at) OVER ({order}) > {span} AS gap FROM ({{firing}}) "
        f"WHERE fires - at <= {span})",
        firing=firing,
    )


def timespan(correlation: Correlation) -> int:
    """The timespan in microseconds."""
    return int(correlation.timespan.total_seconds() * 1_000_000)


def _measured(rule: CorrelationRule) -> Sql:
    """The matches of every group with something new, with `holds` and `touched` (new matches) of the window at each."""
    match rule.correlation.type:
        case "value_count":
            return _distinct(rule)
        case "temporal_ordered":
            return _ordered(rule)
        case _:
            return _framed(rule)


def _framed(rule: CorrelationRule) -> Sql:
    frame = f"{_GROUP} ORDER BY at ASC RANGE BETWEEN {timespan(rule.correlation)} PRECEDING AND CURRENT ROW"
    return compose(
        f"SELECT *, {{holds}} AS holds, max(is_new) OVER w AS touched FROM ({{rows}}) WINDOW w AS ({frame})",
        holds=_frame_condition(rule),
        rows=_rows(rule),
    )


def _frame_condition(rule: CorrelationRule) -> Sql:
    correlation = rule.correlation
    if correlation.expression is not None:
        return _truth(correlation.expression)
    if correlation.type == "temporal":
        return _compare(rule, join(" + ", [_seen(base) for base in rule.bases]))
    percentile = (correlation.percentile or 0) / 100
    aggregates = {
        "event_count": "count()",
        "value_sum": "sum(number)",
        "value_avg": "avg(number)",
        "value_median": "quantileExactInclusive(0.5)(number)",
        "value_percentile": f"quantileExactInclusive({percentile})(number)",
    }
    return _compare(rule, Sql(f"{aggregates[correlation.type]} OVER w"))


def _seen(base: str) -> Sql:
    return compose("(max(rule_id = {id}) OVER w)", id=bind(base))


def _truth(expression: Expression) -> Sql:
    match expression:
        case Seen(base):
            return _seen(base)
        case Never(part):
            return compose("(NOT {part})", part=_truth(part))
        case Every(parts):
            return compose("({parts})", parts=join(" AND ", [_truth(part) for part in parts]))
        case Some(parts):
            return compose("({parts})", parts=join(" OR ", [_truth(part) for part in parts]))


def _distinct(rule: CorrelationRule) -> Sql:
    span = timespan(rule.correlation)
    following = (
        f"leadInFrame(at, 1, {_NEVER}) OVER (PARTITION BY cluster, grp, value ORDER BY at ASC "
        "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)"
    )
    steps = compose(
        "SELECT *, arrayJoin([(toUInt8(1), at, toInt64(value != ''), toInt64(is_new)), "
        f"(toUInt8(0), least(following, at + {span} + 1), -toInt64(value != ''), toInt64(0)), "
        f"(toUInt8(0), at + {span} + 1, toInt64(0), -toInt64(is_new))]) AS step "
        f"FROM (SELECT *, {following} AS following FROM ({{rows}}))",
        rows=_rows(rule),
    )
    return compose(
        "SELECT * EXCEPT step, {holds} AS holds FROM ("
        "SELECT *, sum(step.3) OVER w AS measure, sum(step.4) OVER w AS touched FROM ({steps}) "
        f"WINDOW w AS ({_GROUP} ORDER BY step.2 ASC {_RUNNING})) WHERE step.1 = 1",
        steps=steps,
        holds=_compare(rule, Sql("measure")),
    )


def _ordered(rule: CorrelationRule) -> Sql:
    span = timespan(rule.correlation)
    first, *others = rule.bases
    chain = compose(
        f"SELECT *, if(rule_id = {{id}}, at, -{_NEVER}) AS start FROM ({{rows}})", id=bind(first), rows=_rows(rule)
    )
    for base in others:
        chain = compose(
            f"SELECT * EXCEPT start, if(rule_id = {{id}}, max(start) OVER ({_GROUP} ORDER BY at ASC {_RUNNING}), "
            f"-{_NEVER}) AS start FROM ({{chain}})",
            id=bind(base),
            chain=chain,
        )
    frame = f"{_GROUP} ORDER BY at ASC RANGE BETWEEN {span} PRECEDING AND CURRENT ROW"
    return compose(
        f"SELECT *, at - start <= {span} AS holds, max(is_new) OVER ({frame}) AS touched FROM ({{chain}})", chain=chain
    )


def _rows(rule: CorrelationRule) -> Sql:
    """The matches of groups with something new; an event counts once, in the temporal types once per rule."""
    once = "cluster, grp, event_id" + (", rule_id" if rule.correlation.type.startswith("temporal") else "")
    return Sql(
        "SELECT * FROM rule_bases WHERE (cluster, grp) IN (SELECT cluster, grp FROM rule_bases WHERE is_new = 1) "
        f"ORDER BY is_new DESC, rule_id LIMIT 1 BY {once}"
    )


def _compare(rule: CorrelationRule, measure: Sql) -> Sql:
    operator = _OPERATORS[rule.correlation.op]
    return compose(f"ifNull(({{m}}) {operator} {{n}}, 0)", m=measure, n=bind(float(rule.correlation.count)))


def value(rule: CorrelationRule, names: Sequence[str]) -> Sql:
    """Return a String expression over `detections` of the fields that a condition counts, '' if one is absent."""
    if not names:
        return Sql("''")
    if len(names) == 1:
        return field(rule, names[0])
    parts = [field(rule, name) for name in names]
    return compose("if(has([{parts}] AS values, ''), '', toJSONString(values))", parts=join(", ", parts))


def group(rule: CorrelationRule) -> Sql:
    """Return an Array(String) expression over `detections` of the values of `group-by`."""
    return compose(
        "CAST([{parts}], 'Array(String)')", parts=join(", ", [field(rule, g) for g in rule.correlation.group_by])
    )


def field(rule: CorrelationRule, name: str) -> Sql:
    """Return a String expression over `detections` of a field or an alias."""
    by_base = {base: rule.correlation.field_of(name, base) for base in rule.bases}
    if set(by_base.values()) == {name}:
        return compose("fields[{name}]", name=bind(name))
    branches = [
        compose("rule_id = {id}, fields[{name}]", id=bind(base), name=bind(name_there))
        for base, name_there in by_base.items()
    ]
    return compose("multiIf({branches}, '')", branches=join(", ", branches))
