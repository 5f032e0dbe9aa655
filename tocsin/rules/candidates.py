"""Which rules a range can concern at all: the others need not be planned.

The engine looks at every part of every rule before it reads a row, and for the rows of one tick that costs more than
reading them. So a first query, whose cost does not depend on the rules, asks for the kinds of rows in the range: the
combinations of a few columns that have few values. A rule whose condition cannot hold for any of them is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from tocsin.query.sigma.verdicts import Known
from tocsin.rules.kinds.sigma import StreamRule
from tocsin.rules.matching import Pass, prepare
from tocsin.rules.ranges import Range
from tocsin.store.base import INTERNAL_BUDGET, Columns
from tocsin.store.schema.tables import AUDIT, LOGS, TABLES
from tocsin.store.sql import Sql, compose, identifier

_KINDS = {
    AUDIT.name: ("verb", "api_group", "resource", "subresource", "code", "decision"),
    LOGS.name: ("source", "app", "container", "level"),
}
"""By table, the columns whose combinations are told apart."""
_DETAILS = {
    AUDIT.name: ("user", "groups", "user_agent", "impersonated_user", "impersonated_groups", "namespace"),
    LOGS.name: ("namespace", "node"),
}
"""By table, columns whose combinations are told apart within a kind, while it has few of them."""
_ALONE = {
    AUDIT.name: ("name", "status_message"),
    LOGS.name: (),
}
"""By table, columns whose values are told apart within a kind, each for itself, while it has few of them."""

_MOST_KINDS = 1000
_MOST_DETAILS = 64
_REMEMBERED_ROWS = 20_000
_REMEMBERED_PASSES = 32

_Values: TypeAlias = tuple[tuple[str, ...], ...]


class Candidates:
    """Chooses, range by range, the rules of one table that may match something in it. Any thread may ask.

    Args:
        table: The table.
        rules: Its rules.
        most_kinds: Above this many kinds of rows in a range, all rules are chosen; above four times as many details,
            the kinds alone decide.
        most_details: Above this many users (or the like) of one kind, that kind is judged without them.
    """

    def __init__(
        self,
        table: str,
        rules: Sequence[StreamRule],
        *,
        most_kinds: int = _MOST_KINDS,
        most_details: int = _MOST_DETAILS,
    ) -> None:
        self._table = table
        self._rules = tuple(rules)
        asked = frozenset[str]().union(*(rule.predicate.looks_at for rule in rules))
        self._kind, self._detail, self._alone = (
            tuple(name for name in names[table] if name in asked) for names in (_KINDS, _DETAILS, _ALONE)
        )
        self._most_kinds, self._most_details = most_kinds, most_details
        self._all = prepare(table, rules)
        self._by_kind = lru_cache(_REMEMBERED_ROWS)(self._judge_kind)
        self._by_detail = lru_cache(_REMEMBERED_ROWS)(self._judge_detail)
        self._pass = lru_cache(_REMEMBERED_PASSES)(self._prepare)

    def among(self, columns: Columns, span: Range) -> Pass | None:
        """Return those rules made ready for a query; None if there are none. No other rule matches a row of the range.

        Raises:
            StoreFailed: The store failed.
        """
        kinds = columns.fetch(self._query(span), INTERNAL_BUDGET)
        if len(kinds) > self._most_kinds:
            return self._all
        closely = sum(len(kind.get("_details", ())) for kind in kinds) <= 4 * self._most_kinds
        chosen = frozenset[int]().union(*(self._possible(kind, closely=closely) for kind in kinds))
        return self._pass(tuple(sorted(chosen))) if chosen else None

    def _query(self, span: Range) -> Sql:
        """The kinds of rows in the range; of each, one detail more than will be looked at."""
        several = f"groupUniqArray({self._most_details + 1})"
        types = ", ".join("Array(String)" if _is_array(self._table, name) else "String" for name in self._detail)
        details = f"CAST({several}(tuple({', '.join(self._detail)})), 'Array(Tuple({types}))') AS _details"
        parts = [
            *self._kind,
            *([details] if self._detail else []),
            *(f"{several}({name}) AS _{name}" for name in self._alone),
        ]
        return compose(
            "SELECT {parts} FROM {table} PREWHERE {span} AND {rows} {group} HAVING count() > 0 LIMIT {limit}",
            parts=Sql(", ".join(parts) or "1"),
            table=identifier(self._table),
            span=span.condition(),
            rows=self._all.rows,
            group=Sql(f"GROUP BY {', '.join(self._kind)}" if self._kind else ""),
            limit=Sql(str(self._most_kinds + 1)),
        )

    def _possible(self, found: dict[str, Any], *, closely: bool) -> frozenset[int]:
        """The rules that rows of this kind may match; not `closely`, its details are not looked at."""
        kind = tuple(_values(found[name]) for name in self._kind)
        possible = self._by_kind(kind)
        if not possible or not closely:
            return possible
        if self._detail and len(found["_details"]) <= self._most_details:
            details = (tuple(map(_values, detail)) for detail in found["_details"])
            possible = frozenset[int]().union(*(self._by_detail(kind, detail) for detail in details))
        for name in self._alone:
            if len(found[f"_{name}"]) <= self._most_details:
                possible = possible.difference(self._excluded(possible, kind, name, found[f"_{name}"]))
        return possible

    def _judge_kind(self, kind: _Values) -> frozenset[int]:
        return self._among(range(len(self._rules)), dict(zip(self._kind, kind, strict=True)))

    def _judge_detail(self, kind: _Values, detail: _Values) -> frozenset[int]:
        known = dict(zip((*self._kind, *self._detail), (*kind, *detail), strict=True))
        return self._among(self._by_kind(kind), known)

    def _excluded(self, numbers: frozenset[int], kind: _Values, name: str, values: Sequence[str]) -> Iterator[int]:
        """Those of the rules that no row of the kind with one of these values can match."""
        known: dict[str, Sequence[str]] = dict(zip(self._kind, kind, strict=True))
        for number in numbers:
            predicate = self._rules[number].predicate
            if name in predicate.looks_at and not any(predicate.possible({**known, name: (v,)}) for v in values):
                yield number

    def _among(self, numbers: Iterable[int], known: Known) -> frozenset[int]:
        return frozenset(number for number in numbers if self._rules[number].predicate.possible(known))

    def _prepare(self, numbers: tuple[int, ...]) -> Pass:
        if len(numbers) == len(self._rules):
            return self._all
        return prepare(self._table, [self._rules[number] for number in numbers])


def _is_array(table: str, name: str) -> bool:
    return any(column.name == name and column.type.startswith("Array") for column in TABLES[table].columns)


def _values(value: str | int | list[str]) -> tuple[str, ...]:
    """A column's values as a verdict expects them: a number that is 0 is one that the event does not have."""
    if isinstance(value, str):
        return (value,)
    return (str(value or ""),) if isinstance(value, int) else tuple(value)
