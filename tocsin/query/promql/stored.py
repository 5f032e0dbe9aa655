"""Samples from the tables `series` and `samples`: the engine chooses, and hands each series over as packed bytes."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from tocsin.model.errors import BudgetExceeded
from tocsin.model.matchers import Matcher
from tocsin.query.promql.source import Selected, arranged
from tocsin.query.promql.values import NAME, Floats, Integers
from tocsin.store.base import DEFAULT_BUDGET, Budget, Columns
from tocsin.store.sql import Sql, bind, compose, join

_SERIES = """
SELECT id, any(labels) AS pairs FROM series WHERE {chosen} GROUP BY id
"""

# Packed bytes instead of JSON numbers: exact to the bit (staleness markers), and no object is made for a sample. The
# engine trims zero bytes from the end of each piece, so no piece may end in one: times have their highest bit set, and
# 0 (with it all below 1e-305) travels as a NaN that nobody else uses.
_SAMPLES = """
SELECT
    id,
    base64Encode(groupConcat(reinterpretAsFixedString(
        {pack}(toUnixTimestamp64Milli(time) - {start}) + {mark}
    ))) AS times,
    base64Encode(groupConcat(reinterpretAsFixedString(
        if(reinterpretAsUInt64(value) < 72057594037927936, {zero}, reinterpretAsUInt64(value))
    ))) AS packed
FROM (
    SELECT id, time, value FROM samples
    WHERE id IN (SELECT id FROM series WHERE {chosen})
        AND time > fromUnixTimestamp64Milli({start}) AND time <= fromUnixTimestamp64Milli({end})
    LIMIT {limit}
)
GROUP BY id
"""

_ZERO = 0x7FF8_0000_5A45_524F

# What DateTime64(3) can hold: the years 1900 to 2299.
_FIRST, _LAST = -2_208_988_800_000, 10_413_791_999_000


class StoredSource:
    """A SampleSource over the columnar store.

    Args:
        columns: The store.
        samples: How many one selector may load.
        budget: What one statement may use.
    """

    def __init__(self, columns: Columns, samples: int = 50_000_000, budget: Budget = DEFAULT_BUDGET) -> None:
        self._columns = columns
        self._samples = samples
        self._budget = budget

    def select(self, matchers: Sequence[Matcher], start: int, end: int) -> Selected:
        """See `SampleSource.select`."""
        start, end = min(max(start, _FIRST), _LAST), min(max(end, _FIRST), _LAST)
        chosen = series_condition(matchers, start, end)
        kind, mark = ("UInt32", 1 << 31) if end - start < 1 << 31 else ("UInt64", 1 << 63)
        rows = self._columns.fetch(
            compose(
                _SAMPLES,
                chosen=chosen,
                start=bind(start, "Int64"),
                end=bind(end, "Int64"),
                limit=bind(self._samples + 1, "UInt64"),
                pack=Sql(f"to{kind}"),
                mark=bind(mark, kind),
                zero=bind(_ZERO, "UInt64"),
            ),
            self._budget,
        )
        if not rows:
            return arranged([], np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        labels = {row["id"]: row["pairs"] for row in self._columns.fetch(compose(_SERIES, chosen=chosen), self._budget)}
        times, values, series = _unpacked(rows, "<u4" if kind == "UInt32" else "<u8", mark)
        if len(values) > self._samples:
            raise BudgetExceeded(
                f"a selector loads more than {self._samples} samples: select fewer series or a shorter time"
            )
        return arranged([labels[row["id"]] for row in rows], series, times + start, values)


def _unpacked(rows: Sequence[Any], kind: str, mark: int) -> tuple[Integers, Floats, Integers]:
    """Times since the start, values, and the row of each sample."""
    blobs = [base64.b64decode(row["packed"]) for row in rows]
    bits = np.frombuffer(b"".join(blobs), "<u8")
    values = np.where(bits == _ZERO, 0, bits).astype("<u8").view(np.float64)
    packed = np.frombuffer(b"".join(base64.b64decode(row["times"]) for row in rows), kind)
    times = (packed - np.array(mark, kind)).astype(np.int64)
    counts = np.array([len(blob) // 8 for blob in blobs], np.int64)
    return times, values, np.repeat(np.arange(len(rows)), counts)


def series_condition(matchers: Sequence[Matcher], start: int, end: int) -> Sql:
    """The rows of `series` that fulfil every matcher and may have samples in `start < time <= end`."""
    seen = compose(
        "last_seen > fromUnixTimestamp64Milli({start}) AND first_seen <= fromUnixTimestamp64Milli({end})",
        start=bind(start, "Int64"),
        end=bind(end, "Int64"),
    )
    return join(" AND ", [*(_condition(matcher) for matcher in matchers), seen])


def _condition(matcher: Matcher) -> Sql:
    label = Sql("name") if matcher.name == NAME else compose("labels[{name}]", name=bind(matcher.name))
    if matcher.op in ("=", "!="):
        return compose(f"{{label}} {matcher.op} {{value}}", label=label, value=bind(matcher.value))
    found = compose("match({label}, {pattern})", label=label, pattern=bind(f"^(?s:{matcher.value})$"))
    return found if matcher.op == "=~" else compose("NOT {found}", found=found)
