"""Watermarks, leases, history, and what was told."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.store.state.builders import START, at, message, told, tracked
from tocsin.model.alerts import AlertStatus
from tocsin.model.errors import StoreFailed
from tocsin.store.state import alerts, history, leases, notified, outbox, watermarks
from tocsin.store.state.engine import State
from tocsin.store.state.history import Change, Entry

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("upto", "forward"),
    [
        ({"a": 6}, True),
        ({"a": 5, "b": 3}, True),
        ({"c": 1}, True),
        ({"a": 5}, False),
        ({"a": 5, "b": 2}, False),
        ({"a": 4}, False),
        ({"a": 6, "b": 1}, False),
        ({}, False),
    ],
)
def test_watermarks_go_forward_only(state: State, upto: dict[str, int], forward: bool) -> None:
    with state.write() as connection:
        assert watermarks.advance(connection, {"a": 5, "b": 2}, START)
        assert watermarks.advance(connection, upto, at(1)) is forward
        expected = {"a": 5, "b": 2} | upto if forward else {"a": 5, "b": 2}
        assert watermarks.read(connection) == expected


def test_a_lease_has_one_holder_until_it_ends_or_is_given_back(state: State) -> None:
    with state.write() as connection:
        assert leases.acquire(connection, "x", "me", START, MINUTE)
        assert leases.acquire(connection, "x", "me", at(30), MINUTE), "the holder prolongs it"
        assert not leases.acquire(connection, "x", "you", at(89), MINUTE)
        assert leases.acquire(connection, "y", "you", at(89), MINUTE), "another lease"
        assert leases.acquire(connection, "x", "you", at(90), MINUTE), "it has ended"
        assert not leases.acquire(connection, "x", "me", at(91), MINUTE)
        leases.release(connection, "you")
        assert leases.acquire(connection, "x", "me", at(91), MINUTE)


def test_history_is_told_in_order_and_by_alert(state: State) -> None:
    entries = [
        Entry("a", 1, at(0), Change.NEW, "it began\0"),
        Entry("b", 1, at(1), Change.NEW, "another"),
        Entry("a", 1, at(2), Change.RESOLVED, "over"),
        Entry("a", 2, at(3), Change.REFIRED, "again"),
    ]
    with state.write() as connection:
        history.record(connection, entries)
        history.record(connection, [])
    with state.read() as connection:
        seen = history.of(connection, "a")
        assert [(e.episode, e.change, e.at) for e in seen] == [
            (1, Change.NEW, at(0)),
            (1, Change.RESOLVED, at(2)),
            (2, Change.REFIRED, at(3)),
        ]
        assert seen[0].detail == "it began\ufffd"
        assert [e.change for e in history.of(connection, "a", limit=1)] == [Change.REFIRED], "the latest ones"
    with state.write() as connection:
        alerts.save(connection, [tracked(fingerprint="b")])
        assert history.prune(connection, at(3)) == 2, "what is kept of an alert that is kept"
        assert [e.change for e in history.of(connection, "b")] == [Change.NEW]


def test_what_was_told_is_kept_per_destination_and_group(state: State) -> None:
    first, second = told(), told("team/slack", sequence=7)
    with state.write() as connection:
        notified.save(connection, [first, second])
        notified.save(connection, [told(sequence=2)])
        assert notified.load(connection, ["tocsin/a", "tocsin/b"]) == {
            ("team/webhook", "tocsin/a"): told(sequence=2),
            ("team/slack", "tocsin/a"): second,
        }


def test_repeats_are_due_for_firing_alerts_at_their_time(state: State) -> None:
    with state.write() as connection:
        notified.save(
            connection,
            [
                told("team/webhook", repeat_at=at(10)),
                told("team/slack", repeat_at=at(10)),
                told(group="tocsin/b", fingerprint="b", repeat_at=at(20)),
                told(group="tocsin/c", fingerprint="c", repeat_at=at(5), status=AlertStatus.RESOLVED),
            ],
        )
        assert notified.repeats_due(connection, at(9)) == []
        assert notified.repeats_due(connection, at(10)) == ["a"]
        assert sorted(notified.repeats_due(connection, at(20))) == ["a", "b"]


def test_what_was_told_is_kept_while_its_messages_are(state: State) -> None:
    with state.write() as connection:
        notified.save(
            connection,
            [
                told(status=AlertStatus.RESOLVED),
                told(group="tocsin/b", status=AlertStatus.RESOLVED),
                told(group="tocsin/c"),
            ],
        )
        outbox.enqueue(connection, [message("k1")])
        assert notified.prune(connection, at(1)) == 1
        assert sorted(group for _, group in notified.load(connection, ["tocsin/a", "tocsin/b", "tocsin/c"])) == [
            "tocsin/a",
            "tocsin/c",
        ]


def test_a_time_without_a_zone_is_refused(state: State) -> None:
    with pytest.raises(StoreFailed, match="StatementError"), state.write() as connection:
        leases.acquire(connection, "x", "me", datetime(2026, 3, 1), MINUTE)  # noqa: DTZ001 - that is the point
