"""Correlations: conditions over sliding windows, piece by piece as events arrive or over a whole recording at once."""

from __future__ import annotations

import itertools

import pytest

from tests.rules.support import at, base, book, correlation, detections, event, event_ids, only, put, tick
from tocsin.model.alerts import Evidence
from tocsin.rules import correlating
from tocsin.rules.book import RuleBook
from tocsin.store.base import Columns
from tocsin.store.sql import Sql

READ = base("read", verb="get")
WRITE = base("write", verb="create")
EXEC = base("exec", verb="exec")


def event_count(
    number: int = 3, *, span: str = "10s", group: str = "user.username", generate: str = "false"
) -> RuleBook:
    return book(
        correlation(
            f"  type: event_count\n  rules: [read]\n  group-by: [{group}]\n  timespan: {span}\n"
            f"  generate: {generate}\n  condition: {{gte: {number}}}\n",
            [READ],
        )
    )


def test_events_at_the_threshold_make_one_signal_with_all_of_them(columns: Columns) -> None:
    put(columns, 1, [event("a", 0), event("b", 4), event("c", 8)])
    signal = only(tick(columns, event_count(), 0, 1))
    assert signal.title == "Burst"
    assert signal.labels == {"alertname": "Burst", "severity": "medium", "user": "alice"}
    assert signal.annotations["summary"] == "Burst: 3 events within 10s, user alice"
    assert (signal.count, signal.first_event, signal.last_event) == (3, at(0), at(8))
    assert event_ids(signal) == ["a", "b", "c"]
    assert signal.evidence[0] == Evidence("a", at(0), "alice get secrets prod/db -> 200", '{"auditID": "a"}')


def test_its_detection_lists_the_events(columns: Columns) -> None:
    put(columns, 1, [event("a", 0, cluster="east"), event("c", 8, cluster="east"), event("b", 4, cluster="east")])
    tick(columns, event_count(), 0, 1)
    (row,) = detections(columns, "kind = 'correlation'")
    assert row["event_ids"] == ["a", "b", "c"]
    assert row["labels"] == {"alertname": "Burst", "severity": "medium", "user": "alice", "cluster": "east"}
    assert row["fields"] == {"user.username": "alice"}
    assert (row["event_table"], row["event"], row["batch"]) == ("audit", "", 1)
    assert row["time"] == "2026-11-24T10:00:08.000000Z"


def test_one_event_less_is_silent(columns: Columns) -> None:
    put(columns, 1, [event("a", 0), event("b", 4)])
    assert tick(columns, event_count(), 0, 1).signals == ()
    assert {row["kind"] for row in detections(columns)} == {"base"}


def test_both_ends_of_the_window_belong_to_it(columns: Columns) -> None:
    put(columns, 1, [event("a", 0), event("b", 5), event("c", 10)])
    assert only(tick(columns, event_count(), 0, 1)).count == 3


def test_a_microsecond_beyond_the_window_does_not(columns: Columns) -> None:
    put(columns, 1, [event("a", 0), event("b", 5), event("c", 10.000001)])
    assert tick(columns, event_count(), 0, 1).signals == ()


def test_groups_and_clusters_do_not_add_up(columns: Columns) -> None:
    rows = [event("a", 0), event("b", 1, user="bob"), event("c", 2), event("d", 3, cluster="west")]
    put(columns, 1, rows)
    assert tick(columns, event_count(), 0, 1).signals == ()


def test_events_without_the_field_are_a_group_of_their_own(columns: Columns) -> None:
    put(columns, 1, [event(f"e{n}", n, user="") for n in range(3)])
    assert only(tick(columns, event_count(), 0, 1)).labels == {"alertname": "Burst", "severity": "medium"}


def test_without_group_by_all_events_are_one_group(columns: Columns) -> None:
    rules = book(correlation("  type: event_count\n  rules: [read]\n  timespan: 10s\n  condition: {gte: 2}\n", [READ]))
    put(columns, 1, [event("a", 0), event("b", 1, user="bob")])
    assert only(tick(columns, rules, 0, 1)).count == 2


def test_a_burst_that_goes_on_adds_only_its_new_events(columns: Columns) -> None:
    rules = event_count()
    put(columns, 1, [event("a", 0), event("b", 4)])
    put(columns, 2, [event("c", 8)])
    put(columns, 3, [event("d", 9)])
    put(columns, 4, [event("e", 60)])
    counts = [[s.count for s in tick(columns, rules, n - 1, n).signals] for n in (1, 2, 3, 4)]
    assert counts == [[], [3], [1], []]
    assert [row["event_ids"] for row in detections(columns, "kind = 'correlation'")] == [["a", "b", "c"], ["d"]]


def test_a_late_event_completes_the_windows_around_it(columns: Columns) -> None:
    rules = event_count()
    put(columns, 1, [event("a", 0), event("c", 8)])
    put(columns, 2, [event("other", 500)])
    put(columns, 3, [event("b", 4)])
    assert tick(columns, rules, 0, 2).signals == ()
    assert event_ids(only(tick(columns, rules, 2, 3))) == ["a", "b", "c"]


def test_a_late_event_beside_an_old_burst_does_not_fire_it_again(columns: Columns) -> None:
    rules = event_count()
    put(columns, 1, [event("a", 100), event("b", 101), event("c", 102)])
    tick(columns, rules, 0, 1)
    put(columns, 2, [event("d", 50)])
    assert tick(columns, rules, 1, 2).signals == ()


def test_two_bursts_of_a_recording_are_two_detections_and_one_signal(columns: Columns) -> None:
    put(columns, 1, [event(f"e{n}", t) for n, t in enumerate([0, 1, 2, 500, 501, 502])])
    assert only(tick(columns, event_count(), 0, 1)).count == 6
    rows = detections(columns, "kind = 'correlation'")
    assert [row["event_ids"] for row in rows] == [["e0", "e1", "e2"], ["e3", "e4", "e5"]]


def test_a_repeated_tick_says_the_same_and_stores_nothing_twice(columns: Columns) -> None:
    rules = event_count()
    put(columns, 1, [event("a", 0), event("b", 4)])
    tick(columns, rules, 0, 1)
    put(columns, 2, [event("c", 8)])
    first = tick(columns, rules, 1, 2)
    stored = detections(columns)
    assert tick(columns, rules, 1, 2).signals == first.signals
    assert detections(columns) == stored
    put(columns, 3, [event("d", 9)])
    assert only(tick(columns, rules, 1, 3)).count == 4
    assert [row["event_ids"] for row in detections(columns, "kind = 'correlation'")] == [["a", "b", "c"], ["d"]]


def test_a_crash_between_match_and_correlation_loses_nothing(columns: Columns) -> None:
    rules = event_count()
    put(columns, 1, [event("a", 0), event("b", 4), event("c", 8)])
    first = tick(columns, rules, 0, 1)
    columns.run(Sql("DELETE FROM detections WHERE kind = 'correlation'"))
    assert tick(columns, rules, 0, 1).signals == first.signals
    assert len(detections(columns, "kind = 'correlation'")) == 1


def test_a_large_burst_fills_several_detections(columns: Columns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlating, "EVENT_IDS_LIMIT", 4)
    put(columns, 1, [event(f"e{n}", n / 10) for n in range(10)])
    assert only(tick(columns, event_count(), 0, 1)).count == 10
    rows = detections(columns, "kind = 'correlation'")
    assert [len(row["event_ids"]) for row in rows] == [4, 4, 2]
    assert len({row["event_id"] for row in rows}) == 3


def test_the_rules_it_refers_to_alert_only_if_it_says_so(columns: Columns) -> None:
    put(columns, 1, [event("a", 0)])
    assert tick(columns, event_count(), 0, 1).signals == ()
    assert only(tick(columns, event_count(generate="true"), 0, 1)).title == "read"


def test_an_event_that_two_rules_match_counts_once(columns: Columns) -> None:
    same = base("same", **{"objectRef.resource": "secrets"})
    rules = book(
        correlation(
            "  type: event_count\n  rules: [read, same]\n  timespan: 10s\n  condition: {gte: 3}\n", [READ, same]
        )
    )
    put(columns, 1, [event("a", 0), event("b", 1)])
    assert tick(columns, rules, 0, 1).signals == ()
    put(columns, 2, [event("c", 2)])
    assert only(tick(columns, rules, 1, 2)).count == 3


def value_count(number: int = 3, field: str = "objectRef.name") -> RuleBook:
    return book(
        correlation(
            "  type: value_count\n  rules: [read]\n  group-by: [user.username]\n  timespan: 10s\n"
            f"  condition: {{gte: {number}, field: {field}}}\n",
            [READ],
        )
    )


def test_value_count_counts_different_values(columns: Columns) -> None:
    put(columns, 1, [event("a", 0, name="x"), event("b", 1, name="y"), event("c", 2, name="x"), event("d", 3, name="")])
    assert tick(columns, value_count(), 0, 1).signals == ()
    put(columns, 2, [event("e", 4, name="z")])
    signal = only(tick(columns, value_count(), 1, 2))
    assert event_ids(signal) == ["a", "b", "c", "d", "e"]


def test_value_count_forgets_values_that_left_the_window(columns: Columns) -> None:
    names = [(0, "x"), (9, "y"), (10, "x"), (19, "z"), (20.5, "y")]
    put(columns, 1, [event(f"e{t}", t, name=name) for t, name in names])
    # x is seen again at 10, so 19 (reaching back to 9) has y, x, z; at 20.5 x at 10 is just gone.
    signal = only(tick(columns, value_count(), 0, 1))
    assert event_ids(signal) == ["e9", "e10", "e19"]


def test_value_count_over_several_fields_counts_their_combinations(columns: Columns) -> None:
    rules = value_count(3, "[objectRef.name, objectRef.namespace]")
    put(columns, 1, [event("a", 0, name="x"), event("b", 1, name="x", namespace="dev"), event("c", 2, name="y")])
    assert only(tick(columns, rules, 0, 1)).count == 3


@pytest.mark.parametrize(
    ("type_", "condition", "fires"),
    [
        ("value_sum", "{gte: 600, field: responseStatus.code}", True),
        ("value_sum", "{gt: 600, field: responseStatus.code}", False),
        ("value_avg", "{eq: 200, field: responseStatus.code}", True),
        ("value_avg", "{gt: 250, field: responseStatus.code}", False),
        ("value_median", "{lte: 150, field: responseStatus.code}", True),
        ("value_median", "{gt: 150, field: responseStatus.code}", False),
        ("value_percentile", "{gte: 269, field: responseStatus.code, percentile: 90}", True),
        ("value_percentile", "{gt: 271, field: responseStatus.code, percentile: 90}", False),
        ("event_count", "{eq: 3}", True),
        ("event_count", "{gt: 3}", False),
        ("event_count", "{neq: 1}", True),
        ("event_count", "{lt: 1}", False),
    ],
)
def test_values_are_measured_over_the_window(columns: Columns, type_: str, condition: str, fires: bool) -> None:
    rules = book(correlation(f"  type: {type_}\n  rules: [read]\n  timespan: 10s\n  condition: {condition}\n", [READ]))
    put(columns, 1, [event("a", 0, code=150), event("b", 1, code=150), event("c", 2, code=300)])
    assert bool(tick(columns, rules, 0, 1).signals) == fires


def test_values_that_are_no_numbers_are_not_measured(columns: Columns) -> None:
    rules = book(
        correlation(
            "  type: value_sum\n  rules: [read]\n  timespan: 10s\n  condition: {gte: 0, field: objectRef.name}\n",
            [READ],
        )
    )
    put(columns, 1, [event("a", 0, name="many")])
    assert tick(columns, rules, 0, 1).signals == ()
    put(columns, 2, [event("b", 1, name="7")])
    assert only(tick(columns, rules, 1, 2)).count == 2


def temporal(type_: str = "temporal", condition: str = "") -> RuleBook:
    rules = "" if condition else "  rules: [read, write, exec]\n"
    extended = f"  condition: {condition}\n" if condition else ""
    return book(
        correlation(
            f"  type: {type_}\n{rules}  group-by: [user.username]\n  timespan: 10s\n{extended}", [READ, WRITE, EXEC]
        )
    )


@pytest.mark.parametrize("order", list(itertools.permutations(["get", "create", "exec"])))
def test_temporal_wants_all_rules_in_any_order(columns: Columns, order: tuple[str, ...]) -> None:
    put(columns, 1, [event(verb, n, verb=verb) for n, verb in enumerate(order)])
    assert event_ids(only(tick(columns, temporal(), 0, 1))) == list(order)


def test_temporal_is_silent_if_one_is_missing_or_late(columns: Columns) -> None:
    put(columns, 1, [event("a", 0, verb="get"), event("b", 1, verb="create"), event("c", 10.5, verb="exec")])
    assert tick(columns, temporal(), 0, 1).signals == ()


@pytest.mark.parametrize("order", list(itertools.permutations(["get", "create", "exec"])))
def test_temporal_ordered_wants_them_in_its_order(columns: Columns, order: tuple[str, ...]) -> None:
    put(columns, 1, [event(verb, n, verb=verb) for n, verb in enumerate(order)])
    fires = bool(tick(columns, temporal("temporal_ordered"), 0, 1).signals)
    assert fires == (order == ("get", "create", "exec"))


def test_temporal_ordered_takes_the_latest_start(columns: Columns) -> None:
    rows = [("get", 0), ("create", 1), ("get", 15), ("exec", 16), ("create", 17), ("exec", 18)]
    put(columns, 1, [event(f"{verb}-{t}", t, verb=verb) for verb, t in rows])
    signal = only(tick(columns, temporal("temporal_ordered"), 0, 1))
    assert event_ids(signal) == ["get-15", "exec-16", "create-17", "exec-18"]


def test_temporal_ordered_piece_by_piece(columns: Columns) -> None:
    rules = temporal("temporal_ordered")
    for n, verb in enumerate(("get", "create", "exec"), 1):
        put(columns, n, [event(verb, n, verb=verb)])
    assert [len(tick(columns, rules, n - 1, n).signals) for n in (1, 2, 3)] == [0, 0, 1]


@pytest.mark.parametrize(
    ("condition", "verbs", "fires"),
    [
        ("read and not exec", ["get"], True),
        ("read and not exec", ["exec", "get"], False),
        ("read and (write or exec)", ["get", "exec"], True),
        ("read and (write or exec)", ["get"], False),
    ],
)
def test_extended_conditions(columns: Columns, condition: str, verbs: list[str], fires: bool) -> None:
    put(columns, 1, [event(f"{n}", n, verb=verb) for n, verb in enumerate(verbs)])
    assert bool(tick(columns, temporal(condition=condition), 0, 1).signals) == fires


def test_aliases_join_different_fields(columns: Columns) -> None:
    rules = book(
        correlation(
            "  type: temporal\n  rules: [read, write]\n  group-by: [who]\n  timespan: 10s\n"
            "  aliases: {who: {read: user.username, write: objectRef.name}}\n",
            [READ, WRITE],
        )
    )
    put(columns, 1, [event("a", 0, verb="get", user="eve"), event("b", 1, verb="create", user="root", name="eve")])
    signal = only(tick(columns, rules, 0, 1))
    assert signal.labels["who"] == "eve"
    assert event_ids(signal) == ["a", "b"]


def test_a_correlation_of_correlations(columns: Columns) -> None:
    burst = (
        "title: {0} burst\nname: {0}_burst\nlevel: low\ncorrelation:\n  type: event_count\n  rules: [{0}]\n"
        "  group-by: [user.username]\n  timespan: 10s\n  condition: {{gte: 2}}\n"
    )
    rules = book(
        correlation(
            "  type: temporal_ordered\n  rules: [read_burst, write_burst]\n"
            "  group-by: [user.username]\n  timespan: 1m\n",
            [READ, WRITE, burst.format("read"), burst.format("write")],
        )
    )
    put(columns, 1, [event("r1", 0), event("r2", 1)])
    put(columns, 2, [event("w1", 20, verb="create"), event("w2", 21, verb="create")])
    assert tick(columns, rules, 0, 1).signals == ()
    signal = only(tick(columns, rules, 1, 2))
    assert signal.title == "Burst"
    (row,) = detections(columns, "title = 'Burst'")
    assert row["event_ids"] == ["r1", "r2", "w1", "w2"]
    again = tick(columns, rules, 1, 2)
    assert again.signals == (signal,)
    assert len(detections(columns, "title = 'Burst'")) == 1


def test_a_summary_of_its_own(columns: Columns) -> None:
    rules = book(
        correlation(
            "  type: event_count\n  rules: [read]\n  group-by: [user.username, objectRef.namespace]\n  timespan: 10s\n"
            "  condition: {gte: 2}\n"
            "tocsin:\n  summary: '{user.username} did it {count} times in {objectRef.namespace}'\n"
            "  entity: {who: user.username}\n",
            [READ],
        )
    )
    put(columns, 1, [event("a", 0), event("b", 1)])
    signal = only(tick(columns, rules, 0, 1))
    assert signal.annotations["summary"] == "alice did it 2 times in prod"
    assert signal.labels == {"alertname": "Burst", "severity": "medium", "who": "alice"}
    assert detections(columns, "kind = 'correlation'")[0]["summary"] == "alice did it 2 times in prod"
