"""What a query will need before any of it is evaluated: its type, and which samples of which times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tocsin.model.matchers import Matcher
from tocsin.query.promql.nodes import (
    At,
    Binary,
    Call,
    Kind,
    Negation,
    Node,
    Number,
    RangeSelector,
    Selector,
    String,
    Subquery,
    children,
)

LOOKBACK = 300_000
SUBQUERY_STEP = 60_000

_SCALAR_CALLS = frozenset({"time", "scalar", "pi", "start", "end", "step", "range", "min_of", "max_of"})


@dataclass(frozen=True, slots=True)
class Frame:
    """When a query is evaluated; all in milliseconds.

    Attributes:
        start: The first step.
        end: The last step is not after it.
        step: Between steps; 0 in an instant query.
        lookback: How old the sample of an instant vector may be.
        subquery_step: The step of subqueries that name none.
    """

    start: int
    end: int
    step: int = 0
    lookback: int = LOOKBACK
    subquery_step: int = SUBQUERY_STEP

    @property
    def steps(self) -> int:
        """How many there are."""
        return (self.end - self.start) // self.step + 1 if self.step else 1


@dataclass(frozen=True, slots=True)
class Plan:
    """A query, ready to be evaluated.

    Attributes:
        expr: The expression.
        frame: When.
        kind: What it evaluates to.
        selections: The samples it needs: matchers to `(start, end)`, start exclusive; one fetch each.
    """

    expr: Node
    frame: Frame
    kind: Kind
    selections: Mapping[tuple[Matcher, ...], tuple[int, int]] = field(default_factory=dict)


def plan(expr: Node, frame: Frame) -> Plan:
    """Find out what `expr` evaluates to and which samples it needs."""
    selections: dict[tuple[Matcher, ...], tuple[int, int]] = {}
    for matchers, start, end in _needs(expr, frame, frame.start, frame.end):
        low, high = selections.get(matchers, (start, end))
        selections[matchers] = (min(low, start), max(high, end))
    return Plan(expr, frame, kind(expr), selections)


def kind(expr: Node) -> Kind:
    """What an expression evaluates to."""
    if isinstance(expr, String):
        return Kind.STRING
    if isinstance(expr, RangeSelector | Subquery):
        return Kind.MATRIX
    return Kind.SCALAR if _is_scalar(expr) else Kind.VECTOR


def _is_scalar(expr: Node) -> bool:
    match expr:
        case Number():
            return True
        case Negation():
            return _is_scalar(expr.expr)
        case Binary():
            return _is_scalar(expr.left) and _is_scalar(expr.right)
        case Call():
            return expr.function in _SCALAR_CALLS
        case _:
            return False


def moved(start: int, end: int, at: At | None, offset: int, frame: Frame) -> tuple[int, int]:
    """The times between which a selector with these modifiers is evaluated, instead of `start` and `end`."""
    if at is not None:
        fixed = {"start": frame.start, "end": frame.end}.get(str(at.time), at.time)
        start = end = int(fixed)
    return start - offset, end - offset


def subquery_frame(expr: Subquery, start: int, end: int, frame: Frame) -> Frame:
    """The steps at which the inside of a subquery is evaluated: multiples of its step, whatever the query's start."""
    step = expr.step or frame.subquery_step
    first, last = moved(start, end, expr.at, expr.offset, frame)
    begin = (first - expr.range) // step * step + step
    return Frame(begin, last, step, frame.lookback, frame.subquery_step)


def _needs(expr: Node, frame: Frame, start: int, end: int) -> Iterator[tuple[tuple[Matcher, ...], int, int]]:
    if isinstance(expr, Selector):
        low, high = moved(start, end, expr.at, expr.offset, frame)
        yield expr.matchers, low - frame.lookback, high
    elif isinstance(expr, RangeSelector):
        low, high = moved(start, end, expr.selector.at, expr.selector.offset, frame)
        yield expr.selector.matchers, low - expr.range, high
    elif isinstance(expr, Subquery):
        inner = subquery_frame(expr, start, end, frame)
        yield from _needs(expr.expr, frame, inner.start, inner.end)
    else:
        for child in children(expr):
            yield from _needs(child, frame, start, end)
