"""One evaluation of the stream rules: what matches, what is said about it, and what is never said twice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tests.rules.support import SECRETS, at, book, detections, event, event_ids, only, put, tick
from tocsin.model.alerts import EVIDENCE_LIMIT, Evidence
from tocsin.model.severity import Severity
from tocsin.rules.book import RuleBook
from tocsin.rules.detector import Detector
from tocsin.store.base import Budget, Columns
from tocsin.store.sql import Sql

STAGES = """
title: Asks for the stage
id: 11111111-0000-4000-8000-000000000002
level: low
logsource: {product: kubernetes, service: audit}
detection:
  selection: {stage: RequestReceived}
  condition: selection
"""
SHELL = """
title: Shell
id: 11111111-0000-4000-8000-000000000003
level: medium
logsource: {product: kubernetes, service: audit}
detection:
  selection: {objectRef.subresource: exec}
  condition: selection
"""
LINES = """
title: Failed login
id: 11111111-0000-4000-8000-000000000004
level: low
logsource: {product: linux, service: sshd}
detection:
  keywords: ["Failed password"]
  condition: keywords
tocsin: {entity: {node: node}}
"""


def test_a_match_becomes_a_signal_with_its_event(columns: Columns) -> None:
    put(columns, 1, [event("a", 5), event("b", 6, resource="pods")])
    signal = only(tick(columns, book(SECRETS), 0, 1))
    assert signal.title == "Secret read"
    assert signal.severity is Severity.HIGH
    assert signal.labels == {"alertname": "Secret read", "severity": "high", "user": "alice", "namespace": "prod"}
    assert signal.annotations == {"summary": "alice read prod/db", "description": "Somebody read a secret."}
    assert signal.techniques == ("T1552.007",)
    assert signal.runbook_url == "/runbooks/secrets"
    assert signal.quiet == timedelta(minutes=30)
    assert (signal.first_event, signal.last_event, signal.count) == (at(5), at(5), 1)
    assert signal.evidence == (Evidence("a", at(5), "alice read prod/db", '{"auditID": "a"}'),)


def test_every_match_is_stored(columns: Columns) -> None:
    put(columns, 7, [event("a", 5, cluster="east")])
    tick(columns, book(SECRETS), 0, 7)
    (row,) = detections(columns)
    assert (row["writer"], row["batch"], row["cluster"], row["kind"]) == ("w", 7, "east", "match")
    assert (row["event_table"], row["event_id"], row["event_ids"]) == ("audit", "a", ["a"])
    assert row["labels"]["cluster"] == "east"
    assert row["summary"] == "alice read prod/db"
    assert row["event"] == '{"auditID": "a"}'
    assert row["techniques"] == ["T1552.007"]
    assert row["rule_version"]


def test_only_the_batches_of_the_range_are_evaluated(columns: Columns) -> None:
    for batch in (1, 2, 3, 4):
        put(columns, batch, [event(f"e{batch}", batch)])
    found = tick(columns, book(SECRETS), 1, 3)
    assert event_ids(only(found)) == ["e2", "e3"]
    assert found.watermarks == {"w": 3}


def test_each_writer_has_a_watermark_of_its_own(columns: Columns) -> None:
    put(columns, 1, [event("a1")], writer="a")
    put(columns, 1, [event("b1")], writer="b")
    put(columns, 2, [event("b2")], writer="b")
    found = Detector(columns, book(SECRETS)).evaluate({"a": 1, "c": 9}, {"a": 1, "b": 2}, at(0))
    assert event_ids(only(found)) == ["b1", "b2"]
    assert found.watermarks == {"a": 1, "b": 2, "c": 9}


def test_late_events_are_found_by_their_batch_not_by_their_time(columns: Columns) -> None:
    put(columns, 1, [event("now", 3600)])
    tick(columns, book(SECRETS), 0, 1)
    put(columns, 2, [event("late", -86400)])
    assert event_ids(only(tick(columns, book(SECRETS), 1, 2))) == ["late"]


def test_a_tick_repeated_after_a_crash_says_the_same_and_stores_nothing_twice(columns: Columns) -> None:
    put(columns, 1, [event("a", 1), event("b", 2)])
    first = tick(columns, book(SECRETS), 0, 1)
    again = tick(columns, book(SECRETS), 0, 1)
    assert again.signals == first.signals
    assert [row["event_id"] for row in detections(columns)] == ["a", "b"]


def test_a_tick_repeated_with_more_batches_says_all_and_stores_what_is_new(columns: Columns) -> None:
    put(columns, 1, [event("a", 1)])
    tick(columns, book(SECRETS), 0, 1)
    put(columns, 2, [event("b", 2)])
    assert only(tick(columns, book(SECRETS), 0, 2)).count == 2
    assert [row["event_id"] for row in detections(columns)] == ["a", "b"]


def test_a_session_alerts_when_it_begins_and_not_again_when_it_ends(columns: Columns) -> None:
    put(columns, 1, [event("x", 1, subresource="exec", stage="ResponseStarted", code=101)])
    assert only(tick(columns, book(SHELL), 0, 1)).count == 1
    put(columns, 2, [event("x", 900, received=at(1), subresource="exec", code=101)])
    assert tick(columns, book(SHELL), 1, 2).signals == ()
    assert len(detections(columns)) == 1


def test_two_stages_in_one_tick_are_one_match(columns: Columns) -> None:
    started = event("x", 1, subresource="exec", stage="ResponseStarted", code=101, raw="started")
    put(columns, 1, [started, event("x", 9, subresource="exec", code=101, raw="complete")])
    signal = only(tick(columns, book(SHELL), 0, 1))
    assert signal.count == 1
    assert signal.evidence[0].raw == "complete"


def test_a_stage_found_before_a_crash_is_not_counted_beside_the_one_found_after(columns: Columns) -> None:
    put(columns, 1, [event("x", 1, subresource="exec", stage="ResponseStarted", code=101)])
    tick(columns, book(SHELL), 0, 1)
    put(columns, 2, [event("x", 9, received=at(1), subresource="exec", code=101)])
    assert only(tick(columns, book(SHELL), 0, 2)).count == 1
    assert len(detections(columns)) == 1


def test_received_requests_are_left_out_except_for_rules_that_ask_for_the_stage(columns: Columns) -> None:
    put(columns, 1, [event("a", 1, stage="RequestReceived", code=0), event("b", 2)])
    found = tick(columns, book(SECRETS, STAGES), 0, 1)
    assert {signal.title: event_ids(signal) for signal in found.signals} == {
        "Secret read": ["b"],
        "Asks for the stage": ["a"],
    }
    assert event_ids(only(tick(columns, book(SECRETS), 0, 1))) == ["b"]


def test_a_refused_credential_shows_at_its_only_stage(columns: Columns) -> None:
    put(columns, 1, [event("a", 1, stage="ResponseStarted", code=401, user="")])
    assert only(tick(columns, book(SECRETS), 0, 1)).labels == {
        "alertname": "Secret read",
        "severity": "high",
        "namespace": "prod",
    }


def test_signals_are_told_apart_by_their_labels(columns: Columns) -> None:
    rows = [event("a", 1), event("b", 2, user="bob"), event("c", 3), event("d", 4, cluster="west")]
    put(columns, 1, rows)
    found = tick(columns, book(SECRETS), 0, 1)
    assert [(s.labels["user"], s.labels.get("cluster"), s.count) for s in found.signals] == [
        ("alice", None, 2),
        ("bob", None, 1),
        ("alice", "west", 1),
    ]


def test_evidence_is_the_first_and_the_last_events(columns: Columns) -> None:
    put(columns, 1, [event(f"e{n:02}", n, name=f"s{n}") for n in range(30)])
    signal = only(tick(columns, book(SECRETS), 0, 1))
    half = EVIDENCE_LIMIT // 2
    assert event_ids(signal) == [f"e{n:02}" for n in [*range(half), *range(30 - half, 30)]]
    assert signal.count == 30
    assert signal.annotations["summary"] == "alice read prod/s29"


def test_an_enormous_event_is_cut(columns: Columns) -> None:
    put(columns, 1, [event("a", 1, raw="ä" * 100_000)])
    raw = only(tick(columns, book(SECRETS), 0, 1)).evidence[0].raw
    assert raw == "ä" * 8192


def test_a_summary_is_one_line_whatever_an_attacker_sends(columns: Columns) -> None:
    put(columns, 1, [event("a", 1, name="x\ny\x1b[31m\u202ez", user="u" * 2000)])
    summary = only(tick(columns, book(SECRETS.replace("{objectRef.name}", "{objectRef.name}!")), 0, 1)).annotations
    assert summary["summary"] == ("u" * 2000)[:500]
    put(columns, 2, [event("b", 1, name="x\ny\x1b[31m\u202ez")])
    assert only(tick(columns, book(SECRETS), 1, 2)).annotations["summary"] == "alice read prod/x y [31m z"


def test_a_flood_of_label_sets_ends_in_one_overflow_signal(columns: Columns) -> None:
    rows = [event(f"e{n}", n, user=f"user-{n:03}") for n in range(50)]
    put(columns, 1, [*rows, event("again", 60, user="user-049")])
    found = tick(columns, book(SECRETS), 0, 1, label_sets=10)
    normal = [s for s in found.signals if "overflow" not in s.labels]
    (rest,) = [s for s in found.signals if "overflow" in s.labels]
    assert len(normal) == 10
    assert "user-049" in {s.labels["user"] for s in normal}, "the label sets with most events are kept"
    assert rest.labels == {"alertname": "Secret read", "severity": "high", "overflow": "true"}
    assert rest.count == 40
    assert sum(s.count for s in found.signals) == 51
    assert len(detections(columns)) == 51


def test_equal_log_lines_are_counted_each_and_repeated_without_doubling(columns: Columns) -> None:
    line = {"time": at(1), "source": "node", "app": "sshd", "node": "n1", "line": "Failed password for root"}
    put(columns, 1, [line, line, line, {**line, "line": "Accepted"}], table="logs")
    first = tick(columns, book(LINES), 0, 1)
    signal = only(first)
    assert (signal.count, signal.labels["node"]) == (3, "n1")
    assert signal.annotations["summary"] == "n1/sshd: Failed password for root"
    assert len({e.event_id for e in signal.evidence}) == 3
    assert tick(columns, book(LINES), 0, 1).signals == first.signals
    assert len(detections(columns)) == 3


def test_a_table_without_rules_is_not_queried(columns: Columns) -> None:
    put(columns, 1, [event("a")])
    spy = _Spy(columns)
    tick(spy, book(SECRETS), 0, 1)
    assert any("audit" in text for text in spy.texts)
    assert not any("`logs`" in text for text in spy.texts)


def test_nothing_is_queried_without_rules_or_without_new_batches(columns: Columns) -> None:
    spy = _Spy(columns)
    assert tick(spy, RuleBook(), 0, 5).watermarks == {"w": 5}
    assert tick(spy, book(SECRETS), 5, 5).watermarks == {"w": 5}
    assert spy.texts == []


def test_worst_first(columns: Columns) -> None:
    put(columns, 1, [event("a", 1, subresource="exec"), event("b", 2)])
    found = tick(columns, book(SHELL, SECRETS), 0, 1)
    assert [s.severity for s in found.signals] == [Severity.HIGH, Severity.MEDIUM]


def test_matches_are_counted_by_rule(columns: Columns) -> None:
    put(columns, 1, [event("a", 1, subresource="exec"), event("b", 2)])
    told: list[Mapping[str, int]] = []
    tick(columns, book(SHELL, SECRETS), 0, 1, matched=told.append)
    assert told == [{"11111111-0000-4000-8000-000000000001": 2, "11111111-0000-4000-8000-000000000003": 1}]


class _Spy:
    """Notes the statements it passes on."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self.texts: list[str] = []

    def run(self, statement: Sql, *budget: Budget) -> None:
        self.texts.append(statement.text)
        self._columns.run(statement, *budget)

    def fetch(self, query: Sql, *budget: Budget) -> list[dict[str, Any]]:
        self.texts.append(query.text)
        return self._columns.fetch(query, *budget)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._columns, name)
