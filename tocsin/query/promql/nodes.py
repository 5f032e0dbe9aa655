"""The parts of a PromQL expression, as frozen values; `syntax` makes them, `plan` and `evaluate` read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

from tocsin.model.matchers import Matcher


class Kind(Enum):
    """What an expression evaluates to; the values are the names of Prometheus' HTTP API."""

    SCALAR = "scalar"
    VECTOR = "vector"
    MATRIX = "matrix"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class At:
    """The `@` modifier: a fixed time in milliseconds, or the start or end of the query."""

    time: int | Literal["start", "end"]


@dataclass(frozen=True, slots=True)
class Number:
    """A number; durations such as `5m` are numbers of seconds."""

    value: float


@dataclass(frozen=True, slots=True)
class String:
    """A string literal."""

    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    """An instant vector selector.

    Attributes:
        matchers: All of them, the metric's name included as a matcher of `__name__`.
        offset: Milliseconds that are taken from the evaluation time.
        at: The `@` modifier, if any.
    """

    matchers: tuple[Matcher, ...]
    offset: int = 0
    at: At | None = None


@dataclass(frozen=True, slots=True)
class RangeSelector:
    """`selector[range]`; `range` in milliseconds."""

    selector: Selector
    range: int


@dataclass(frozen=True, slots=True)
class Subquery:
    """`expr[range:step]`; all times in milliseconds, `step` 0 for the default."""

    expr: Node
    range: int
    step: int = 0
    offset: int = 0
    at: At | None = None


@dataclass(frozen=True, slots=True)
class Negation:
    """`-expr`."""

    expr: Node


@dataclass(frozen=True, slots=True)
class Matching:
    """How the elements of two vectors find each other.

    Attributes:
        labels: The labels of `on` or `ignoring`.
        on: True for `on`, False for `ignoring` (or neither, when `labels` is empty).
        many: The side that may have several elements for one of the other, or None for one to one.
        include: Labels that come from the other side (`group_left(...)`).
    """

    labels: tuple[str, ...] = ()
    on: bool = False
    many: Literal["left", "right"] | None = None
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None


@dataclass(frozen=True, slots=True)
class Binary:
    """A binary operator; `as_bool` is the `bool` modifier of comparisons."""

    op: str
    left: Node
    right: Node
    matching: Matching = Matching()
    as_bool: bool = False


@dataclass(frozen=True, slots=True)
class Aggregation:
    """An aggregation; `without` says how `labels` group, `param` is what stands before the vector."""

    op: str
    expr: Node
    labels: tuple[str, ...] = ()
    without: bool = False
    param: Node | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A function call."""

    function: str
    arguments: tuple[Node, ...]


Node: TypeAlias = Number | String | Selector | RangeSelector | Subquery | Negation | Binary | Aggregation | Call


def children(expr: Node) -> Sequence[Node]:
    """The expressions directly inside another."""
    match expr:
        case Negation() | Subquery():
            return (expr.expr,)
        case Binary():
            return (expr.left, expr.right)
        case Aggregation():
            return (expr.expr,) if expr.param is None else (expr.expr, expr.param)
        case Call():
            return expr.arguments
        case _:
            return ()
