"""Values reach the engine unchanged, whatever they hold, and never as text of the query."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tocsin.store.base import Columns, parse_time
from tocsin.store.sql import Sql, bind, compose, identifier, join

_TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
_REUSE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


@_REUSE
@given(text=_TEXT, items=st.lists(_TEXT, max_size=4))
def test_strings_and_lists_come_back_as_they_went(columns: Columns, text: str, items: list[str]) -> None:
    """Quotes, backslashes, control characters and NULs included."""
    query = compose("SELECT {text} AS text, {items} AS items", text=bind(text), items=bind(items))

    (row,) = columns.fetch(query)

    assert row == {"text": text, "items": items}


def test_numbers_truth_and_times(columns: Columns) -> None:
    """Each kind arrives with its own type."""
    moment = datetime(2026, 11, 23, 9, 6, 36, 994006, tzinfo=UTC)

    (row,) = columns.fetch(
        compose("SELECT {a} AS a, {b} AS b, {c} AS c, {d} AS d", a=bind(-3), b=bind(2.5), c=bind(True), d=bind(moment))
    )

    assert (row["a"], row["b"], row["c"], parse_time(row["d"])) == (-3, 2.5, True, moment)


def test_equal_values_share_a_parameter_and_different_types_do_not() -> None:
    """Equal queries must be equal texts, or the engine's caches miss."""
    assert bind("x") == bind("x")
    assert bind("1").text != bind(1).text


def test_join_keeps_every_parameter() -> None:
    """Fragments can be put together in any number."""
    joined = join(" OR ", [compose("a = {v}", v=bind(value)) for value in ("x", "y")])

    assert joined.text.count(" OR ") == 1
    assert sorted(joined.params.values()) == ["x", "y"]
    assert join(" OR ", [], empty="0") == Sql("0")


@pytest.mark.parametrize("name", ["", "a b", "a`b", "1a", "a.b.c", "a;b"])
def test_identifiers_are_checked(name: str) -> None:
    """A name from outside cannot break out of its quotes."""
    with pytest.raises(ValueError, match="identifier"):
        identifier(name)
