"""Samples to values: lookback and staleness for instant vectors, left-open windows for range vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tocsin.model.labels import Labels
from tocsin.query.promql.source import STALE_BITS, Selected
from tocsin.query.promql.values import Booleans, Floats, Integers, Ranges, Vector


@dataclass(frozen=True, slots=True)
class Instant:
    """An instant vector, and the times of its samples in milliseconds, (series, steps)."""

    vector: Vector
    times: Integers


def stale(values: Floats) -> Booleans:
    """Which values are staleness markers."""
    marks: Booleans = values.view(np.uint64) == STALE_BITS
    return marks


def instant(selected: Selected, at: Integers, lookback: int) -> Instant:
    """The latest sample of each series in `at - lookback < time <= at`, unless it is a staleness marker.

    Args:
        selected: The samples.
        at: (steps); milliseconds.
        lookback: Milliseconds.
    """
    times, values = selected.times, selected.values
    if not len(times):
        shape = (len(selected.labels), len(at))
        return Instant(_seen(selected.labels, np.zeros(shape), np.zeros(shape, bool)), np.zeros(shape, np.int64))
    last = positions(selected, at) - 1
    index = np.maximum(last, 0)
    found = times[index]
    present = (last >= selected.offsets[:-1, None]) & (found > at - lookback) & ~stale(values)[index]
    kept = np.nonzero(present.any(axis=1))[0]
    vector = Vector(selected.labels, values[index], present).take(kept)
    return Instant(vector, found[kept])


def _seen(labels: Sequence[Labels], values: Floats, present: Booleans) -> Vector:
    return Vector(labels, values, present).take(np.empty(0, np.int64))


def ranges(selected: Selected, start: Integers, end: Integers) -> Ranges:
    """The samples of each series in `start < time <= end`, without staleness markers.

    Args:
        selected: The samples.
        start: (steps); milliseconds.
        end: (steps); milliseconds.
    """
    selected = without_stale(selected)
    low, high = positions(selected, start), positions(selected, end)
    return Ranges(selected.labels, selected.times, selected.values, low, np.maximum(low, high), start, end)


def without_stale(selected: Selected) -> Selected:
    """Drop staleness markers."""
    marks = stale(selected.values)
    if not marks.any():
        return selected
    before = np.concatenate([[0], np.cumsum(~marks)])
    return Selected(selected.labels, before[selected.offsets], selected.times[~marks], selected.values[~marks])


def positions(selected: Selected, at: Integers) -> Integers:
    """(series, steps): the index after the last sample of each series whose time is not after `at`."""
    times, offsets = selected.times, selected.offsets
    series = len(selected.labels)
    if not len(times):
        return np.zeros((series, len(at)), np.int64)
    # One sorted key for all series: each has its own span of times.
    first, last = int(times.min()), int(times.max())
    span = last - first + 2
    spans = np.arange(series, dtype=np.int64) * span
    keys = times - first + 1 + np.repeat(spans, np.diff(offsets))
    wanted = np.clip(at - first + 1, 0, span - 1)
    found: Integers = np.searchsorted(keys, spans[:, None] + wanted, "right")
    return found


def of_subquery(vector: Vector, steps: Integers, start: Integers, end: Integers) -> Ranges:
    """Range vectors made of the results of a subquery's inside.

    Args:
        vector: What the inside evaluated to.
        steps: Milliseconds of its steps.
        start: (steps of the query); milliseconds.
        end: The same.
    """
    rows, columns = np.nonzero(vector.present)
    offsets = np.searchsorted(rows, np.arange(len(vector.labels) + 1)).astype(np.int64)
    return ranges(Selected(vector.labels, offsets, steps[columns], vector.values[rows, columns]), start, end)
