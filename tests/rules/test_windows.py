"""Random events in random order and pieces, against the definition of a window written down in Python."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rules.support import base, book, correlation, detections, event, put, tick
from tocsin.rules.book import RuleBook
from tocsin.store.base import Columns
from tocsin.store.sql import Sql

_SPAN = 5
_VERBS = ("get", "create", "exec")
_TABLES = ("audit", "detections")


@dataclass(frozen=True)
class Seen:
    """An event: when, in which group, by which rule, with which value."""

    id: str
    at: int
    user: str
    verb: str
    name: str


def _events() -> st.SearchStrategy[list[Seen]]:
    one = st.tuples(
        st.integers(0, 25),
        st.sampled_from(["alice", "bob"]),
        st.sampled_from(_VERBS),
        st.sampled_from(["", "x", "y", "z"]),
    )
    return st.lists(one, max_size=16).map(lambda found: [Seen(f"e{n}", *each) for n, each in enumerate(found)])


def _expected(events: Sequence[Seen], holds: Callable[[Sequence[Seen]], bool]) -> set[tuple[str, str]]:
    """Every (user, id) in a window, ending at an event and reaching back five seconds, in which the condition holds."""
    found: set[tuple[str, str]] = set()
    for last in events:
        window = [e for e in events if e.user == last.user and last.at - _SPAN <= e.at <= last.at]
        if holds(sorted(window, key=lambda e: e.at)):
            found |= {(e.user, e.id) for e in window}
    return found


def _reported(columns: Columns, events: Sequence[Seen], rules: RuleBook, cuts: Sequence[int]) -> list[tuple[str, str]]:
    """Every (user, id) in a detection, with the events cut into batches and ticks at `cuts`."""
    edges = [0, *sorted(min(cut, len(events)) for cut in cuts), len(events)]
    signalled = 0
    for batch, (start, end) in enumerate(itertools.pairwise(edges), 1):
        rows = [event(e.id, e.at, user=e.user, verb=e.verb, name=e.name) for e in events[start:end]]
        if rows:
            put(columns, batch, rows)
        signalled += sum(signal.count for signal in tick(columns, rules, batch - 1, batch).signals)
    rows = detections(columns, "kind = 'correlation'")
    reported = [(row["labels"]["user"], id_) for row in rows for id_ in row["event_ids"]]
    assert signalled == len(reported), "signals count what detections list"
    return reported


def _check(
    columns: Columns,
    events: Sequence[Seen],
    cuts: Sequence[int],
    rules: RuleBook,
    holds: Callable[[Sequence[Seen]], bool],
) -> None:
    for table in _TABLES:
        columns.run(Sql(f"TRUNCATE TABLE {table}"))
    reported = _reported(columns, events, rules, cuts)
    assert len(reported) == len(set(reported)), "an event is listed once"
    assert set(reported) == _expected(events, holds)


def _book(body: str, *, rules: str = "[get]") -> RuleBook:
    bases = [base(verb, verb=verb) for verb in _VERBS]
    if rules == "[get]":
        bases = [base("get", **{"objectRef.resource": "secrets"})]
    text = f"  rules: {rules}\n  group-by: [user.username]\n  timespan: {_SPAN}s\n{body}"
    return book(correlation(text, bases))


_common = settings(
    max_examples=20,
    deadline=None,
    # The store is emptied for each example, which is far cheaper than a new one.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
_cuts = st.lists(st.integers(0, 16), max_size=3)


@_common
@given(events=_events(), cuts=_cuts, number=st.integers(1, 5))
def test_event_count(columns: Columns, events: list[Seen], cuts: list[int], number: int) -> None:
    rules = _book(f"  type: event_count\n  condition: {{gte: {number}}}\n")
    _check(columns, events, cuts, rules, lambda window: len(window) >= number)


@_common
@given(events=_events(), cuts=_cuts, number=st.integers(1, 3))
def test_value_count(columns: Columns, events: list[Seen], cuts: list[int], number: int) -> None:
    rules = _book(f"  type: value_count\n  condition: {{gte: {number}, field: objectRef.name}}\n")
    _check(columns, events, cuts, rules, lambda window: len({e.name for e in window if e.name}) >= number)


@_common
@given(events=_events(), cuts=_cuts)
def test_temporal(columns: Columns, events: list[Seen], cuts: list[int]) -> None:
    rules = _book("  type: temporal\n", rules="[get, create, exec]")
    _check(columns, events, cuts, rules, lambda window: {e.verb for e in window} == set(_VERBS))


@_common
@given(events=_events(), cuts=_cuts)
def test_temporal_ordered(columns: Columns, events: list[Seen], cuts: list[int]) -> None:
    rules = _book("  type: temporal_ordered\n", rules="[get, create, exec]")

    def ordered(window: Sequence[Seen]) -> bool:
        """The last rule matches at the window's end, after the others in order; the same moment is in order."""
        end = max(e.at for e in window)
        return any(
            a.at <= b.at <= c.at == end
            for a in window
            for b in window
            for c in window
            if (a.verb, b.verb, c.verb) == _VERBS
        )

    _check(columns, events, cuts, rules, ordered)
