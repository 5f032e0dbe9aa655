"""Samples out of the real tables: chosen by the engine, exact to the bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import orjson
import pytest

from tocsin.model.errors import BudgetExceeded
from tocsin.model.matchers import Matcher, parse_matchers
from tocsin.query.promql import instant_query
from tocsin.query.promql.source import STALE_BITS
from tocsin.query.promql.stored import StoredSource
from tocsin.store.base import Columns

_HOUR = 3_600_000


@dataclass
class _Filled:
    columns: Columns
    ids: int = 0

    def add(self, labels: Mapping[str, str], samples: Mapping[int, float | int]) -> None:
        """Store a series; samples are milliseconds to a value, an int being the value's bits."""
        self.ids += 1
        series = {
            "name": labels["__name__"],
            "id": self.ids,
            "labels": labels,
            "first_seen": min(samples) // _HOUR * 3600,
            "last_seen": max(samples) // _HOUR * 3600 + 3600,
        }
        self.columns.insert("series", list(series), "JSONEachRow", orjson.dumps(series))
        rows = np.zeros(len(samples), [("id", "<u8"), ("time", "<i8"), ("value", "<u8")])
        rows["id"], rows["time"] = self.ids, list(samples)
        rows["value"] = [v if isinstance(v, int) else int(np.float64(v).view(np.uint64)) for v in samples.values()]
        self.columns.insert("samples", ["id", "time", "value"], "RowBinary", rows.tobytes())


@pytest.fixture
def filled(columns: Columns) -> _Filled:
    return _Filled(columns)


def test_a_range_has_an_open_start_and_a_closed_end(filled: _Filled) -> None:
    """As Prometheus 3."""
    filled.add({"__name__": "up", "job": "a"}, {1000: 1.0, 2000: 2.0, 3000: 3.0})

    found = StoredSource(filled.columns).select(parse_matchers('__name__="up"'), 1000, 3000)

    assert found.labels == [{"__name__": "up", "job": "a"}]
    assert found.times.tolist() == [2000, 3000]
    assert found.values.tolist() == [2.0, 3.0]
    assert found.offsets.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("matchers", "jobs"),
    [
        ('__name__="up", job="a"', {"a"}),
        ('__name__="up", job!="a"', {"b\n", ""}),
        ('__name__=~"u.|down", job=~"a|b."', {"a", "b\n"}),
        ('__name__=~"u"', set()),
        ('__name__="up", job!~"a"', {"b\n", ""}),
        ('__name__="up", job=""', {""}),
        ('__name__="up", job="\'; DROP TABLE series"', set()),
    ],
)
def test_matchers_choose_series(filled: _Filled, matchers: str, jobs: set[str]) -> None:
    """All four operators; a missing label counts as empty, a dot matches line ends."""
    for job in ("a", "b\n", ""):
        filled.add({"__name__": "up"} | ({"job": job} if job else {}), {1000: 1.0})

    found = StoredSource(filled.columns).select(parse_matchers(matchers), 0, 5000)

    assert {labels.get("job", "") for labels in found.labels} == jobs


def test_values_keep_every_bit(filled: _Filled) -> None:
    """Zeros, infinities, staleness markers and other NaNs are not the same."""
    bits = [0, 1 << 63, STALE_BITS, 0x7FF8000000000001, 0x7FF0000000000000, 0x3FF0000000000000, 0x0100000000000000]
    filled.add({"__name__": "x"}, {1000 * (index + 1): value for index, value in enumerate(bits)})

    found = StoredSource(filled.columns).select(parse_matchers('__name__="x"'), 0, 10_000)

    assert found.values.view(np.uint64).tolist() == bits


@pytest.mark.parametrize("start", [-_HOUR, 0, 1_700_000_000_000 - 40 * 24 * _HOUR])
def test_times_are_exact_whatever_the_span(filled: _Filled, start: int) -> None:
    """Short and long ranges, 1970 and today."""
    filled.add({"__name__": "x"}, {4000: 1.0, 1_700_000_000_123: 2.0})

    found = StoredSource(filled.columns).select((Matcher("__name__", "=", "x"),), start, 1_700_000_000_123)

    assert found.times.tolist()[-1] == 1_700_000_000_123
    assert (4000 in found.times.tolist()) == (start <= 0)


def test_repeated_samples_count_once(filled: _Filled) -> None:
    """Until merges fold them, both are there."""
    filled.add({"__name__": "x_total"}, {15_000 * step: float(step) for step in range(20)})
    filled.ids -= 1
    filled.add({"__name__": "x_total"}, {15_000 * step: float(step) for step in range(10, 20)})

    result = instant_query("count_over_time(x_total[1h])", StoredSource(filled.columns), 300_000)

    assert result.value.values.tolist() == [[20.0]]  # type: ignore[union-attr]


def test_too_many_samples_are_refused(filled: _Filled) -> None:
    """A greedy query fails with a sentence, and the server lives."""
    filled.add({"__name__": "x"}, {1000 * step: 1.0 for step in range(1, 12)})

    with pytest.raises(BudgetExceeded, match="more than 10 samples"):
        StoredSource(filled.columns, samples=10).select(parse_matchers('__name__="x"'), 0, 60_000)
