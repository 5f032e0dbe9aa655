"""How signals become alerts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.state.builders import START, at
from tocsin.alerting.folding import fold, is_over, merge_evidence, resolve
from tocsin.model.alerts import EVIDENCE_LIMIT, AlertStatus, Evidence, Signal
from tocsin.model.labels import fingerprint
from tocsin.model.severity import Severity
from tocsin.store.state.alerts import Tracked
from tocsin.store.state.history import Change
from tocsin.testing.timeline import signal

MINUTE = timedelta(minutes=1)


def found(seconds: float, count: int = 1, quiet: str = "15m") -> Signal:
    """A signal whose event happened then."""
    return signal("Shell", at(seconds), count=count, quiet=quiet)


def test_a_first_signal_begins_an_alert() -> None:
    tracked, change = fold(None, found(0, count=3), at(5))
    alert = tracked.alert
    assert change is Change.NEW
    assert (alert.status, alert.episode, alert.count) == (AlertStatus.FIRING, 1, 3)
    assert (alert.starts_at, alert.last_event, alert.updated_at, alert.ends_at) == (at(0), at(0), at(5), None)
    assert alert.fingerprint == fingerprint(alert.labels)
    assert (tracked.arrived_at, tracked.resolves_at) == (at(5), at(5) + 15 * MINUTE)


def test_another_signal_adds_to_it_and_brings_its_own_words() -> None:
    first, _ = fold(None, found(0, count=3), at(5))
    newer = replace(found(60, count=2, quiet="1h"), annotations={"summary": "newer"}, title="Shell, renamed")
    tracked, change = fold(first, newer, at(65))
    alert = tracked.alert
    assert change is Change.FOLDED
    assert (alert.count, alert.starts_at, alert.last_event, alert.updated_at) == (5, at(0), at(60), at(65))
    assert (alert.annotations, alert.title) == ({"summary": "newer"}, "Shell, renamed")
    assert [event.time for event in alert.evidence] == [at(0), at(60)]
    assert tracked.resolves_at == at(65) + timedelta(hours=1)


def test_late_events_move_the_beginning_back() -> None:
    first, _ = fold(None, found(100), at(100))
    tracked, _ = fold(first, found(20), at(110))
    assert (tracked.alert.starts_at, tracked.alert.last_event) == (at(20), at(100))


def test_another_severity_is_a_change() -> None:
    first, _ = fold(None, found(0), at(0))
    tracked, change = fold(first, replace(found(1), severity=Severity.CRITICAL), at(1))
    assert change is Change.SEVERITY
    assert tracked.alert.severity is Severity.CRITICAL


def test_after_a_resolution_a_new_episode_begins_from_nothing() -> None:
    first, _ = fold(None, found(0, count=9), at(0))
    tracked, change = fold(resolve(first, at(1000)), found(2000), at(2000))
    assert change is Change.REFIRED
    assert (tracked.alert.episode, tracked.alert.count, tracked.alert.starts_at) == (2, 1, at(2000))
    assert tracked.alert.ends_at is None
    assert len(tracked.alert.evidence) == 1


def test_a_resolution_ends_it_now() -> None:
    first, _ = fold(None, found(0), at(0))
    alert = resolve(first, at(900)).alert
    assert (alert.status, alert.ends_at, alert.updated_at) == (AlertStatus.RESOLVED, at(900), at(900))


@pytest.mark.parametrize(
    ("watching_since", "now", "over"),
    [
        (START - MINUTE, START + 15 * MINUTE, True),
        (START - MINUTE, START + 15 * MINUTE - timedelta(microseconds=1), False),
        (START + 10 * MINUTE, START + 15 * MINUTE, False),
        (START + 10 * MINUTE, START + 25 * MINUTE, True),
    ],
)
def test_it_is_over_after_a_quiet_period_that_we_watched(watching_since: datetime, now: datetime, over: bool) -> None:
    tracked, _ = fold(None, found(0), START)
    assert is_over(tracked, watching_since, now) is over


events = st.builds(
    Evidence,
    event_id=st.sampled_from("abcdefgh"),
    time=st.integers(0, 60).map(at),
    summary=st.just("seen"),
    raw=st.just("{}"),
)
evidence = st.lists(events, max_size=40).map(tuple)


@given(evidence, evidence)
def test_evidence_is_the_first_and_the_last_of_all_events_each_once(
    earlier: tuple[Evidence, ...], later: tuple[Evidence, ...]
) -> None:
    merged = merge_evidence(earlier, later)
    everything = sorted(set(earlier) | set(later), key=lambda e: (e.time, e.event_id))
    half = EVIDENCE_LIMIT // 2
    expected = everything if len(everything) <= EVIDENCE_LIMIT else everything[:half] + everything[-half:]
    assert list(merged) == expected


@given(st.lists(st.tuples(st.integers(0, 3600), st.integers(1, 5)), min_size=1, max_size=20))
def test_the_same_signals_in_any_pieces_give_the_same_count_and_span(pieces: list[tuple[int, int]]) -> None:
    tracked: Tracked | None = None
    for number, (seconds, count) in enumerate(pieces):
        tracked, _ = fold(tracked, found(seconds, count), at(number))
    assert tracked
    times = [seconds for seconds, _ in pieces]
    assert tracked.alert.count == sum(count for _, count in pieces)
    assert (tracked.alert.starts_at, tracked.alert.last_event) == (at(min(times)), at(max(times)))
    assert tracked.alert.episode == 1
