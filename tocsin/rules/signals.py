"""What was found, as signals: one per rule and set of labels, with a sample of its events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.model.alerts import EVIDENCE_LIMIT, Evidence, Signal
from tocsin.rules import summaries
from tocsin.rules.kinds.base import Rule
from tocsin.rules.kinds.correlation import COUNT, CorrelationRule
from tocsin.store.base import INTERNAL_BUDGET, Columns, parse_time
from tocsin.store.sql import Sql, bind, compose

OVERFLOW = "overflow"
"""The label of the one signal that stands for all label sets beyond the limit."""

_FULL_SAMPLES = 50
"""Label sets per rule and tick that carry `EVIDENCE_LIMIT` events each; the others carry their first and last."""


def read_signals(columns: Columns, rules: Mapping[str, Rule], label_sets: int) -> tuple[Signal, ...]:
    """Return what lies in `rule_found` as signals, worst first; matches that only feed correlations are left out.

    Args:
        columns: The session that evaluated.
        rules: The rules by id.
        label_sets: Signals per rule; the rest goes into one with the label `overflow`.
    """
    rows = columns.fetch(_query(sorted(r.id for r in rules.values() if r.alerting), label_sets), INTERNAL_BUDGET)
    signals = [_signal(rules[row["rule_id"]], row) for row in rows]
    return tuple(sorted(signals, key=lambda s: (s.severity.rank, s.first_event, s.title)))


def _query(alerting: list[str], label_sets: int) -> Sql:
    return compose(
        """WITH
        found AS (SELECT rule_id, labels, fields, time, event_id, summary, event FROM rule_found
            WHERE rule_id IN {alerting}),
        ranked AS (SELECT rule_id, labels, row_number() OVER (PARTITION BY rule_id ORDER BY number DESC, text) AS rank
            FROM (SELECT rule_id, labels, toString(labels) AS text, count() AS number FROM found
                GROUP BY rule_id, labels)),
        placed AS (SELECT rule_id, time, event_id, summary, event, fields,
                if(rank <= {label_sets}, labels, mapFilter((k, v) -> k IN ('alertname', 'severity'), labels)) AS shown,
                rank > {label_sets} AS overflow, if(rank <= {full}, {many}, 1) AS half
            FROM found INNER JOIN ranked USING (rule_id, labels)),
        numbered AS (SELECT *, row_number() OVER w AS nth,
                count() OVER (PARTITION BY rule_id, shown, overflow) AS total
            FROM placed WINDOW w AS (PARTITION BY rule_id, shown, overflow ORDER BY time, event_id))
        SELECT rule_id, shown, overflow, count() AS number, min(time) AS first, max(time) AS last,
            argMax(summary, nth) AS latest, argMax(fields, nth) AS group,
            arraySort(groupArrayIf((nth, time, event_id, summary, event), nth <= half OR nth > total - half)) AS sample
        FROM numbered GROUP BY rule_id, shown, overflow""",
        alerting=bind(alerting),
        label_sets=bind(label_sets, "UInt64"),
        full=Sql(str(_FULL_SAMPLES)),
        many=Sql(str(EVIDENCE_LIMIT // 2)),
    )


def _signal(rule: Rule, row: Mapping[str, Any]) -> Signal:
    count = int(row["number"])
    overflow = bool(row["overflow"])
    return Signal(
        rule_id=rule.id,
        title=rule.title,
        severity=rule.severity,
        labels={**row["shown"], **({OVERFLOW: "true"} if overflow else {})},
        annotations={"summary": _summary(rule, row, count, overflow=overflow), **rule.annotations},
        techniques=rule.techniques,
        runbook_url=rule.runbook_url,
        first_event=parse_time(row["first"]),
        last_event=parse_time(row["last"]),
        count=count,
        evidence=tuple(_evidence(item) for item in row["sample"]),
        quiet=rule.quiet,
    )


def _summary(rule: Rule, row: Mapping[str, Any], count: int, *, overflow: bool) -> str:
    if overflow:
        return f"{rule.title}: {count} more events, spread over too many users, objects or addresses to alert on each"
    if isinstance(rule, CorrelationRule):
        return summaries.fill(rule.summary, {**row["group"], COUNT: str(count)})
    return str(row["latest"])


def _evidence(item: list[Any]) -> Evidence:
    _, time, event_id, summary, event = item
    return Evidence(event_id=event_id, time=parse_time(time), summary=summary, raw=event)
