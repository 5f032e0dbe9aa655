"""What every aggregation gets: a vector, the group of each of its series, and a parameter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tocsin.model.labels import Labels
from tocsin.query.promql.functions.base import Notes
from tocsin.query.promql.syntax import QueryError
from tocsin.query.promql.values import NAME, Floats, Integers, LabelKey, Scalar, Text, Value, Vector, key


@dataclass(frozen=True, slots=True)
class Groups:
    """How a vector's series fall into groups.

    Attributes:
        labels: One label set a group.
        ids: (series); the group of each.
        order: (series); the series sorted by group, otherwise as they were.
        starts: (groups); where each group begins in `order`.
    """

    labels: Sequence[Labels]
    ids: Integers
    order: Integers
    starts: Integers

    def reduce(self, ufunc: np.ufunc, values: Floats) -> Floats:
        """Reduce the rows of each group; (series, steps) to (groups, steps)."""
        reduced: Floats = ufunc.reduceat(values[self.order], self.starts, axis=0)
        return reduced


@dataclass(frozen=True, slots=True)
class Input:
    """One aggregation.

    Attributes:
        vector: At least one series.
        groups: Their groups.
        parameter: What the expression before the vector evaluated to.
        notes: Where warnings and infos go.
    """

    vector: Vector
    groups: Groups
    parameter: Value | None
    notes: Notes

    def number(self) -> Floats:
        """The parameter as a scalar, (steps)."""
        if not isinstance(self.parameter, Scalar):
            raise QueryError("the aggregation's parameter must be a scalar")
        return self.parameter.values

    def text(self) -> str:
        """The parameter as a string."""
        if not isinstance(self.parameter, Text):
            raise QueryError("the aggregation's parameter must be a string")
        return self.parameter.value

    def counts(self) -> Floats:
        """(groups, steps); the elements of each group."""
        return self.groups.reduce(np.add, self.vector.present.astype(np.float64))

    def values_or(self, absent: float) -> Floats:
        """The values, with `absent` where there is no sample."""
        return np.where(self.vector.present, self.vector.values, absent)

    def answer(self, values: Floats) -> Vector:
        """One element a group that has any."""
        return Vector(self.groups.labels, values, self.counts() > 0)


Aggregator: TypeAlias = Callable[[Input], Vector]


def grouped(labels: Sequence[Labels], names: Sequence[str], *, without: bool) -> Groups:
    """Group series `by` the labels of these names, or `without` them (and without the metric's name)."""
    found: dict[LabelKey, int] = {}
    kept: list[Labels] = []
    ids = np.empty(len(labels), np.int64)
    wanted = {*names, NAME} if without else set(names)
    for row, own in enumerate(labels):
        rest = {name: value for name, value in own.items() if (name in wanted) != without}
        group = found.setdefault(key(rest), len(kept))
        if group == len(kept):
            kept.append(rest)
        ids[row] = group
    order = np.argsort(ids, kind="stable")
    return Groups(kept, ids, order, np.searchsorted(ids[order], np.arange(len(kept))))
