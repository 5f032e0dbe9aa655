"""Change over a window: `rate`, `increase`, `delta` (extrapolated to the window's ends), `irate`, `idelta`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tocsin.query.promql.functions.base import Context, Function, from_windows, metric_names
from tocsin.query.promql.values import Booleans, Floats, Ranges, Value
from tocsin.query.promql.windows import at, sum_marked

_COUNTER_SUFFIXES = ("_total", "_sum", "_count", "_bucket")


def rate(context: Context) -> Value:
    """`rate(v)`: per second, counter resets added back."""
    return _extrapolated(context, counter=True, per_second=True)


def increase(context: Context) -> Value:
    """`increase(v)`: over the window, counter resets added back."""
    return _extrapolated(context, counter=True, per_second=False)


def delta(context: Context) -> Value:
    """`delta(v)`: last minus first."""
    return _extrapolated(context, counter=False, per_second=False)


def irate(context: Context) -> Value:
    """`irate(v)`: per second between the last two samples."""
    _check_counter(context)
    windows = context.ranges()
    with np.errstate(all="ignore"):
        last, before = at(windows.values, windows.high - 1), at(windows.values, windows.high - 2)
        change = np.where(last < before, last, last - before)
        seconds = (at(windows.times, windows.high - 1) - at(windows.times, windows.high - 2)) / 1000
        return from_windows(windows, change / seconds, windows.counts >= 2)


def idelta(context: Context) -> Value:
    """`idelta(v)`: the difference between the last two samples."""
    windows = context.ranges()
    change = at(windows.values, windows.high - 1) - at(windows.values, windows.high - 2)
    return from_windows(windows, change, windows.counts >= 2)


def _extrapolated(context: Context, *, counter: bool, per_second: bool) -> Value:
    if counter:
        _check_counter(context)
    windows = context.ranges()
    with np.errstate(all="ignore"):
        first, last = at(windows.values, windows.low), at(windows.values, windows.high - 1)
        change = last - first
        if counter:
            change = change + sum_marked(
                _shifted(windows.values), _reset(windows.values), windows.low + 1, windows.high
            )
        factor = _factor(windows, change, first, counter=counter)
        if per_second:
            factor = factor / ((windows.end - windows.start) / 1000)
        return from_windows(windows, change * factor, windows.counts >= 2)


def _factor(windows: Ranges, change: Floats, first: Floats, *, counter: bool) -> Floats:
    """By how much to stretch the change between the first and last sample to cover the whole window.

    A gap at an end that is longer than 1.1 average distances is taken for the series' own beginning or end, and only
    half a distance is added there. A counter is never extended to before it was 0.
    """
    first_time, last_time = at(windows.times, windows.low), at(windows.times, windows.high - 1)
    sampled = (last_time - first_time) / 1000
    average = sampled / (windows.counts - 1)
    before = (first_time - windows.start) / 1000
    after = (windows.end - last_time) / 1000
    limit = average * 1.1
    before = np.where(before >= limit, average / 2, before)
    if counter:
        to_zero = np.where((change > 0) & (first >= 0), sampled * (first / change), before)
        before = np.where(to_zero < before, to_zero, before)
    after = np.where(after >= limit, average / 2, after)
    factor: Floats = (sampled + before + after) / sampled
    return factor


def _shifted(values: Floats) -> Floats:
    return np.concatenate([values[:1], values[:-1]])


def _reset(values: Floats) -> Booleans:
    return np.concatenate([[False], values[1:] < values[:-1]])[: len(values)]


def _check_counter(context: Context) -> None:
    for name in sorted(metric_names(context.ranges())):
        if name and not name.endswith(_COUNTER_SUFFIXES):
            suffixes = "/".join(_COUNTER_SUFFIXES)
            context.notes.inform(f'metric might not be a counter, name does not end in {suffixes}: "{name}"')


FUNCTIONS: Mapping[str, Function] = {
    "delta": delta,
    "idelta": idelta,
    "increase": increase,
    "irate": irate,
    "rate": rate,
}
