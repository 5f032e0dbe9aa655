"""The arithmetic, trigonometric and comparison operators, on arrays of any shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tocsin.query.promql.values import Booleans, Floats

ARITHMETIC: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}

COMPARISONS: Mapping[str, Callable[[Floats, Floats], Booleans]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}

SETS = frozenset({"and", "or", "unless"})


def apply(op: str, left: Floats, right: Floats) -> Floats:
    """The value of an operator; a comparison gives 1 or 0."""
    with np.errstate(all="ignore"):
        if op in ARITHMETIC:
            return ARITHMETIC[op](left, right)
        return COMPARISONS[op](left, right).astype(np.float64)
