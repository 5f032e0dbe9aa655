"""Conditions, and what can be said of one from a few columns alone: it holds, it does not, or that is not known.

A condition is made as SQL and as a verdict side by side, so that the two say the same. What a verdict cannot tell
exactly as the engine would, it leaves unknown (Kleene's logic of three values): `Condition.verdict` is never wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tocsin.store.sql import Sql, compose, join

Known: TypeAlias = Mapping[str, Sequence[str]]
"""The values of some columns of a row: one text ('' where Sigma calls it absent), or those of an array."""

Verdict: TypeAlias = Callable[[Known], bool | None]
"""Whether a condition holds for a row of which this much is known; None if that decides nothing."""


def undecided(_: object) -> bool | None:
    """Say nothing about anything."""
    return None


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on a row.

    Attributes:
        sql: An expression of 0 or 1, never NULL.
        verdict: What can be said without the engine.
        columns: The columns that the verdict looks at.
    """

    sql: Sql
    verdict: Verdict = undecided
    columns: frozenset[str] = frozenset()


def all_of(parts: Sequence[Condition]) -> Condition:
    """All of the conditions hold."""
    return _linked(parts, " AND ", decisive=False)


def any_of(parts: Sequence[Condition]) -> Condition:
    """Any of the conditions holds."""
    return _linked(parts, " OR ", decisive=True)


def negated(part: Condition) -> Condition:
    """The condition does not hold."""

    def verdict(known: Known) -> bool | None:
        found = part.verdict(known)
        return None if found is None else not found

    return Condition(compose("NOT ({part})", part=part.sql), verdict, part.columns)


def on_column(column: str, sql: Sql, holds: Callable[[str], bool | None]) -> Condition:
    """A condition on the text of one column or, if that is an array, on any of its values.

    Only ASCII is judged: whatever else a column holds, the engine's idea of case and of bad bytes is not repeated here.
    """

    def judged(text: str) -> bool | None:
        return holds(text) if text.isascii() else None

    def verdict(known: Known) -> bool | None:
        values = known.get(column)
        if values is None:
            return None
        return judged(values[0]) if len(values) == 1 else linked(map(judged, values), decisive=True)

    return Condition(sql, verdict, frozenset([column]))


def linked(found: Iterable[bool | None], *, decisive: bool) -> bool | None:
    """Join verdicts: by OR if True decides, by AND if False does."""
    unknown = False
    for each in found:
        if each is decisive:
            return decisive
        unknown = unknown or each is None
    return None if unknown else not decisive


def _linked(parts: Sequence[Condition], word: str, *, decisive: bool) -> Condition:
    if len(parts) == 1:
        return parts[0]
    verdicts = [part.verdict for part in parts if part.columns]
    complete = len(verdicts) == len(parts)

    def verdict(known: Known) -> bool | None:
        found = linked((each(known) for each in verdicts), decisive=decisive)
        return found if found is decisive or complete else None

    return Condition(
        compose("({parts})", parts=join(word, [part.sql for part in parts])),
        verdict,
        frozenset().union(*(part.columns for part in parts)),
    )
