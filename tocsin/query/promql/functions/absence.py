"""`absent` and `absent_over_time`: one element with the value 1 where there are none."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tocsin.query.promql.functions.base import Context, Function
from tocsin.query.promql.nodes import Node, RangeSelector, Selector
from tocsin.query.promql.values import NAME, Booleans, Value, Vector, empty


def absent(context: Context) -> Value:
    """`absent(v)`."""
    return _absence(context, np.asarray(context.vector().present.any(axis=0)))


def absent_over_time(context: Context) -> Value:
    """`absent_over_time(v)`."""
    return _absence(context, np.asarray((context.ranges().counts > 0).any(axis=0)))


def _absence(context: Context, seen: Booleans) -> Value:
    if seen.all():
        return empty(context.steps)
    return Vector([_labels(context.arguments[0])], np.ones((1, context.steps)), ~seen[None, :])


def _labels(argument: Node) -> dict[str, str]:
    """The labels that the missing series would surely have had."""
    if isinstance(argument, RangeSelector):
        argument = argument.selector
    if not isinstance(argument, Selector):
        return {}
    labels: dict[str, str] = {}
    unsure: set[str] = set()
    for matcher in argument.matchers:
        if matcher.name in labels or matcher.op != "=":
            unsure.add(matcher.name)
        elif matcher.name != NAME:
            labels[matcher.name] = matcher.value
    return {name: value for name, value in labels.items() if value and name not in unsure}


FUNCTIONS: Mapping[str, Function] = {"absent": absent, "absent_over_time": absent_over_time}
