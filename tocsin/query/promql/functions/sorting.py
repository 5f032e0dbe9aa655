"""Order of the elements in an instant query: `sort`, `sort_desc`, `sort_by_label`, `sort_by_label_desc`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from tocsin.query.promql.functions.base import Context, Function
from tocsin.query.promql.values import Value

_DIGITS = re.compile(r"(\d+)", re.ASCII)
_Natural: TypeAlias = list[tuple[int, int, str]]


def sort(context: Context) -> Value:
    """`sort(v)`: ascending; NaN last."""
    return _by_value(context, 1.0)


def sort_desc(context: Context) -> Value:
    """`sort_desc(v)`: descending; NaN last."""
    return _by_value(context, -1.0)


def _by_value(context: Context, sign: float) -> Value:
    vector = context.vector()
    if context.steps > 1:
        return vector
    order = np.argsort(sign * vector.values[:, 0], kind="stable")
    return replace(vector.take(order), ordered=True)


def sort_by_label(context: Context) -> Value:
    """`sort_by_label(v, label...)`: natural order of the labels' values, then of all labels."""
    return _by_label(context, backwards=False)


def sort_by_label_desc(context: Context) -> Value:
    """`sort_by_label_desc(v, label...)`."""
    return _by_label(context, backwards=True)


def _by_label(context: Context, *, backwards: bool) -> Value:
    vector = context.vector()
    names = [context.text(index) for index in range(1, len(context.values))]

    def rank(row: int) -> tuple[list[_Natural], list[tuple[str, str]]]:
        labels = vector.labels[row]
        return [natural(labels.get(name, "")) for name in names], sorted(labels.items())

    order = np.array(sorted(range(len(vector.labels)), key=rank, reverse=backwards), np.int64)
    return replace(vector.take(order), ordered=True)


def natural(text: str) -> _Natural:
    """A sort key under which `pod-9` comes before `pod-10`."""
    parts = _DIGITS.split(text)
    return [(0, int(part[:400]), "") if part.isdigit() else (1, 0, part) for part in parts if part]


FUNCTIONS: Mapping[str, Function] = {
    "sort": sort,
    "sort_by_label": sort_by_label,
    "sort_by_label_desc": sort_by_label_desc,
    "sort_desc": sort_desc,
}
