"""Every alert's evidence leads back to the events, whatever raised it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from tests.store.state.builders import alert
from tocsin.model.alerts import Alert
from tocsin.model.errors import InvalidInput
from tocsin.respond.evidence import Event, read_evidence, whole_event
from tocsin.store.base import Columns

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LABELS = {"alertname": "Shell", "severity": "high", "user": "alice"}


def at(seconds: float) -> datetime:
    """`seconds` after the start."""
    return START + timedelta(seconds=seconds)


def detection(event_id: str, seconds: float, **changes: Any) -> dict[str, Any]:
    """A row of `detections`."""
    time = at(seconds).strftime("%Y-%m-%d %H:%M:%S.%f")
    return {
        "writer": "w",
        "batch": 1,
        "ingested": time,
        "rule_id": "shell",
        "rule_version": "v1",
        "kind": "match",
        "time": time,
        "event_table": "audit",
        "event_id": event_id,
        "event_ids": [event_id],
        "summary": f"alice did {event_id}",
        "labels": LABELS,
        "event": f'{{"auditID":"{event_id}"}}',
        **changes,
    }


def store(columns: Columns, *rows: dict[str, Any], table: str = "detections") -> None:
    """Insert rows."""
    columns.insert(table, list(rows[0]), "JSONEachRow", b"\n".join(orjson.dumps(row) for row in rows))


def raised(**changes: Any) -> Alert:
    """The alert that the detections of rule `shell` for alice made."""
    return alert("Shell", **{"labels": LABELS, "rule_id": "shell", "starts_at": at(0), "last_event": at(60), **changes})


def ids(columns: Columns, of: Alert) -> list[str]:
    """The ids of an alert's events."""
    return [event.event_id for event in read_evidence(columns, of).events]


def test_the_events_of_the_alert_and_no_others(columns: Columns) -> None:
    store(
        columns,
        detection("late", 30.000001),
        detection("early", 30),
        detection("first", 0),
        detection("last", 60),
        detection("of an earlier episode", -1),
        detection("of a later episode", 61),
        detection("of another rule", 10, rule_id="other"),
        detection("of another user", 10, labels={**LABELS, "user": "bob"}),
        detection("of a narrower entity", 10, labels={**LABELS, "pod": "web"}),
    )
    page = read_evidence(columns, raised())
    assert [event.event_id for event in page.events] == ["first", "early", "late", "last"]
    assert page.last is None
    assert page.events[1] == Event(
        event_id="early",
        time=at(30),
        table="audit",
        rule_id="shell",
        rule_version="v1",
        summary="alice did early",
        raw='{"auditID":"early"}',
        cut=False,
    )


def test_pages_follow_each_other_without_gap_or_double(columns: Columns) -> None:
    store(columns, *(detection(f"event {number:02}", number // 3) for number in range(25)))
    seen: list[str] = []
    after = None
    for _ in range(10):
        page = read_evidence(columns, raised(), after=after, limit=4)
        seen += [event.event_id for event in page.events]
        after = page.last
        if after is None:
            break
    assert seen == [f"event {number:02}" for number in range(25)]


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_page_has_a_limit(columns: Columns, limit: int) -> None:
    with pytest.raises(InvalidInput, match="limit: expected 1 to 1000"):
        read_evidence(columns, raised(), limit=limit)


def test_a_correlation_leads_to_the_events_of_its_base_rules(columns: Columns) -> None:
    burst = detection("key of the group", 40, rule_id="burst", kind="correlation", event="", event_ids=["b", "a"])
    store(
        columns,
        detection("a", 10, kind="base", labels={}, rule_id="denied"),
        detection("b", 20, kind="base", labels={}, rule_id="denied"),
        detection("c", 30, kind="base", labels={}, rule_id="denied"),
        burst,
    )
    page = read_evidence(columns, raised(rule_id="burst"))
    assert [(event.event_id, event.rule_id) for event in page.events] == [("a", "denied"), ("b", "denied")]
    assert page.events[0].raw == '{"auditID":"a"}'


def test_an_event_that_several_rules_matched_comes_once_as_the_alerts_own_rule_tells_it(columns: Columns) -> None:
    store(
        columns,
        detection("a", 10, rule_id="zzz", summary="another rule's words"),
        detection("a", 10),
        detection("a", 10, rule_id="aaa", summary="another rule's words"),
    )
    (event,) = read_evidence(columns, raised()).events
    assert (event.rule_id, event.summary) == ("shell", "alice did a")


def test_an_alert_that_stands_for_many_entities_shows_the_events_of_all(columns: Columns) -> None:
    store(columns, *(detection(name, 10, labels={**LABELS, "pod": name}) for name in ("a", "b")))
    assert ids(columns, raised(labels={**LABELS, "overflow": "true"})) == ["a", "b"]


def test_labels_are_values_and_not_sql(columns: Columns) -> None:
    odd = {**LABELS, "user": "o'brien\\ {x:String} \n\t\0"}
    store(columns, detection("a", 10, labels=odd), detection("b", 10))
    assert ids(columns, raised(labels=odd)) == ["a"]


def test_a_long_event_is_shown_in_part_and_whole_on_demand(columns: Columns) -> None:
    whole = "é" + "x" * 20_000 + " its end"
    kept = whole.encode()[:16384].decode()
    store(columns, detection("long", 10, event=kept, event_table="logs"), detection("short", 11))
    line = {"time": at(10).strftime("%Y-%m-%d %H:%M:%S.%f"), "line": whole, "ingested": "2026-03-01 12:00:00"}
    long, short = read_evidence(columns, raised()).events
    assert (long.cut, short.cut) == (True, False)
    assert whole_event(columns, long) == kept, "the line itself is not stored (any more)"
    store(columns, line, table="logs")
    assert whole_event(columns, long) == whole
    assert whole_event(columns, short) == short.raw
