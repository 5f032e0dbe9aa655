"""One detection item (`field|modifiers: values`, or keywords) to a condition on a row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import singledispatchmethod

from sigma.conditions import ConditionAND
from sigma.exceptions import SigmaError
from sigma.modifiers import (
    SigmaBase64Modifier,
    SigmaBase64OffsetModifier,
    SigmaCaseSensitiveModifier,
    SigmaEndswithModifier,
    SigmaStartswithModifier,
)
from sigma.rule import SigmaDetectionItem
from sigma.types import (
    Placeholder,
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    TimestampPart,
)

from tocsin.query.sigma import values
from tocsin.query.sigma.fields import WHOLE, resolve
from tocsin.query.sigma.sharing import Shared
from tocsin.query.sigma.values import Test
from tocsin.query.sigma.verdicts import Condition, all_of, any_of, negated
from tocsin.store.schema.tables import AUDIT
from tocsin.store.sql import Sql, bind, compose

Placeholders = Mapping[str, Sequence[str]]
"""Values of `%name%` in items with the modifier `expand`; they may hold wildcards."""

_EXACT_CASE = {SigmaCaseSensitiveModifier, SigmaBase64Modifier, SigmaBase64OffsetModifier}
_RELATIONS = {
    (False, False): "{x} = {y}",
    (True, False): "startsWith({x}, {y})",
    (False, True): "endsWith({x}, {y})",
    (True, True): "position({x}, {y}) > 0",
}
_GO_ESCAPES = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026"})
_TIME_PARTS = {
    TimestampPart.MINUTE: "toMinute",
    TimestampPart.HOUR: "toHour",
    TimestampPart.DAY: "toDayOfMonth",
    TimestampPart.WEEK: "toISOWeek",
    TimestampPart.MONTH: "toMonth",
    TimestampPart.YEAR: "toYear",
}


def item_condition(item: SigmaDetectionItem, table: str, placeholders: Placeholders, shared: Shared) -> Condition:
    """The condition of one detection item, whose own negation (`neq`) is left to the caller.

    Args:
        item: The item.
        table: The table its rows are in.
        placeholders: Values for `expand`.
        shared: Where to name what other rules may ask for too.

    Raises:
        ValueError: A value has no meaning here; the message says which.
    """
    judge = _Keyword(item, table, shared) if item.field is None else _Bound(item, table, shared)
    link = all_of if item.value_linking is ConditionAND else any_of
    alternatives = [list(_filled(value, placeholders)) for value in item.value or [SigmaNull()]]
    if link is any_of:
        alternatives = [[value for group in alternatives for value in group]]
    return link([judge.any(group) for group in alternatives])


def _filled(value: SigmaType, placeholders: Placeholders) -> Iterator[SigmaType]:
    """The alternatives that a value stands for: expansions opened, placeholders replaced."""
    if isinstance(value, SigmaExpansion):
        for each in value.values:
            yield from _filled(each, placeholders)
    elif isinstance(value, SigmaString | SigmaRegularExpression) and value.contains_placeholder():

        def replace(placeholder: Placeholder) -> Iterator[str | SigmaString]:
            if placeholder.name not in placeholders:
                raise ValueError(f"the placeholder %{placeholder.name}% is not defined")
            for text in placeholders[placeholder.name]:
                yield SigmaString(text) if isinstance(value, SigmaString) else text

        yield from value.replace_placeholders(replace)
    else:
        yield value


class _Item:
    """What both kinds of item share."""

    def __init__(self, item: SigmaDetectionItem, table: str, shared: Shared) -> None:
        modifiers = set(item.modifiers)
        self._cased = bool(modifiers & _EXACT_CASE)
        self._starts = SigmaStartswithModifier in modifiers
        self._ends = SigmaEndswithModifier in modifiers
        self._table = table
        self._shared = shared

    def any(self, group: Iterable[SigmaType]) -> Condition:
        """Any value of the group fits."""
        raise NotImplementedError


class _Bound(_Item):
    """An item with a field."""

    def __init__(self, item: SigmaDetectionItem, table: str, shared: Shared) -> None:
        super().__init__(item, table, shared)
        self._name = item.field or ""
        self._field = resolve(table, self._name, shared)

    def any(self, group: Iterable[SigmaType]) -> Condition:
        """See `_Item.any`."""
        found = [each if isinstance(each, Test) else self._fits(each) for each in self._joint(group)]
        tests = values.merged([each for each in found if isinstance(each, Test)])
        return any_of([*map(self._field.any, tests), *(each for each in found if isinstance(each, Condition))])

    def _joint(self, group: Iterable[SigmaType]) -> Iterator[SigmaType | Test]:
        """The values, with those that the engine can look for in one go put together."""
        equal: list[str] = []
        within: list[str] = []
        for value in group:
            text = values.plain(value) if isinstance(value, SigmaString) else None
            needle = values.inner(value) if isinstance(value, SigmaString) and not self._cased else None
            if text is not None:
                equal.append(text)
            elif needle is not None and len(within) < values.MAX_NEEDLES:
                within.append(needle)
            else:
                yield value
        if equal:
            yield values.equals(equal, cased=self._cased)
        if within:
            yield values.contains_any(within)

    @singledispatchmethod
    def _fits(self, value: SigmaType) -> Test | Condition:
        raise ValueError(f"{self._name}: a value of type {type(value).__name__} has no meaning here")

    @_fits.register
    def _(self, value: SigmaString) -> Test | Condition:
        if values.is_anything(value):
            return self._field.some
        return values.matches(value, cased=self._cased)

    @_fits.register
    def _(self, value: SigmaRegularExpression) -> Test | Condition:
        return values.finds(value, starts=self._starts, ends=self._ends)

    @_fits.register
    def _(self, value: SigmaNumber) -> Test | Condition:
        if isinstance(value, SigmaTimestampPart):
            return self._moment(value, "=")
        return values.is_number(value)

    @_fits.register
    def _(self, value: SigmaCompareExpression) -> Test | Condition:
        operator = values.OPERATORS[value.op]
        if isinstance(value.number, SigmaTimestampPart):
            return self._moment(value.number, operator)
        return values.compares(value.number, operator)

    @_fits.register
    def _(self, value: SigmaBool) -> Test | Condition:
        return values.is_bool(value)

    @_fits.register
    def _(self, value: SigmaCIDRExpression) -> Test | Condition:
        return values.in_network(value)

    @_fits.register
    def _(self, value: SigmaNull) -> Test | Condition:
        return negated(self._field.some)

    @_fits.register
    def _(self, value: SigmaExists) -> Test | Condition:
        return self._field.present if value.exists else negated(self._field.present)

    @_fits.register
    def _(self, value: SigmaFieldReference) -> Test | Condition:
        other = resolve(self._table, value.field, self._shared)
        template = _RELATIONS[value.starts_with, value.ends_with]

        def related(x: Sql) -> Sql:
            return other.any(Test(lambda y: compose(template, x=x, y=y), cased=self._cased, empty=True), "y").sql

        return Test(related, cased=self._cased, empty=True)

    def _moment(self, value: SigmaTimestampPart, operator: str) -> Test | Condition:
        part = f"{_TIME_PARTS[value.timestamp_part]}({{t}})"
        number = bind(int(value.number))
        if self._field.moment is not None:
            return Condition(compose(f"{part} {operator} {{n}}", t=self._field.moment, n=number))

        def test(x: Sql) -> Sql:
            moment = compose("parseDateTime64BestEffortOrNull({x}, 6, 'UTC')", x=x)
            return compose(f"ifNull({part} {operator} {{n}}, 0)", t=moment, n=number)

        return Test(test)


class _Keyword(_Item):
    """Values without a field: searched anywhere in the line or the event's JSON."""

    def __init__(self, item: SigmaDetectionItem, table: str, shared: Shared) -> None:
        super().__init__(item, table, shared)
        self._whole = resolve(table, WHOLE[table], shared)

    def any(self, group: Iterable[SigmaType]) -> Condition:
        """See `_Item.any`."""
        return any_of([self._whole.any(test) for value in group for test in self._tests(value)])

    def _tests(self, value: SigmaType) -> list[Test]:
        if isinstance(value, SigmaRegularExpression):
            return [values.finds(value, starts=self._starts, ends=self._ends)]
        if isinstance(value, SigmaNumber | SigmaBool):
            value = SigmaString(str(value).lower())
        if not isinstance(value, SigmaString):
            kind = type(value).__name__
            raise SigmaError(f"a keyword can be text, a number or a regular expression, not a {kind}")
        spellings = _as_written(value) if self._table == AUDIT.name else [value]
        return [values.contains(each, cased=self._cased) for each in spellings]


def _as_written(value: SigmaString) -> list[SigmaString]:
    """The value as it can stand in JSON: plain, inside a string, and inside a string as Go writes it."""
    in_string = value.map_str_parts(lambda part: json.dumps(part, ensure_ascii=False)[1:-1])
    by_go = in_string.map_str_parts(lambda part: part.translate(_GO_ESCAPES))
    spellings = [value]
    for each in (in_string, by_go):
        if all(each.s != other.s for other in spellings):
            spellings.append(each)
    return spellings
