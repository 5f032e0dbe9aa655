"""Aggregations to one number a group: `sum`, `avg`, `min`, `max`, `count`, `group`, `stddev`, `stdvar`, `quantile`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tocsin.query.promql.aggregations.base import Aggregator, Input
from tocsin.query.promql.quantiles import check_quantile, outside
from tocsin.query.promql.values import Floats, Vector


def sum_(given: Input) -> Vector:
    """`sum(v)`."""
    return given.answer(given.groups.reduce(np.add, given.values_or(0.0)))


def avg(given: Input) -> Vector:
    """`avg(v)`."""
    return given.answer(_mean(given))


def _mean(given: Input) -> Floats:
    counts = given.counts()
    total = given.groups.reduce(np.add, given.values_or(0.0))
    mean = total / counts
    overflown = np.isinf(total)
    if overflown.any():
        # The sum may be infinite where the mean is not.
        scaled = given.groups.reduce(np.add, given.values_or(0.0) / 1024) / counts * 1024
        mean = np.where(overflown, scaled, mean)
    return mean


def min_(given: Input) -> Vector:
    """`min(v)`: NaN only if there is nothing else."""
    return given.answer(given.groups.reduce(np.fmin, given.values_or(np.nan)))


def max_(given: Input) -> Vector:
    """`max(v)`: NaN only if there is nothing else."""
    return given.answer(given.groups.reduce(np.fmax, given.values_or(np.nan)))


def count(given: Input) -> Vector:
    """`count(v)`."""
    return given.answer(given.counts())


def group(given: Input) -> Vector:
    """`group(v)`: 1 for each group."""
    return given.answer(np.ones_like(given.counts()))


def stdvar(given: Input) -> Vector:
    """`stdvar(v)`: the population's variance."""
    return given.answer(_variance(given))


def stddev(given: Input) -> Vector:
    """`stddev(v)`: the population's standard deviation."""
    return given.answer(np.sqrt(_variance(given)))


def _variance(given: Input) -> Floats:
    deviation = given.vector.values - _mean(given)[given.groups.ids]
    squares = np.where(given.vector.present, deviation * deviation, 0.0)
    variance: Floats = given.groups.reduce(np.add, squares) / given.counts()
    return variance


def quantile(given: Input) -> Vector:
    """`quantile(φ, v)`."""
    wanted = given.number()
    check_quantile(wanted, given.notes)
    counts, values = given.counts(), given.vector.values
    group = np.broadcast_to(given.groups.ids[:, None], values.shape)
    # Sorted within each group and step: NaN first, what is absent last.
    order = np.lexsort((values, ~np.isnan(values), ~given.vector.present, group), axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    rank = np.clip(np.nan_to_num(wanted), 0, 1) * np.maximum(counts - 1, 0)
    lower = np.floor(rank).astype(np.int64)
    upper = np.minimum(lower + 1, np.maximum(counts.astype(np.int64) - 1, 0))
    first = given.groups.starts[:, None]
    below = np.take_along_axis(ordered, first + lower, axis=0)
    above = np.take_along_axis(ordered, first + upper, axis=0)
    found = below * (1 - (rank - lower)) + above * (rank - lower)
    return given.answer(outside(np.broadcast_to(wanted, found.shape), found))


AGGREGATIONS: Mapping[str, Aggregator] = {
    "avg": avg,
    "count": count,
    "group": group,
    "max": max_,
    "min": min_,
    "quantile": quantile,
    "stddev": stddev,
    "stdvar": stdvar,
    "sum": sum_,
}
