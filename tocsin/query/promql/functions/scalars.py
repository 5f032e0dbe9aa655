"""Between scalars, vectors and time: `scalar`, `vector`, `time`, `timestamp`, and the query's own times."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tocsin.query.promql.functions.base import Context, Function
from tocsin.query.promql.values import Scalar, Value, Vector, without_name


def scalar(context: Context) -> Value:
    """`scalar(v)`: the value of the only element; NaN if there is not exactly one."""
    vector = context.vector()
    one = vector.present.sum(axis=0) == 1
    total = np.where(vector.present, vector.values, 0.0).sum(axis=0)
    return Scalar(np.where(one, total, np.nan))


def vector(context: Context) -> Value:
    """`vector(s)`: one element without labels."""
    values = context.scalar(0)
    return Vector([{}], values[None, :], np.ones((1, context.steps), bool))


def time(context: Context) -> Value:
    """`time()`: the evaluation time in seconds."""
    return Scalar(context.at / 1000)


def timestamp(context: Context) -> Value:
    """`timestamp(v)`: when the samples were taken; of anything computed, the evaluation time."""
    instant = context.vector()
    times = context.at[None, :] if context.times is None else context.times
    return without_name(instant.with_values(np.broadcast_to(times / 1000, instant.values.shape)))


def start(context: Context) -> Value:
    """`start()`: the query's first step in seconds."""
    return Scalar(np.full(context.steps, context.frame.start / 1000))


def end(context: Context) -> Value:
    """`end()`: the query's end in seconds."""
    return Scalar(np.full(context.steps, context.frame.end / 1000))


def step(context: Context) -> Value:
    """`step()`: the query's step in seconds; 0 for an instant query."""
    return Scalar(np.full(context.steps, context.frame.step / 1000))


def range_(context: Context) -> Value:
    """`range()`: `end() - start()`."""
    return Scalar(np.full(context.steps, (context.frame.end - context.frame.start) / 1000))


FUNCTIONS: Mapping[str, Function] = {
    "end": end,
    "range": range_,
    "scalar": scalar,
    "start": start,
    "step": step,
    "time": time,
    "timestamp": timestamp,
    "vector": vector,
}
