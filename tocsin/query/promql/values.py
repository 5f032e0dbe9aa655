"""What expressions evaluate to: arrays over (series x steps), never one object per sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tocsin.model.labels import Labels
from tocsin.query.promql.syntax import QueryError

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Booleans: TypeAlias = NDArray[np.bool_]

NAME = "__name__"

LabelKey: TypeAlias = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number at each step."""

    values: Floats


@dataclass(frozen=True, slots=True)
class Text:
    """A string, the same at each step."""

    value: str


@dataclass(frozen=True, slots=True)
class Vector:
    """Instant vectors at each step.

    Attributes:
        labels: One label set a series, no two equal.
        values: (series, steps).
        present: (series, steps); False where the series has no sample. Values there mean nothing.
        ordered: True if the order of series means something in an instant query (`sort`, `topk`).
    """

    labels: Sequence[Labels]
    values: Floats
    present: Booleans
    ordered: bool = False

    def with_values(self, values: Floats) -> Vector:
        """The same series with other values."""
        return Vector(self.labels, values, self.present, self.ordered)

    def only(self, keep: Booleans) -> Vector:
        """The same series without the samples for which `keep` is False."""
        return Vector(self.labels, self.values, self.present & keep, self.ordered)

    def take(self, rows: Integers) -> Vector:
        """Some of the series."""
        return Vector([self.labels[row] for row in rows.tolist()], self.values[rows], self.present[rows], self.ordered)


@dataclass(frozen=True, slots=True)
class Ranges:
    """Range vectors at each step: windows over the samples of each series, which lie behind each other in flat arrays.

    Attributes:
        labels: One label set a series.
        times: Milliseconds, ascending within a series.
        values: As long as `times`.
        low: (series, steps); where the window begins in the flat arrays.
        high: (series, steps); where it ends, exclusive.
        start: (steps); milliseconds, the exclusive start of the windows.
        end: (steps); their inclusive end.
    """

    labels: Sequence[Labels]
    times: Integers
    values: Floats
    low: Integers
    high: Integers
    start: Integers
    end: Integers

    @property
    def counts(self) -> Integers:
        """(series, steps); samples in each window."""
        return self.high - self.low


Value: TypeAlias = Scalar | Text | Vector | Ranges


def empty(steps: int) -> Vector:
    """A vector without elements."""
    return Vector([], np.empty((0, steps)), np.empty((0, steps), bool))


def key(labels: Labels) -> LabelKey:
    """What makes label sets equal, hashable."""
    return frozenset(labels.items())


def without_name(vector: Vector) -> Vector:
    """Drop the metric's name; series that become equal are merged.

    Raises:
        QueryError: Two of them have a sample at the same step.
    """
    stripped = [{k: v for k, v in labels.items() if k != NAME} for labels in vector.labels]
    return relabelled(vector, stripped)


def relabelled(vector: Vector, labels: Sequence[Labels]) -> Vector:
    """Give the series other labels; series that become equal are merged.

    Raises:
        QueryError: Two of them have a sample at the same step.
    """
    ids: dict[LabelKey, int] = {}
    groups = np.fromiter((ids.setdefault(key(item), len(ids)) for item in labels), np.int64, len(labels))
    if len(ids) == len(labels):
        return Vector(labels, vector.values, vector.present, vector.ordered)
    first = np.unique(groups, return_index=True)[1]
    clash, values, present = merged(groups, len(ids), vector.values, vector.present)
    if clash is not None:
        raise QueryError(
            f"vector cannot contain metrics with the same labelset: {show(labels[int(first[clash])])} appears twice"
        )
    return Vector([labels[row] for row in first.tolist()], values, present, vector.ordered)


def merged(groups: Integers, count: int, values: Floats, present: Booleans) -> tuple[int | None, Floats, Booleans]:
    """Lay the rows of each group over each other.

    Returns:
        A group with two samples at one step (None if there is none), and the values and presence of the groups.
    """
    steps = values.shape[1]
    hits = np.zeros((count, steps), np.int32)
    np.add.at(hits, groups, present.astype(np.int32))
    clashes = np.nonzero((hits > 1).any(axis=1))[0]
    out = np.zeros((count, steps))
    rows, columns = np.nonzero(present)
    out[groups[rows], columns] = values[rows, columns]
    return (int(clashes[0]) if len(clashes) else None), out, hits > 0


def show(labels: Labels) -> str:
    """A label set as PromQL writes it."""
    name = labels.get(NAME, "")
    rest = ", ".join(f'{k}="{v}"' for k, v in sorted(labels.items()) if k != NAME)
    return f"{name}{{{rest}}}"


def number_text(value: float) -> str:
    """A sample's value as Prometheus writes it into labels and answers: shortest decimal, no exponent."""
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return np.format_float_positional(value, trim="-")
