"""Evaluates a plan over a source: every node once, over all steps together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tocsin.model.errors import BudgetExceeded
from tocsin.model.matchers import Matcher
from tocsin.query.promql.aggregations.base import Input, grouped
from tocsin.query.promql.aggregations.table import AGGREGATIONS
from tocsin.query.promql.functions.base import Context, Notes
from tocsin.query.promql.functions.table import FUNCTIONS
from tocsin.query.promql.matching import between_vectors, of_sets
from tocsin.query.promql.nodes import (
    Aggregation,
    At,
    Binary,
    Call,
    Negation,
    Node,
    Number,
    RangeSelector,
    Selector,
    String,
    Subquery,
)
from tocsin.query.promql.operators import COMPARISONS, SETS, apply
from tocsin.query.promql.plan import Frame, Plan, subquery_frame
from tocsin.query.promql.selecting import Instant, instant, of_subquery, ranges
from tocsin.query.promql.source import SampleSource, Selected
from tocsin.query.promql.syntax import QueryError
from tocsin.query.promql.values import Integers, Ranges, Scalar, Text, Value, Vector, without_name


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may use.

    Attributes:
        samples: Loaded from the source.
        points: Of one intermediate result: series times steps.
    """

    samples: int = 50_000_000
    points: int = 50_000_000


class Evaluation:
    """One query being evaluated."""

    def __init__(self, plan: Plan, source: SampleSource, limits: Limits) -> None:
        self._frame = plan.frame
        self._limits = limits
        self.notes = Notes()
        self._selected = _load(plan, source, limits)

    def value(self, expr: Node, at: Integers) -> Value:
        """Evaluate an expression at the times `at`, in milliseconds, ascending."""
        found = self._dispatch(expr, at)
        if isinstance(found, Vector):
            self._check_points(len(found.labels), len(at))
        return found

    def _dispatch(self, expr: Node, at: Integers) -> Value:
        found: Value
        match expr:
            case Number():
                found = Scalar(np.full(len(at), expr.value))
            case String():
                found = Text(expr.value)
            case Selector():
                found = self._instant(expr, at).vector
            case RangeSelector() | Subquery():
                found = self._ranges(expr, at)
            case Negation():
                found = _negated(self.value(expr.expr, at))
            case Binary():
                found = self._binary(expr, at)
            case Aggregation():
                found = self._aggregation(expr, at)
            case Call():
                found = self._call(expr, at)
        return found

    def _instant(self, expr: Selector, at: Integers) -> Instant:
        selected = self._selected[expr.matchers]
        self._check_points(len(selected.labels), len(at))
        return instant(selected, self._moved(at, expr.at, expr.offset), self._frame.lookback)

    def _ranges(self, expr: RangeSelector | Subquery, at: Integers) -> Ranges:
        if isinstance(expr, RangeSelector):
            end = self._moved(at, expr.selector.at, expr.selector.offset)
            selected = self._selected[expr.selector.matchers]
            self._check_points(len(selected.labels), len(at))
            return ranges(selected, end - expr.range, end)
        end = self._moved(at, expr.at, expr.offset)
        inner = subquery_frame(expr, int(at[0]), int(at[-1]), self._frame)
        steps = inner.start + np.arange(max(inner.steps, 0), dtype=np.int64) * inner.step
        self._check_points(1, len(steps))
        found = self._vector(expr.expr, steps) if len(steps) else Vector([], np.empty((0, 0)), np.empty((0, 0), bool))
        return of_subquery(found, steps, end - expr.range, end)

    def _moved(self, at: Integers, fixed: At | None, offset: int) -> Integers:
        if fixed is not None:
            time = {"start": self._frame.start, "end": self._frame.end}.get(str(fixed.time), fixed.time)
            at = np.full(len(at), int(time), np.int64)
        return at - offset

    def _vector(self, expr: Node, at: Integers) -> Vector:
        """Evaluate to a vector; a scalar becomes one element without labels."""
        value = self.value(expr, at)
        if isinstance(value, Scalar):
            return Vector([{}], value.values[None, :], np.ones((1, len(at)), bool))
        if not isinstance(value, Vector):
            raise QueryError("expected an instant vector")
        return value

    def _binary(self, expr: Binary, at: Integers) -> Value:
        left, right = self.value(expr.left, at), self.value(expr.right, at)
        if expr.matching.fill_left is not None or expr.matching.fill_right is not None:
            raise QueryError("the fill modifiers are not supported")
        if isinstance(left, Vector) and isinstance(right, Vector):
            return of_sets(expr, left, right) if expr.op in SETS else between_vectors(expr, left, right)
        if isinstance(left, Scalar) and isinstance(right, Scalar):
            return Scalar(apply(expr.op, left.values, right.values))
        return _with_scalar(expr, left, right)

    def _aggregation(self, expr: Aggregation, at: Integers) -> Value:
        aggregate = AGGREGATIONS.get(expr.op)
        if aggregate is None:
            raise QueryError(f"the aggregation {expr.op} is not supported")
        vector = self._vector(expr.expr, at)
        parameter = None if expr.param is None else self.value(expr.param, at)
        if not vector.labels:
            return vector
        groups = grouped(vector.labels, expr.labels, without=expr.without)
        with np.errstate(all="ignore"):
            return aggregate(Input(vector, groups, parameter, self.notes))

    def _call(self, expr: Call, at: Integers) -> Value:
        function = FUNCTIONS.get(expr.function)
        if function is None:
            raise QueryError(f"the function {expr.function} is not supported")
        times = None
        values: list[Value] = []
        for index, argument in enumerate(expr.arguments):
            if index == 0 and isinstance(argument, Selector):
                found = self._instant(argument, at)
                times = found.times
                values.append(found.vector)
            else:
                values.append(self.value(argument, at))
        return function(Context(self._frame, at, expr.arguments, values, times, self.notes))

    def _check_points(self, series: int, steps: int) -> None:
        if series * steps > self._limits.points:
            raise BudgetExceeded(
                f"the query has {series} series at {steps} steps; at most {self._limits.points} points are allowed: "
                "select fewer series, a shorter time or a longer step"
            )


def steps_of(frame: Frame) -> Integers:
    """The times of a query's steps, in milliseconds."""
    return frame.start + np.arange(frame.steps, dtype=np.int64) * frame.step


def _load(plan: Plan, source: SampleSource, limits: Limits) -> Mapping[tuple[Matcher, ...], Selected]:
    loaded: dict[tuple[Matcher, ...], Selected] = {}
    total = 0
    for matchers, (start, end) in plan.selections.items():
        loaded[matchers] = source.select(matchers, start, end)
        total += len(loaded[matchers].times)
        if total > limits.samples:
            raise BudgetExceeded(
                f"the query loads more than {limits.samples} samples: select fewer series or a shorter time"
            )
    return loaded


def _negated(value: Value) -> Value:
    if isinstance(value, Scalar):
        return Scalar(-value.values)
    if not isinstance(value, Vector):
        raise QueryError("only scalars and instant vectors can be negated")
    return without_name(value.with_values(-value.values))


def _with_scalar(expr: Binary, left: Value, right: Value) -> Value:
    if isinstance(left, Vector) and isinstance(right, Scalar):
        vector, values = left, apply(expr.op, left.values, right.values)
    elif isinstance(left, Scalar) and isinstance(right, Vector):
        vector, values = right, apply(expr.op, left.values, right.values)
    else:
        raise QueryError(f"operator {expr.op} is only defined between scalars and instant vectors")
    if expr.op in COMPARISONS and not expr.as_bool:
        return vector.only(values != 0)
    return without_name(vector.with_values(values))
