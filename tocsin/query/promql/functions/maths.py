"""Functions of one number: rounding, roots, logarithms, trigonometry."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tocsin.query.promql.functions.base import Context, Function, elementwise
from tocsin.query.promql.values import Floats, Scalar, Value, without_name

_ELEMENTWISE: Mapping[str, Callable[[Floats], Floats]] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "ceil": np.ceil,
    "cos": np.cos,
    "cosh": np.cosh,
    "deg": np.degrees,
    "exp": np.exp,
    "floor": np.floor,
    "ln": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "rad": np.radians,
    "sgn": np.sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}


def round_(context: Context) -> Value:
    """`round(v, to_nearest=1)`: to the nearest multiple, ties upwards."""
    vector = context.vector()
    nearest = context.scalar(1) if len(context.values) > 1 else np.ones(context.steps)
    with np.errstate(all="ignore"):
        # Multiplying by the inverse, as Prometheus does, keeps 0.1 and the like exact.
        inverse = 1.0 / nearest
        return without_name(vector.with_values(np.floor(vector.values * inverse + 0.5) / inverse))


def pi(context: Context) -> Value:
    """`pi()`."""
    return Scalar(np.full(context.steps, np.pi))


FUNCTIONS: Mapping[str, Function] = {
    **{name: elementwise(compute) for name, compute in _ELEMENTWISE.items()},
    "round": round_,
    "pi": pi,
}
