"""Turns a parsed search into a condition over one table's columns. Every value is bound, never pasted."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from tocsin.query.search.fields import TEXT_COLUMNS, Field, Kind, knows, resolve
from tocsin.query.search.syntax import All, Either, Node, Not, SearchError, Term, Value, parse
from tocsin.store.sql import Sql, bind, compose, identifier, join

_EVERYTHING = Sql("1")
_TOKENS = re.compile(r"[A-Za-z0-9]+")
_LIKE_ESCAPES = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})
# The engine may ask the function of every value, also of those that are no address.
_IN_NETWORK = (
    "((isIPv4String({it}) OR isIPv6String({it})) AND "
    "isIPAddressInRange(if(isIPv4String({it}) OR isIPv6String({it}), toString({it}), '::'), {value}))"
)
_MAX_PATTERN = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """A search ready to run.

    Attributes:
        table: Where to look: `audit`, `logs` or `rejected`.
        where: A UInt8 expression over the table's columns.
    """

    table: str
    where: Sql


def plan(text: str, table: str | None = None) -> Plan:
    """Read a search and return its plan.

    The table is `table`, else what a `table:` term says, else the one that has the fields the search names, else
    `audit`. Raises SearchError.
    """
    node, named = _take_table(parse(text))
    if table and named and table != named.values[0].text:
        raise SearchError(f"the search says table:{named.values[0].text}, but {table} was asked for", named.column)
    chosen = table or (named.values[0].text if named else "") or _guess(node)
    if chosen not in TEXT_COLUMNS:
        column = named.values[0].column if named else 1
        raise SearchError(f"there is no table {chosen!r} to search; there are {', '.join(TEXT_COLUMNS)}", column)
    return Plan(chosen, _condition(node, chosen))


def _take_table(node: Node) -> tuple[Node, Term | None]:
    """Split off the `table:` term, which may only stand beside all the others."""
    parts = node.parts if isinstance(node, All) else (node,)
    named = [part for part in parts if isinstance(part, Term) and part.field == "table"]
    rest = All(tuple(part for part in parts if part not in named))
    stray = next((t for part in rest.parts for t in _terms(part) if t.field == "table"), None)
    if stray or len(named) > 1:
        wrong = stray or named[1]
        raise SearchError("table: may stand once, outside of parentheses, OR and NOT", wrong.column)
    if named and (named[0].operator != ":" or len(named[0].values) != 1):
        raise SearchError("write table: and one name, such as table:logs", named[0].column)
    return rest, named[0] if named else None


def _guess(node: Node) -> str:
    named = [term for term in _terms(node) if term.field]
    audit = [term for term in named if knows("audit", term.field)]
    logs = [term for term in named if knows("logs", term.field)]
    if len(audit) == len(named) or not logs:
        return "audit"
    if len(logs) == len(named):
        return "logs"
    only_audit = next((t for t in audit if t not in logs), None)
    only_logs = next((t for t in logs if t not in audit), None)
    if only_audit and only_logs:
        later = max(only_audit, only_logs, key=lambda t: t.column)
        raise SearchError(
            f"{only_audit.field!r} is a field of audit, {only_logs.field!r} one of logs; a search reads one table"
            f" (for a field of a log line write fields.{only_audit.field})",
            later.column,
        )
    return "logs" if only_logs else "audit"


def _terms(node: Node) -> Iterator[Term]:
    match node:
        case Term():
            yield node
        case Not(part):
            yield from _terms(part)
        case All(parts) | Either(parts):
            for part in parts:
                yield from _terms(part)


def _condition(node: Node, table: str) -> Sql:
    match node:
        case Term():
            return _text(node, table) if not node.field else _field(node, table)
        case Not(part):
            return compose("(NOT {part})", part=_condition(part, table))
        case All(parts):
            return _joined(" AND ", [_condition(part, table) for part in parts])
        case Either(parts):
            return _joined(" OR ", [_condition(part, table) for part in parts])


def _joined(operator: str, parts: list[Sql]) -> Sql:
    if not parts:
        return _EVERYTHING
    return compose("({parts})", parts=join(operator, parts)) if len(parts) > 1 else parts[0]


def _text(term: Term, table: str) -> Sql:
    """A bare word is part of the text, whatever its case; a quoted one stands there as it is, as whole words."""
    value, column = term.values[0], identifier(TEXT_COLUMNS[table])
    if not value.quoted:
        if not any(value.parts):
            return _EVERYTHING
        return compose("{column} ILIKE {like}", column=column, like=bind(f"%{_like(value)}%"))
    found = compose("position({column}, {text}) > 0", column=column, text=bind(value.text))
    tokens = _TOKENS.findall(value.text)
    if not tokens or not value.text.isascii():
        return found
    words = compose("hasAllTokens({column}, {tokens})", column=column, tokens=bind(tokens))
    # A single word is answered by the text index alone; several may stand elsewhere in the text, so that is looked at.
    return words if tokens == [value.text] else compose("({words} AND {found})", words=words, found=found)


def _field(term: Term, table: str) -> Sql:
    field = resolve(table, term.field, term.column)
    return _joined(" OR ", [_compare(field, term, value) for value in term.values])


def _compare(field: Field, term: Term, value: Value) -> Sql:
    if field.kind is Kind.NUMBER:
        return _number(field.expression, term, value)
    if field.kind is Kind.TIME:
        return _time(field.expression, term, value)
    if field.kind is Kind.TEXT:
        return _string(field, term, value)(it=field.expression)
    test = _string(field, term, value)(it=Sql("e"))
    each = compose("arrayExists(e -> {test}, {list})", test=test, list=field.expression)
    if value.text == "" and term.operator == ":":
        return compose("(empty({list}) OR {each})", list=field.expression, each=each)
    return compose("({hint} AND {each})", hint=field.hint, each=each) if field.hint.text else each


def _string(field: Field, term: Term, value: Value) -> Callable[..., Sql]:
    """Return the test of one string, given the expression that yields it."""
    if term.operator == "~":
        return partial(compose, "match({it}, {value})", value=bind(_pattern(value)))
    if term.operator != ":":
        template = "ifNull(toFloat64OrNull(toString({it})) {op} {value}, 0)"
        return partial(compose, template, op=Sql(term.operator), value=bind(_float(value)))
    template, bound = _match(field, value)
    return partial(compose, template, value=bound)


def _match(field: Field, value: Value) -> tuple[str, Sql]:
    """Return the template of an equality, and what stands for `{value}` in it."""
    if network := _network(field, value):
        return _IN_NETWORK, network
    if value.wildcard:
        return ("{it} ILIKE {value}", bind(_like(value))) if any(value.parts) else ("{it} != {value}", bind(""))
    if field.exact or not value.text:
        return "{it} = {value}", bind(value.text)
    return "lowerUTF8({it}) = lowerUTF8({value})", bind(value.text)


def _number(column: Sql, term: Term, value: Value) -> Sql:
    if term.operator == "~":
        return compose("match(toString({column}), {pattern})", column=column, pattern=bind(_pattern(value)))
    if value.wildcard:
        if not any(value.parts):
            return compose("{column} != 0", column=column)
        return compose("toString({column}) LIKE {like}", column=column, like=bind(_like(value)))
    operator = Sql("=" if term.operator == ":" else term.operator)
    if not value.text:
        return compose("{column} = 0", column=column)
    return compose("{column} {op} {number}", column=column, op=operator, number=bind(_float(value)))


def _time(column: Sql, term: Term, value: Value) -> Sql:
    if term.operator in {":", "~"}:
        raise SearchError(f"compare a time with >, >=, < or <=, such as {term.field}:>=2026-11-23T09:00Z", value.column)
    try:
        moment = datetime.fromisoformat(value.text)
    except ValueError:
        raise SearchError(
            f"{value.text!r} is not a time; write it such as 2026-11-23T09:00:00Z", value.column
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not 1900 <= moment.year < 2300:
        raise SearchError(
            f"{value.text!r} is outside of the years that times can have here (1900 to 2299)", value.column
        )
    return compose("{column} {op} {moment}", column=column, op=Sql(term.operator), moment=bind(moment))


def _network(field: Field, value: Value) -> Sql | None:
    """A value such as 10.0.0.0/8 for a list or column of addresses."""
    if "/" not in value.text or value.quoted or value.wildcard or "source_ip" not in field.expression.text:
        return None
    try:
        return bind(str(ipaddress.ip_network(value.text, strict=False)))
    except ValueError:
        raise SearchError(f"{value.text!r} is not a network; write it such as 10.0.0.0/8", value.column) from None


def _pattern(value: Value) -> str:
    text = value.text
    if len(text) > _MAX_PATTERN:
        raise SearchError(f"a regular expression may have {_MAX_PATTERN} characters", value.column)
    return text


def _float(value: Value) -> float:
    try:
        number = float(value.text)
    except ValueError:
        raise SearchError(f"{value.text!r} is not a number", value.column) from None
    if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN is the one unequal to itself
        raise SearchError(f"{value.text!r} is not a number", value.column)
    return number


def _like(value: Value) -> str:
    return "%".join(part.translate(_LIKE_ESCAPES) for part in value.parts)
