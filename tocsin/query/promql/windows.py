"""Arithmetic on many windows of flat arrays at once; a window is `low <= index < high`, and windows may overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tocsin.query.promql.values import Booleans, Floats, Integers

CHUNK = 4_000_000
"""Samples that are laid out at once where windows have to be copied; bounds the memory."""


def reduce_windows(ufunc: np.ufunc, values: Floats, low: Integers, high: Integers) -> Floats:
    """Reduce each window by `ufunc`; the result for an empty window means nothing. Shape as `low`."""
    if not values.size:
        return np.zeros(low.shape)
    # reduceat wants pairs of ends, and an index for the end of the last window.
    padded = np.append(values, values[-1])
    pairs = np.empty((low.size, 2), np.int64)
    pairs[:, 0], pairs[:, 1] = low.ravel(), high.ravel()
    reduced: Floats = ufunc.reduceat(padded, pairs.ravel())[::2]
    return reduced.reshape(low.shape)


def sum_windows(values: Floats, low: Integers, high: Integers) -> Floats:
    """The sum of each window; 0 for an empty one."""
    return np.where(high > low, reduce_windows(np.add, values, low, high), 0.0)


def sum_marked(values: Floats, marks: Booleans, low: Integers, high: Integers) -> Floats:
    """The sum of the marked values in each window; exact where there are none, and cheap where there are few."""
    where = np.nonzero(marks)[0]
    if not len(where):
        return np.zeros(low.shape)
    return sum_windows(values[where], np.searchsorted(where, low), np.searchsorted(where, np.maximum(low, high)))


def count_marked(marks: Booleans, low: Integers, high: Integers) -> Integers:
    """How many marks each window has."""
    total = np.concatenate([[0], np.cumsum(marks)])
    counted: Integers = total[np.maximum(high, low)] - total[low]
    return counted


def laid_out(low: Integers, high: Integers, compute: Callable[[Integers, Integers, Integers], Floats]) -> Floats:
    """Compute on copies of the windows' contents, a bounded number of samples at a time.

    Args:
        low: Any shape.
        high: The same shape.
        compute: Called with (`indices` of all samples of some windows behind each other, `starts` of the windows in
            them, `counts` of samples in each, none of them 0); returns one value a window.

    Returns:
        One value a window, in the shape of `low`; NaN for empty windows.
    """
    out = np.full(low.size, np.nan)
    flat_low, counts = low.ravel(), (high - low).ravel()
    chosen = np.nonzero(counts > 0)[0]
    for part in _parts(counts[chosen]):
        rows = chosen[part]
        count = counts[rows]
        starts = np.concatenate([[0], np.cumsum(count)[:-1]])
        indices = np.arange(int(count.sum())) + np.repeat(flat_low[rows] - starts, count)
        out[rows] = compute(indices, starts, count)
    return out.reshape(low.shape)


def _parts(counts: Integers) -> Iterator[slice]:
    total = np.cumsum(counts)
    begin, done = 0, 0
    while begin < len(counts):
        end = max(int(np.searchsorted(total, done + CHUNK, "right")), begin + 1)
        yield slice(begin, end)
        begin, done = end, int(total[end - 1])


def at(values: Any, index: Integers) -> Any:
    """`values[index]`, where indexes that no window has may lie outside."""
    if not values.size:
        return np.zeros(index.shape, values.dtype)
    return values[np.clip(index, 0, values.size - 1)]
