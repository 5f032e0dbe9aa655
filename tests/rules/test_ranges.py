"""How far the next evaluation goes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.rules.support import T0, put
from tocsin.rules.ranges import Range, committed
from tocsin.store.base import Columns
from tocsin.store.sql import compose


def record(columns: Columns, batches: Mapping[str, list[int]]) -> None:
    """Store a row of `batches` for each batch: per writer, the number of its events."""
    for writer, sizes in batches.items():
        for number, rows in enumerate(sizes, 1):
            put(columns, number, [{"rows": {"audit": rows}}], writer=writer, table="batches")


@pytest.mark.parametrize(
    ("after", "rows", "upto"),
    [
        ({}, 1000, {"a": 4, "b": 2}),
        ({"a": 4}, 1000, {"b": 2}),
        ({"a": 4, "b": 2}, 1000, {}),
        ({"a": 3, "b": 2}, 1000, {"a": 4}),
        ({"b": 2}, 25, {"a": 2}),
        ({"b": 2}, 1, {"a": 1}),
    ],
)
def test_it_goes_over_about_so_many_rows(
    columns: Columns, after: dict[str, int], rows: int, upto: dict[str, int]
) -> None:
    record(columns, {"a": [10, 10, 10, 10], "b": [5, 5]})
    assert committed(columns, after, rows) == upto


def test_a_batch_without_rows_counts_as_one_seen(columns: Columns) -> None:
    record(columns, {"a": [0, 0]})
    assert committed(columns, {}, 100) == {"a": 2}


@pytest.mark.parametrize(
    ("after", "upto", "holds"),
    [
        ({}, {"a": 1}, True),
        ({"a": 1}, {"a": 1}, False),
        ({"a": 2}, {"a": 1}, False),
        ({"a": 9}, {"b": 1}, True),
        ({}, {}, False),
    ],
)
def test_whether_there_is_anything_in_it(after: dict[str, int], upto: dict[str, int], holds: bool) -> None:
    assert bool(Range(after, upto)) == holds


def test_the_condition_takes_each_writers_batches(columns: Columns) -> None:
    for writer, last in (("a", 3), ("b'", 2)):
        for batch in range(1, last + 1):
            put(columns, batch, [{"time": T0, "audit_id": f"{writer}{batch}"}], writer=writer)
    condition = Range({"a": 1}, {"a": 2, "b'": 9}).condition()
    rows = columns.fetch(compose("SELECT audit_id FROM audit WHERE {c} ORDER BY audit_id", c=condition))
    assert [row["audit_id"] for row in rows] == ["a2", "b'1", "b'2"]
    none = compose("SELECT count() AS n FROM audit WHERE {c}", c=Range({"a": 9}, {"a": 9}).condition())
    assert columns.fetch(none) == [{"n": 0}]
