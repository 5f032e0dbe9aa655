"""From PromQL text to nodes. The `promql-parser` library reads the text and checks the types of operands."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import promql_parser as parser

from tocsin.model.errors import InvalidInput
from tocsin.model.matchers import Matcher, Operator
from tocsin.query.promql.nodes import (
    Aggregation,
    At,
    Binary,
    Call,
    Matching,
    Negation,
    Node,
    Number,
    RangeSelector,
    Selector,
    String,
    Subquery,
    children,
)

LENGTH_LIMIT = 100_000
"""Characters of a query."""

PARTS_LIMIT = 1500
"""Operators and brackets: the library's parser recurses, and a stack overflow in it would end the process."""

DEPTH_LIMIT = 250
"""Levels of the tree, so that evaluating it stays within Python's own stack."""

_OPERATORS: Mapping[str, Operator] = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}
_STRINGS = re.compile(r"""\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`|\#[^\n]*""", re.DOTALL)
_PARTS = re.compile(r"[-+*/%^=<>!(\[]|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
# The library's own accessor cannot express a time before 1970; its debug form can, and `at` is the last time in it.
_TIME = re.compile(r"SystemTime \{\s*tv_sec: (-?\d+),\s*tv_nsec: (\d+)")


class QueryError(InvalidInput):
    """A PromQL query is wrong, or asks for what the data does not allow (such as many-to-many matching)."""


def parse(text: str) -> Node:
    """Read a PromQL expression.

    Raises:
        QueryError: It is not PromQL, its types do not fit, or it uses a part that is not supported.
    """
    if not text.strip():
        raise QueryError("no expression found in the query")
    if len(text) > LENGTH_LIMIT:
        raise QueryError(f"the query has {len(text)} characters; at most {LENGTH_LIMIT} are allowed")
    if len(_PARTS.findall(_STRINGS.sub("", text))) > PARTS_LIMIT:
        raise QueryError(f"the query has more than {PARTS_LIMIT} operators and brackets")
    try:
        node = convert(parser.parse(text))
    except ValueError as error:
        raise QueryError(f"parse error: {error}") from None
    except RecursionError:
        raise QueryError(f"the query is nested deeper than {DEPTH_LIMIT} levels") from None
    _check_depth(node)
    return node


def _check_depth(node: Node) -> None:
    level = [node]
    for _ in range(DEPTH_LIMIT):
        level = [child for item in level for child in children(item)]
        if not level:
            return
    raise QueryError(f"the query is nested deeper than {DEPTH_LIMIT} levels")


def convert(expr: parser.Expr) -> Node:
    """Turn the library's tree into ours."""
    return _CONVERSIONS[type(expr)](expr)


def _number(expr: Any) -> Node:
    return Number(float(expr.val))


def _string(expr: Any) -> Node:
    return String(expr.val)


def _paren(expr: Any) -> Node:
    return convert(expr.expr)


def _negation(expr: Any) -> Node:
    inner = convert(expr.expr)
    return Number(-inner.value) if isinstance(inner, Number) else Negation(inner)


def _selector(expr: Any) -> Selector:
    if expr.matchers.or_matchers:
        raise QueryError("`or` between matchers is not supported; use the `or` operator between selectors")
    found = [Matcher(m.name, _OPERATORS[str(m.op)], m.value) for m in expr.matchers.matchers]
    if expr.name:
        if any(m.name == "__name__" for m in found):
            raise QueryError(f"the metric's name must not be set twice: {expr.name!r} and a matcher of __name__")
        found.insert(0, Matcher("__name__", "=", expr.name))
    return Selector(tuple(found), _milliseconds(expr.offset), _at(expr))


def _range_selector(expr: Any) -> Node:
    return RangeSelector(_selector(expr.vector_selector), _milliseconds(expr.range))


def _subquery(expr: Any) -> Node:
    return Subquery(
        convert(expr.expr),
        _milliseconds(expr.range),
        _milliseconds(expr.step),
        _milliseconds(expr.offset),
        _at(expr),
    )


def _binary(expr: Any) -> Node:
    modifier = expr.modifier
    as_bool = bool(modifier and modifier.return_bool)
    return Binary(str(expr.op), convert(expr.lhs), convert(expr.rhs), _matching(modifier), as_bool)


def _matching(modifier: Any) -> Matching:
    if modifier is None:
        return Matching()
    labels = modifier.matching
    card = str(modifier.card).rpartition(".")[2]
    return Matching(
        labels=tuple(labels.labels) if labels else (),
        on=bool(labels and str(labels.type).endswith("Include")),
        many={"ManyToOne": "left", "OneToMany": "right"}.get(card),  # type: ignore[arg-type]
        include=tuple(modifier.group_labels or ()),
        fill_left=modifier.fill_values.lhs,
        fill_right=modifier.fill_values.rhs,
    )


def _aggregation(expr: Any) -> Node:
    modifier = expr.modifier
    return Aggregation(
        str(expr.op),
        convert(expr.expr),
        tuple(modifier.labels) if modifier else (),
        bool(modifier and str(modifier.type).endswith("Without")),
        convert(expr.param) if expr.param is not None else None,
    )


def _call(expr: Any) -> Node:
    return Call(expr.func.name, tuple(convert(argument) for argument in expr.args))


def _milliseconds(duration: timedelta | None) -> int:
    return 0 if duration is None else duration // timedelta(milliseconds=1)


def _at(expr: Any) -> At | None:
    if expr.at is None:
        return None
    kind = str(expr.at.type).rpartition(".")[2]
    if kind != "At":
        return At("start" if kind == "Start" else "end")
    seconds, nanoseconds = _TIME.findall(repr(expr))[-1]
    return At(int(seconds) * 1000 + math.floor(int(nanoseconds) / 1e6 + 0.5))


_CONVERSIONS: Mapping[type, Callable[[Any], Node]] = {
    parser.NumberLiteral: _number,
    parser.StringLiteral: _string,
    parser.ParenExpr: _paren,
    parser.UnaryExpr: _negation,
    parser.VectorSelector: _selector,
    parser.MatrixSelector: _range_selector,
    parser.SubqueryExpr: _subquery,
    parser.BinaryExpr: _binary,
    parser.AggregateExpr: _aggregation,
    parser.Call: _call,
}
