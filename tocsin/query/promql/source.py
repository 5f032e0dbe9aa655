"""Where samples come from: a small Protocol, and the form in which they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tocsin.model.labels import Labels
from tocsin.model.matchers import Matcher
from tocsin.query.promql.values import Floats, Integers

STALE_BITS = 0x7FF0000000000002
"""The NaN that says: from here on the series has no samples."""


@dataclass(frozen=True, slots=True)
class Selected:
    """Samples of several series, behind each other.

    Attributes:
        labels: One label set a series, the metric's name as `__name__`; no empty values.
        offsets: One more than series; the samples of series i are `offsets[i]:offsets[i+1]`.
        times: Milliseconds since 1970, ascending within a series, no two equal.
        values: As long as `times`; staleness markers included, bit for bit.
    """

    labels: Sequence[Labels]
    offsets: Integers
    times: Integers
    values: Floats


class SampleSource(Protocol):
    """Where a query's samples come from."""

    def select(self, matchers: Sequence[Matcher], start: int, end: int) -> Selected:
        """Return the samples of all series that fulfil every matcher, in `start < time <= end` (milliseconds).

        Series without a sample in that time may be left out.

        Raises:
            BudgetExceeded: There are more samples than a query may load.
        """
        ...


def arranged(labels: Sequence[Labels], series: Integers, times: Integers, values: Floats) -> Selected:
    """Make a `Selected` of samples in any order; of several at the same time in one series the last one counts.

    Args:
        labels: One label set a series.
        series: The index into `labels` of each sample.
        times: Milliseconds.
        values: As long as `times`.
    """
    if len(times) and not _ascending(series, times):
        # One key, and a sort that is quick where long runs are in order already, as the engine sends them.
        order = np.argsort(series * (int(times.max()) - int(times.min()) + 1) + (times - times.min()), kind="stable")
        series, times, values = series[order], times[order], values[order]
        last = np.ones(len(times), bool)
        last[:-1] = (series[1:] != series[:-1]) | (times[1:] != times[:-1])
        series, times, values = series[last], times[last], values[last]
    offsets = np.searchsorted(series, np.arange(len(labels) + 1))
    return Selected(labels, offsets.astype(np.int64), times, values)


def _ascending(series: Integers, times: Integers) -> bool:
    same = series[1:] == series[:-1]
    return bool(np.all((series[1:] > series[:-1]) | (same & (times[1:] > times[:-1]))))
