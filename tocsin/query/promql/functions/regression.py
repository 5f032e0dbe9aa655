"""Straight lines through a window's samples by least squares: `deriv` and `predict_linear`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tocsin.query.promql.functions.base import Context, Function, from_windows
from tocsin.query.promql.values import Floats, Integers, Ranges, Value
from tocsin.query.promql.windows import at, laid_out


def deriv(context: Context) -> Value:
    """`deriv(v)`: the slope per second."""
    windows = context.ranges()
    slope, _ = _line(windows, at(windows.times, windows.low))
    return from_windows(windows, slope, windows.counts >= 2)


def predict_linear(context: Context) -> Value:
    """`predict_linear(v, t)`: where the line is `t` seconds after the evaluation time."""
    windows = context.ranges()
    slope, intercept = _line(windows, np.broadcast_to(context.at, windows.low.shape))
    with np.errstate(all="ignore"):
        return from_windows(windows, intercept + slope * context.scalar(1), windows.counts >= 2)


def _line(windows: Ranges, origin: Integers) -> tuple[Floats, Floats]:
    """Slope per second, and the value at `origin` (milliseconds), of each window."""
    used = windows.counts > 0
    origins = origin[used]
    intercepts: list[Floats] = []
    seen = 0

    def compute(indices: Integers, starts: Integers, counts: Integers) -> Floats:
        nonlocal seen
        zero = origins[seen : seen + len(counts)]
        seen += len(counts)
        x = (windows.times[indices] - np.repeat(zero, counts)) / 1000
        slope, intercept = _fit(x, windows.values[indices], starts, counts)
        intercepts.append(intercept)
        return slope

    with np.errstate(all="ignore"):
        slope = laid_out(windows.low, windows.high, compute)
    intercept = np.full(used.shape, np.nan)
    if intercepts:
        intercept[used] = np.concatenate(intercepts)
    return slope, intercept


def _fit(x: Floats, y: Floats, starts: Integers, counts: Integers) -> tuple[Floats, Floats]:
    # Around the means, so that times far from 0 lose no digits.
    mean_x = np.add.reduceat(x, starts) / counts
    mean_y = np.add.reduceat(y, starts) / counts
    dx = x - np.repeat(mean_x, counts)
    slope = np.add.reduceat(dx * (y - np.repeat(mean_y, counts)), starts) / np.add.reduceat(dx * dx, starts)
    level = np.minimum.reduceat(y, starts) == np.maximum.reduceat(y, starts)
    slope = np.where(level & np.isfinite(mean_y), 0.0, slope)
    return slope, np.where(level, y[starts], mean_y - slope * mean_x)


FUNCTIONS: Mapping[str, Function] = {"deriv": deriv, "predict_linear": predict_linear}
