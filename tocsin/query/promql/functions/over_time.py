"""Aggregation of each window: `<aggregation>_over_time`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tocsin.query.promql.functions.base import Context, Function, from_windows, over_time
from tocsin.query.promql.quantiles import check_quantile, quantile_of_sorted
from tocsin.query.promql.values import Floats, Integers, Ranges, Value
from tocsin.query.promql.windows import at, laid_out, reduce_windows, sum_windows


def _sum(windows: Ranges) -> Floats:
    return sum_windows(windows.values, windows.low, windows.high)


def _mean(windows: Ranges) -> Floats:
    total = _sum(windows)
    mean = total / windows.counts
    overflown = np.isinf(total)
    if overflown.any():
        # The sum may be infinite where the mean is not.
        halved = sum_windows(windows.values / 1024, windows.low, windows.high) / windows.counts * 1024
        mean = np.where(overflown, halved, mean)
    return mean


def _variance(windows: Ranges) -> Floats:
    means = _mean(windows).ravel()
    rows = np.nonzero((windows.counts > 0).ravel())[0]
    seen = 0

    def compute(indices: Integers, starts: Integers, counts: Integers) -> Floats:
        nonlocal seen
        mean = means[rows[seen : seen + len(counts)]]
        seen += len(counts)
        deviation = windows.values[indices] - np.repeat(mean, counts)
        return np.add.reduceat(deviation * deviation, starts) / counts

    return laid_out(windows.low, windows.high, compute)


def _deviation(windows: Ranges) -> Floats:
    return np.sqrt(_variance(windows))


def _minimum(windows: Ranges) -> Floats:
    return reduce_windows(np.fmin, windows.values, windows.low, windows.high)


def _maximum(windows: Ranges) -> Floats:
    return reduce_windows(np.fmax, windows.values, windows.low, windows.high)


def _count(windows: Ranges) -> Floats:
    return windows.counts.astype(np.float64)


def _one(windows: Ranges) -> Floats:
    return np.ones(windows.counts.shape)


def last_over_time(context: Context) -> Value:
    """`last_over_time(v)`: the newest sample; the metric's name stays."""
    windows = context.ranges()
    return from_windows(windows, at(windows.values, windows.high - 1), windows.counts > 0, keep_name=True)


def first_over_time(context: Context) -> Value:
    """`first_over_time(v)`: the oldest sample; the metric's name stays."""
    windows = context.ranges()
    return from_windows(windows, at(windows.values, windows.low), windows.counts > 0, keep_name=True)


def _time_of_last(windows: Ranges) -> Floats:
    times: Floats = at(windows.times, windows.high - 1) / 1000
    return times


def _time_of_first(windows: Ranges) -> Floats:
    times: Floats = at(windows.times, windows.low) / 1000
    return times


def _time_of_extreme(windows: Ranges, extreme: Floats) -> Floats:
    wanted = extreme[windows.counts > 0]
    seen = 0

    def compute(indices: Integers, starts: Integers, counts: Integers) -> Floats:
        nonlocal seen
        target = np.repeat(wanted[seen : seen + len(counts)], counts)
        seen += len(counts)
        values = windows.values[indices]
        hit = (values == target) | (np.isnan(values) & np.isnan(target))
        return np.maximum.reduceat(np.where(hit, windows.times[indices], -np.inf), starts) / 1000

    return laid_out(windows.low, windows.high, compute)


def _time_of_minimum(windows: Ranges) -> Floats:
    return _time_of_extreme(windows, _minimum(windows))


def _time_of_maximum(windows: Ranges) -> Floats:
    return _time_of_extreme(windows, _maximum(windows))


def quantile_over_time(context: Context) -> Value:
    """`quantile_over_time(φ, v)`."""
    windows, wanted = context.ranges(1), context.scalar(0)
    check_quantile(wanted, context.notes)
    values = _quantile(windows, np.broadcast_to(wanted, windows.counts.shape), windows.values)
    return from_windows(windows, values, windows.counts > 0)


def _quantile(windows: Ranges, wanted: Floats, values: Floats) -> Floats:
    each = wanted[windows.counts > 0]
    seen = 0

    def compute(indices: Integers, starts: Integers, counts: Integers) -> Floats:
        nonlocal seen
        phi = each[seen : seen + len(counts)]
        seen += len(counts)
        found = values[indices]
        window = np.repeat(np.arange(len(counts)), counts)
        # NaN is smaller than everything, as in Prometheus.
        order = np.lexsort((found, ~np.isnan(found), window))
        return quantile_of_sorted(phi, found[order], starts, counts)

    return laid_out(windows.low, windows.high, compute)


def _median_deviation(windows: Ranges) -> Floats:
    medians = _quantile(windows, np.full(windows.counts.shape, 0.5), windows.values)[windows.counts > 0]
    seen = 0

    def compute(indices: Integers, starts: Integers, counts: Integers) -> Floats:
        nonlocal seen
        median = np.repeat(medians[seen : seen + len(counts)], counts)
        seen += len(counts)
        deviation = np.abs(windows.values[indices] - median)
        order = np.lexsort((deviation, ~np.isnan(deviation), np.repeat(np.arange(len(counts)), counts)))
        return quantile_of_sorted(np.full(len(counts), 0.5), deviation[order], starts, counts)

    return laid_out(windows.low, windows.high, compute)


FUNCTIONS: Mapping[str, Function] = {
    "avg_over_time": over_time(_mean),
    "count_over_time": over_time(_count),
    "first_over_time": first_over_time,
    "last_over_time": last_over_time,
    "mad_over_time": over_time(_median_deviation),
    "max_over_time": over_time(_maximum),
    "min_over_time": over_time(_minimum),
    "present_over_time": over_time(_one),
    "quantile_over_time": quantile_over_time,
    "stddev_over_time": over_time(_deviation),
    "stdvar_over_time": over_time(_variance),
    "sum_over_time": over_time(_sum),
    "ts_of_first_over_time": over_time(_time_of_first),
    "ts_of_last_over_time": over_time(_time_of_last),
    "ts_of_max_over_time": over_time(_time_of_maximum),
    "ts_of_min_over_time": over_time(_time_of_minimum),
}
