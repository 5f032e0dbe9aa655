"""`eq`, `ne`, `lt`, `le`, `gt`, `ge` as Go's templates define them: values of one kind only, and no other kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tocsin.query.gotemplate.errors import Fault
from tocsin.query.gotemplate.values import ANY, Function


class _Ordered(Protocol):
    def __lt__(self, other: object, /) -> bool: ...


def _kind(value: object) -> str:
    """The basic kind of a value, empty for the others."""
    for kind, types in (("bool", bool), ("int", int), ("float", float), ("string", str)):
        if isinstance(value, types):
            return kind
    return ""


def equal(first: object, *others: object) -> bool:
    """Whether the first is equal to any of the others."""
    if not others:
        raise Fault("missing argument for comparison")
    return any(_equal(first, other) for other in others)


def _equal(one: object, other: object) -> bool:
    if one is None or other is None:
        return one is other
    for value in (one, other):
        if isinstance(value, list | tuple | Mapping | Function):
            raise Fault("non-comparable type")
    if _kind(one) != _kind(other):
        raise Fault("incompatible types for comparison")
    return one == other


def unequal(one: object, other: object) -> bool:
    """Whether two values differ."""
    return not _equal(one, other)


def less(one: object, other: object) -> bool:
    """Whether one number or text comes before another."""
    for value in (one, other):
        if _kind(value) in ("", "bool"):
            raise Fault("invalid type for comparison")
    if _kind(one) != _kind(other):
        raise Fault("incompatible types for comparison")
    if isinstance(one, str) and isinstance(other, str):
        return one.encode(errors="replace") < other.encode(errors="replace")
    return _before(one, other)  # type: ignore[arg-type]


def _before(one: _Ordered, other: object) -> bool:
    return one < other


def less_or_equal(one: object, other: object) -> bool:
    """Whether one comes before another or is equal to it."""
    return less(one, other) or _equal(one, other)


FUNCTIONS: Mapping[str, Function] = {
    "eq": Function(equal, ANY, rest=ANY),
    "ne": Function(unequal, ANY, ANY),
    "lt": Function(less, ANY, ANY),
    "le": Function(less_or_equal, ANY, ANY),
    "gt": Function(lambda one, other: not less_or_equal(one, other), ANY, ANY),
    "ge": Function(lambda one, other: not less(one, other), ANY, ANY),
}
