"""What every function gets and gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from tocsin.query.promql.nodes import Node
from tocsin.query.promql.plan import Frame
from tocsin.query.promql.syntax import QueryError
from tocsin.query.promql.values import (
    NAME,
    Booleans,
    Floats,
    Integers,
    Ranges,
    Scalar,
    Text,
    Value,
    Vector,
    relabelled,
    without_name,
)


@dataclass(slots=True)
class Notes:
    """What a person should know about the answer: problems (warnings) and likely mistakes (infos)."""

    warnings: set[str] = field(default_factory=set)
    infos: set[str] = field(default_factory=set)

    def warn(self, message: str) -> None:
        """Add a warning."""
        self.warnings.add(f"PromQL warning: {message}")

    def inform(self, message: str) -> None:
        """Add an info."""
        self.infos.add(f"PromQL info: {message}")


@dataclass(frozen=True, slots=True)
class Context:
    """One call of a function.

    Attributes:
        frame: When the query is evaluated: its first and last step (inside a subquery, the subquery's).
        at: (steps); milliseconds at which this call is evaluated.
        arguments: As written, for functions that look at them (`absent`).
        values: What they evaluated to.
        times: Milliseconds of the first argument's samples if it is an instant selector, else None.
        notes: Where warnings and infos go.
    """

    frame: Frame
    at: Integers
    arguments: Sequence[Node]
    values: Sequence[Value]
    times: Integers | None
    notes: Notes

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return len(self.at)

    def vector(self, index: int = 0) -> Vector:
        """An argument that is an instant vector."""
        value = self.values[index]
        if not isinstance(value, Vector):
            raise QueryError(f"argument {index + 1} must be an instant vector")
        return value

    def ranges(self, index: int = 0) -> Ranges:
        """An argument that is a range vector."""
        value = self.values[index]
        if not isinstance(value, Ranges):
            raise QueryError(f"argument {index + 1} must be a range vector")
        return value

    def scalar(self, index: int) -> Floats:
        """An argument that is a scalar, (steps)."""
        value = self.values[index]
        if not isinstance(value, Scalar):
            raise QueryError(f"argument {index + 1} must be a scalar")
        return value.values

    def text(self, index: int) -> str:
        """An argument that is a string."""
        value = self.values[index]
        if not isinstance(value, Text):
            raise QueryError(f"argument {index + 1} must be a string")
        return value.value


Function: TypeAlias = Callable[[Context], Value]


def elementwise(compute: Callable[[Floats], Floats]) -> Function:
    """A function of each sample's value; the metric's name goes."""

    def call(context: Context) -> Value:
        vector = context.vector()
        with np.errstate(all="ignore"):
            return without_name(vector.with_values(compute(vector.values)))

    return call


def over_time(compute: Callable[[Ranges], Floats], *, least: int = 1) -> Function:
    """A function of each window with at least `least` samples; the metric's name goes."""

    def call(context: Context) -> Value:
        windows = context.ranges()
        with np.errstate(all="ignore"):
            return from_windows(windows, compute(windows), windows.counts >= least)

    return call


def from_windows(windows: Ranges, values: Floats, present: Booleans, *, keep_name: bool = False) -> Vector:
    """An instant vector with one element a window; series without any go."""
    kept = np.nonzero(present.any(axis=1))[0]
    vector = Vector(windows.labels, values, present).take(kept)
    return relabelled(vector, vector.labels) if keep_name else without_name(vector)


def metric_names(windows: Ranges) -> set[str]:
    """The names of the metrics that have a sample in any window."""
    seen = np.nonzero((windows.counts > 0).any(axis=1))[0]
    return {windows.labels[row].get(NAME, "") for row in seen.tolist()}
