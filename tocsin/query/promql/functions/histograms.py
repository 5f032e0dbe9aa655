"""Classic histograms: `histogram_quantile` and `histogram_fraction` over the counts of `le` buckets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tocsin.model.labels import Labels
from tocsin.query.promql.functions.base import Context, Function, Notes
from tocsin.query.promql.quantiles import check_quantile, outside
from tocsin.query.promql.values import NAME, Floats, Integers, LabelKey, Value, Vector, empty, key, without_name

_TOLERANCE = 1e-12
"""Relative difference of neighbouring buckets that is taken for an error of floating point."""

_Estimate: TypeAlias = Callable[[Floats, Floats, Integers], Floats]


@dataclass(slots=True)
class _Histogram:
    labels: Labels
    bounds: list[float]
    rows: list[int]


def histogram_quantile(context: Context) -> Value:
    """`histogram_quantile(φ, b)`."""
    wanted = context.scalar(0)
    check_quantile(wanted, context.notes)

    def estimate(bounds: Floats, counts: Floats, columns: Integers) -> Floats:
        phi = wanted[columns]
        return outside(phi, _quantile(np.clip(np.nan_to_num(phi), 0, 1), bounds, counts))

    return _estimated(context.vector(1), context.notes, "histogram_quantile", estimate)


def histogram_fraction(context: Context) -> Value:
    """`histogram_fraction(lower, upper, b)`."""
    lower, upper = context.scalar(0), context.scalar(1)

    def estimate(bounds: Floats, counts: Floats, columns: Integers) -> Floats:
        low, high = lower[columns], upper[columns]
        share = (_rank_at(high, bounds, counts) - _rank_at(low, bounds, counts)) / counts[-1]
        share = np.where(low >= high, 0.0, share)
        return np.where(np.isnan(low) | np.isnan(high) | (counts[-1] == 0), np.nan, share)

    return _estimated(context.vector(2), context.notes, "histogram_fraction", estimate)


def _estimated(buckets: Vector, notes: Notes, function: str, estimate: _Estimate) -> Value:
    histograms = _histograms(buckets, notes)
    steps = buckets.values.shape[1]
    if not histograms:
        return empty(steps)
    values = np.full((len(histograms), steps), np.nan)
    present = np.zeros((len(histograms), steps), bool)
    fixed = False
    for index, histogram in enumerate(histograms):
        order = np.argsort(histogram.bounds, kind="stable")
        bounds, rows = np.array(histogram.bounds)[order], np.array(histogram.rows)[order]
        seen = buckets.present[rows]
        present[index] = seen.any(axis=0)
        # Steps at which the same buckets are there are computed together; nearly always that is all of them.
        patterns, which = np.unique(seen, axis=1, return_inverse=True)
        for number in range(patterns.shape[1]):
            columns = np.nonzero(which.ravel() == number)[0]
            chosen = patterns[:, number]
            if chosen.any():
                counts = buckets.values[rows[chosen]][:, columns]
                found, repaired = _one(bounds[chosen], counts, columns, estimate)
                values[index, columns] = found
                fixed = fixed or repaired
    if fixed:
        notes.inform(f"input to {function} needed to be fixed for monotonicity")
    return without_name(Vector([h.labels for h in histograms], values, present))


def _histograms(buckets: Vector, notes: Notes) -> list[_Histogram]:
    found: dict[LabelKey, _Histogram] = {}
    for row, labels in enumerate(buckets.labels):
        try:
            bound = float(labels.get("le", ""))
        except ValueError:
            le, name = labels.get("le", ""), labels.get(NAME, "")
            notes.warn(f'bucket label "le" is missing or has a malformed value of "{le}" for metric name "{name}"')
            continue
        rest = {name: value for name, value in labels.items() if name != "le"}
        histogram = found.setdefault(key(rest), _Histogram(rest, [], []))
        histogram.bounds.append(bound)
        histogram.rows.append(row)
    return list(found.values())


def _one(bounds: Floats, counts: Floats, columns: Integers, estimate: _Estimate) -> tuple[Floats, bool]:
    """Estimate from one histogram's buckets, (buckets, steps); says whether counts had to be repaired."""
    bounds, first = np.unique(bounds, return_index=True)
    counts = np.add.reduceat(counts, first, axis=0)
    if len(bounds) < 2 or bounds[-1] != np.inf:
        return np.full(counts.shape[1], np.nan), False
    repaired = False
    counts = counts.copy()
    for row in range(1, len(bounds)):
        before, here = counts[row - 1], counts[row]
        close = np.abs(here - before) <= _TOLERANCE * (np.abs(here) + np.abs(before))
        repaired = repaired or bool(((here < before) & ~close).any())
        counts[row] = np.where(close | (here < before), before, here)
    with np.errstate(all="ignore"):
        return estimate(bounds, counts, columns), repaired


def _quantile(phi: Floats, bounds: Floats, counts: Floats) -> Floats:
    total = counts[-1]
    rank = phi * total
    # The first bucket whose count reaches the rank; the last one is what remains.
    bucket = (counts[:-1] < rank).sum(axis=0)
    last = bucket == len(bounds) - 1
    inside = np.minimum(bucket, len(bounds) - 2)
    columns = np.arange(counts.shape[1])
    below = np.where(inside > 0, counts[np.maximum(inside - 1, 0), columns], 0.0)
    start = np.where(inside > 0, bounds[np.maximum(inside - 1, 0)], 0.0)
    end = bounds[inside]
    share = (rank - below) / (counts[inside, columns] - below)
    found = start + (end - start) * share
    found = np.where((inside == 0) & (end <= 0), end, found)
    found = np.where(last, bounds[-2], found)
    return np.where((total == 0) | np.isnan(total), np.nan, found)


def _rank_at(value: Floats, bounds: Floats, counts: Floats) -> Floats:
    """How many observations are at most `value`, interpolated within its bucket."""
    bucket = np.minimum(np.searchsorted(bounds, value), len(bounds) - 1)
    columns = np.arange(counts.shape[1])
    below = np.where(bucket > 0, counts[np.maximum(bucket - 1, 0), columns], 0.0)
    lowest = 0.0 if bounds[0] > 0 else -np.inf
    start = np.where(bucket > 0, bounds[np.maximum(bucket - 1, 0)], lowest)
    end, here = bounds[bucket], counts[bucket, columns]
    rank = below + (here - below) * (value - start) / (end - start)
    rank = np.where(value == end, here, np.where(np.isinf(start) | np.isinf(end), below, rank))
    return np.where(value <= start, below, rank)


FUNCTIONS: Mapping[str, Function] = {
    "histogram_fraction": histogram_fraction,
    "histogram_quantile": histogram_quantile,
}
