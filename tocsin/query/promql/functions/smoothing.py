"""`double_exponential_smoothing`: Holt's linear method over each window."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tocsin.query.promql.functions.base import Context, Function, from_windows
from tocsin.query.promql.syntax import QueryError
from tocsin.query.promql.values import Floats, Ranges, Value, number_text


def double_exponential_smoothing(context: Context) -> Value:
    """`double_exponential_smoothing(v, sf, tf)`; both factors between 0 and 1."""
    windows = context.ranges()
    smoothing, trend = context.scalar(1), context.scalar(2)
    for name, factor in (("smoothing", smoothing), ("trend", trend)):
        bad = factor[~((factor > 0) & (factor < 1))]
        if len(bad):
            raise QueryError(f"invalid {name} factor: expected 0 < factor < 1, got {number_text(float(bad[0]))}")
    with np.errstate(all="ignore"):
        return from_windows(windows, _smoothed(windows, smoothing, trend), windows.counts >= 2)


def _smoothed(windows: Ranges, smoothing: Floats, trend: Floats) -> Floats:
    """All windows advance together, one sample each a turn: the method is recursive within a window."""
    counts, shape = windows.counts, windows.counts.shape
    out = np.full(shape, np.nan)
    rows = np.nonzero((counts >= 2).ravel())[0]
    if not len(rows):
        return out
    low, count = windows.low.ravel()[rows], counts.ravel()[rows]
    sf = np.broadcast_to(smoothing, shape).ravel()[rows]
    tf = np.broadcast_to(trend, shape).ravel()[rows]
    level = windows.values[low]
    slope = windows.values[low + 1] - windows.values[low]
    previous = np.zeros(len(rows))
    for turn in range(1, int(count.max())):
        active = count > turn
        value = windows.values[np.minimum(low + turn, len(windows.values) - 1)]
        if turn > 1:
            slope = np.where(active, tf * (level - previous) + (1 - tf) * slope, slope)
        smoothed = sf * value + (1 - sf) * (level + slope)
        previous = np.where(active, level, previous)
        level = np.where(active, smoothed, level)
    out.ravel()[rows] = level
    return out


FUNCTIONS: Mapping[str, Function] = {"double_exponential_smoothing": double_exponential_smoothing}
