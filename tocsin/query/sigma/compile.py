"""Sigma rules to SQL predicates: the condition's tree, its detections, their items and values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sigma.conditions import ConditionAND, ConditionIdentifier, ConditionItem, ConditionNOT, ConditionSelector
from sigma.exceptions import SigmaError
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaDetections, SigmaRule

from tocsin.model.errors import RuleError
from tocsin.query.sigma.items import Placeholders, item_condition
from tocsin.query.sigma.logsource import condition_for, table_for
from tocsin.query.sigma.sharing import Shared, inlined, with_clause
from tocsin.query.sigma.syntax import location_of
from tocsin.query.sigma.verdicts import Condition, Known, Verdict, all_of, any_of, negated
from tocsin.store.sql import Sql


@dataclass(frozen=True, slots=True)
class Predicate:
    """What a rule looks for.

    Attributes:
        table: The table whose rows it judges.
        where: A condition on the table's columns (an expression of 0 or 1, never NULL) that stands by itself.
        short: The same with names for what other rules may have in common; see `together`.
        names: What the names in `short` stand for, in order of definition.
        verdict: Whether `where` holds, as far as that can be told from some columns.
        looks_at: The columns that can make a difference to `verdict`.
    """

    table: str
    where: Sql
    short: Sql
    names: Mapping[str, Sql]
    verdict: Verdict
    looks_at: frozenset[str]

    def possible(self, known: Known) -> bool:
        """Return False only if no row with these texts in its columns can match."""
        return self.verdict(known) is not False


@dataclass(frozen=True, slots=True)
class Together:
    """Predicates of one table, made for one query: `<with_clause> SELECT ... <conditions> ... FROM <table>`.

    Attributes:
        with_clause: `WITH ... `, or nothing.
        conditions: Each predicate's condition, in order; they use the names that `with_clause` defines.
    """

    with_clause: Sql
    conditions: tuple[Sql, ...]


def together(predicates: Sequence[Predicate]) -> Together:
    """Return predicates so that what they have in common stands once in the query: several times cheaper to plan."""
    named = [item for predicate in predicates for item in predicate.names.items()]
    return Together(with_clause(named), tuple(predicate.short for predicate in predicates))


def compile_rule(rule: SigmaRule, placeholders: Placeholders | None = None) -> Predicate:
    """Return the predicate of a rule.

    Several conditions of one rule are alternatives.

    Args:
        rule: As `syntax.parse` gives it.
        placeholders: Values for `expand`; a placeholder that is not among them is an error.

    Raises:
        RuleError: The rule asks for something that has no meaning here; the message says what.
    """
    table = table_for(rule.logsource)
    compiler = _Compiler(rule.detection, table, placeholders or {})
    try:
        parts = [
            compiler.condition(condition.parse(postprocess=False)) for condition in rule.detection.parsed_condition
        ]
    except (SigmaError, ValueError) as error:
        raise RuleError(str(error.args[0]) if error.args else str(error), location_of(rule), "detection") from None
    rows = condition_for(rule.logsource)
    whole = all_of([*([rows] if rows else []), any_of(parts)])
    short = whole.sql
    names = compiler.shared.used_in(short)
    where = inlined(short, names)
    if any("\ud800" <= char <= "\udfff" for value in where.params.values() for char in value):
        raise RuleError("a value holds half of a surrogate pair, which is no text", location_of(rule), "detection")
    return Predicate(table, where, short, names, whole.verdict, whole.columns)


class _Compiler:
    """Compiles the conditions of one rule."""

    def __init__(self, detections: SigmaDetections, table: str, placeholders: Placeholders) -> None:
        self.shared = Shared()
        self._detections = detections
        self._table = table
        self._placeholders = placeholders

    def condition(self, node: object) -> Condition:
        """A node of the condition's tree."""
        if isinstance(node, ConditionIdentifier):
            return self._named(node.identifier)
        if isinstance(node, ConditionSelector):
            return self._selected(node)
        if isinstance(node, ConditionNOT):
            return negated(self.condition(node.args[0]))
        assert isinstance(node, ConditionItem)  # noqa: S101 - AND or OR: pySigma's grammar has nothing else
        parts = [self.condition(part) for part in node.args]
        return all_of(parts) if isinstance(node, ConditionAND) else any_of(parts)

    def _named(self, name: str) -> Condition:
        if name not in self._detections.detections:
            raise ValueError(f"the condition names {name!r}, which is not defined")
        return self._detection(self._detections[name])

    def _selected(self, selector: ConditionSelector) -> Condition:
        found = selector.resolve_referenced_detections(self._detections)
        if not found:
            raise ValueError(f"'{selector.args[0]} of {selector.pattern}' fits none of the detections")
        parts = [self._named(each.identifier) for each in found]
        return all_of(parts) if selector.cond_class is ConditionAND else any_of(parts)

    def _detection(self, detection: SigmaDetection) -> Condition:
        parts = [
            self._item(p) if isinstance(p, SigmaDetectionItem) else self._detection(p)
            for p in detection.detection_items
        ]
        return all_of(parts) if detection.item_linking is ConditionAND else any_of(parts)

    def _item(self, item: SigmaDetectionItem) -> Condition:
        linked = item_condition(item, self._table, self._placeholders, self.shared)
        return negated(linked) if item.negated else linked
