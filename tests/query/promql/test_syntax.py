"""What is refused before it is evaluated, and why."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.model.errors import BudgetExceeded, InvalidInput
from tocsin.query.promql import Limits, MemorySource, Options, QueryError, instant_query, parse, range_query
from tocsin.query.promql.nodes import At, Selector


@pytest.mark.parametrize(
    "text", ["(" * 5000 + "1" + ")" * 5000, "1" + "+1" * 5000, "1" + " or x" * 2000, "1" + "^1" * 400]
)
def test_deep_queries_are_refused(text: str) -> None:
    """They would overflow the stack of the parser, or ours."""
    with pytest.raises(QueryError, match=r"more than 1500|deeper than 250"):
        parse(text)


def test_long_lists_of_alternatives_are_fine() -> None:
    """Brackets and operators inside of strings do not count."""
    parse('x{pod=~"' + "|".join(["(a+)"] * 400) + '"}')


def test_times_before_1970_are_read() -> None:
    """Nobody should need them, yet they must not end the process."""
    node = parse("x @ -1.5")

    assert isinstance(node, Selector)
    assert node.at == At(-1500)


@pytest.mark.parametrize("text", ["", "  ", 'a{__name__="b"}', 'a{b="c" or d="e"}', "a + fill(0) b"])
def test_what_is_not_supported_says_so(text: str) -> None:
    """No silent difference."""
    with pytest.raises(QueryError):
        instant_query(text, MemorySource(), 0)


def test_limits_of_points_hold() -> None:
    """A short query can ask for much."""
    with pytest.raises(BudgetExceeded, match="points"):
        range_query("vector(1)", MemorySource(), 0, 100_000, 1, Options(limits=Limits(points=1000)))


@pytest.mark.parametrize(("start", "end", "step"), [(0, 1000, 0), (0, 1000, -1), (1000, 0, 1)])
def test_ranges_must_make_sense(start: int, end: int, step: int) -> None:
    """As Prometheus answers."""
    with pytest.raises(QueryError):
        range_query("1", MemorySource(), start, end, step)


_WORDS = st.sampled_from(
    ["x", "1", "(", ")", "[5m]", "[5m:]", "+", "and", "sum", "by", "rate", "{", "}", '"a"', "=", "-", "@"]
)


@given(st.lists(_WORDS, max_size=12).map(" ".join) | st.text(max_size=30))
def test_any_text_is_answered_or_refused(text: str) -> None:
    """Nothing but our own errors leaves the room."""
    with contextlib.suppress(InvalidInput):
        instant_query(text, MemorySource(), 60_000)
