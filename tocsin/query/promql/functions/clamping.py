"""`clamp`, `clamp_min`, `clamp_max`, and `max_of` and `min_of` of two scalars."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tocsin.query.promql.functions.base import Context, Function
from tocsin.query.promql.values import Scalar, Value, without_name


def clamp(context: Context) -> Value:
    """`clamp(v, min, max)`: empty where min > max; NaN limits make NaN."""
    vector, low, high = context.vector(), context.scalar(1), context.scalar(2)
    clamped = np.maximum(low, np.minimum(high, vector.values))
    return without_name(vector.with_values(clamped).only(np.broadcast_to(~(low > high), vector.present.shape)))


def clamp_min(context: Context) -> Value:
    """`clamp_min(v, min)`."""
    vector = context.vector()
    return without_name(vector.with_values(np.maximum(context.scalar(1), vector.values)))


def clamp_max(context: Context) -> Value:
    """`clamp_max(v, max)`."""
    vector = context.vector()
    return without_name(vector.with_values(np.minimum(context.scalar(1), vector.values)))


def max_of(context: Context) -> Value:
    """`max_of(a, b)`: the larger scalar."""
    return Scalar(np.maximum(context.scalar(0), context.scalar(1)))


def min_of(context: Context) -> Value:
    """`min_of(a, b)`: the smaller scalar."""
    return Scalar(np.minimum(context.scalar(0), context.scalar(1)))


FUNCTIONS: Mapping[str, Function] = {
    "clamp": clamp,
    "clamp_max": clamp_max,
    "clamp_min": clamp_min,
    "max_of": max_of,
    "min_of": min_of,
}
