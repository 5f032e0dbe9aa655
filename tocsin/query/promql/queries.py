"""The engine's front: instant and range queries, and their results."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tocsin.query.promql.evaluate import Evaluation, Limits, steps_of
from tocsin.query.promql.nodes import Kind, Node
from tocsin.query.promql.plan import LOOKBACK, SUBQUERY_STEP, Frame, Plan, plan
from tocsin.query.promql.source import SampleSource
from tocsin.query.promql.syntax import QueryError, parse
from tocsin.query.promql.values import Integers, Scalar, Value, Vector, show


@dataclass(frozen=True, slots=True)
class Options:
    """How queries are evaluated.

    Attributes:
        lookback: Milliseconds that a sample counts for in an instant vector.
        subquery_step: Milliseconds between the steps of subqueries that name none.
        limits: What one query may use.
    """

    lookback: int = LOOKBACK
    subquery_step: int = SUBQUERY_STEP
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Result:
    """What a query evaluated to.

    Attributes:
        value: A Vector has no series without samples; a range query gives a Vector over its steps too.
        kind: The type of the answer in Prometheus' HTTP API.
        steps: Milliseconds of the steps.
        warnings: Problems with the answer, sorted.
        infos: Likely mistakes in the query, sorted.
    """

    value: Value
    kind: Kind
    steps: Integers
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()


def instant_query(query: str | Node, source: SampleSource, at: int, options: Options | None = None) -> Result:
    """Evaluate at one time, in milliseconds since 1970.

    Raises:
        QueryError: The query is wrong, or the data does not allow it.
        BudgetExceeded: It would use more than it may.
    """
    options = options or Options()
    frame = Frame(at, at, 0, options.lookback, options.subquery_step)
    return _run(plan(_node(query), frame), source, options)


def range_query(
    query: str | Node, source: SampleSource, start: int, end: int, step: int, options: Options | None = None
) -> Result:
    """Evaluate at `start`, `start + step` and so on, up to `end`; all in milliseconds.

    Raises:
        QueryError: The query is wrong, or of a type that has no ranges, or the data does not allow it.
        BudgetExceeded: It would use more than it may.
    """
    options = options or Options()
    if step <= 0:
        raise QueryError("the step must be positive")
    if end < start:
        raise QueryError("the end must not be before the start")
    ready = plan(_node(query), Frame(start, end, step, options.lookback, options.subquery_step))
    if ready.kind in (Kind.MATRIX, Kind.STRING):
        named = "range vector" if ready.kind is Kind.MATRIX else "string"
        raise QueryError(f'invalid expression type "{named}" for range query, must be scalar or instant vector')
    result = _run(ready, source, options)
    return Result(result.value, Kind.MATRIX, result.steps, result.warnings, result.infos)


def _node(query: str | Node) -> Node:
    return parse(query) if isinstance(query, str) else query


def _run(ready: Plan, source: SampleSource, options: Options) -> Result:
    evaluation = Evaluation(ready, source, options.limits)
    steps = steps_of(ready.frame)
    value = _clean(evaluation.value(ready.expr, steps), ranged=ready.frame.step > 0)
    notes = evaluation.notes
    return Result(value, ready.kind, steps, tuple(sorted(notes.warnings)), tuple(sorted(notes.infos)))


def _clean(value: Value, *, ranged: bool) -> Value:
    """Leave out series without samples; series of a range query are sorted by their labels."""
    if isinstance(value, Scalar) and ranged:
        value = Vector([{}], value.values[None, :], np.ones((1, len(value.values)), bool))
    if not isinstance(value, Vector):
        return value
    kept = np.nonzero(value.present.any(axis=1))[0]
    value = value.take(kept)
    seen = {frozenset(labels.items()) for labels in value.labels}
    if len(seen) < len(value.labels):
        raise QueryError(f"vector cannot contain metrics with the same labelset: {show(value.labels[0])}")
    if ranged:
        labels = value.labels
        order = sorted(range(len(labels)), key=lambda row: sorted(labels[row].items()))
        value = value.take(np.array(order, np.int64))
    return value


__all__ = ["Limits", "Options", "Result", "instant_query", "range_query"]
