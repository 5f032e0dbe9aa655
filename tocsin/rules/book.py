"""All the rules that are loaded, and what is wrong with those that are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tocsin.model.errors import Location, RuleError
from tocsin.rules.kinds.base import Rule
from tocsin.rules.kinds.correlation import CorrelationRule
from tocsin.rules.kinds.sigma import StreamRule


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a rule that its author should know; the rule runs all the same.

    Attributes:
        location: Where.
        rule: The rule's title; empty if it concerns a file.
        check: A short name of what was checked, such as `no-runbook`.
        message: What, and what to do.
    """

    location: Location
    rule: str
    check: str
    message: str

    def __str__(self) -> str:
        return f"{self.location}: {self.message} [{self.check}]"


@dataclass(frozen=True, slots=True)
class RuleBook:
    """What the detector evaluates.

    Attributes:
        rules: Rules over single events.
        correlations: Rules over the matches of others, each after those it refers to.
        errors: Rules that do not run, and why.
        warnings: What else was noticed while loading.
    """

    rules: tuple[StreamRule, ...] = ()
    correlations: tuple[CorrelationRule, ...] = ()
    errors: tuple[RuleError, ...] = ()
    warnings: tuple[Finding, ...] = ()

    def all(self) -> Iterator[Rule]:
        """Every rule of every kind."""
        yield from self.rules
        yield from self.correlations

    def tables(self) -> list[str]:
        """The tables that any rule reads, sorted; the others are never queried."""
        return sorted({rule.table for rule in self.rules})

    def of(self, table: str) -> Sequence[StreamRule]:
        """The rules that read `table`."""
        return [rule for rule in self.rules if rule.table == table]

    def find(self, key: str) -> Rule | None:
        """The rule with this id, name or title."""
        return next((rule for rule in self.all() if key in {rule.id, rule.name, rule.title}), None)
