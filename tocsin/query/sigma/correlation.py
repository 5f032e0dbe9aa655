"""Correlation rules as one frozen value each; evaluating them is for the room that keeps matches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionNOT,
    SigmaCorrelationCondition,
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from tocsin.model.errors import RuleError
from tocsin.query.sigma.syntax import location_of, rule_key


@dataclass(frozen=True, slots=True)
class Seen:
    """True if a match of the rule (a `rule_key`) is within the time span."""

    rule: str


@dataclass(frozen=True, slots=True)
class Every:
    """True if all parts are."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """True if any part is."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Never:
    """True if the part is not."""

    part: Expression


Expression: TypeAlias = Seen | Every | Some | Never


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation rule (Sigma correlation rules specification 2.1).

    Attributes:
        type: `event_count`, `value_count`, `temporal`, `temporal_ordered`, `value_sum`, `value_avg`, `value_percentile`
            or `value_median`.
        rules: `rule_key` of each rule it refers to, in order.
        group_by: Fields (or aliases) whose values tell groups apart.
        aliases: Alias to (`rule_key` to the field that it stands for in that rule's events).
        timespan: The window.
        op: `lt`, `lte`, `gt`, `gte`, `eq` or `neq`.
        count: What the count, sum, average, percentile or median is compared with.
        fields: What is counted or computed over: one field, or for `value_count` several, taken together.
        percentile: For `value_percentile`, 0 to 100; else None.
        expression: An extended condition of a temporal correlation; None for a plain one, which wants every rule.
        generate: Whether the rules it refers to raise alerts of their own too.
    """

    type: str
    rules: tuple[str, ...]
    group_by: tuple[str, ...]
    aliases: Mapping[str, Mapping[str, str]]
    timespan: timedelta
    op: str
    count: float
    fields: tuple[str, ...]
    percentile: int | None
    expression: Expression | None
    generate: bool

    @property
    def field(self) -> str | None:
        """The first of `fields`."""
        return self.fields[0] if self.fields else None

    def field_of(self, name: str, rule: str) -> str:
        """The field that `name`, a field or an alias, stands for in the events of a rule (its `rule_key`)."""
        return self.aliases.get(name, {}).get(rule, name)


def read_correlation(rule: SigmaCorrelationRule) -> Correlation:
    """Return what a correlation rule of `syntax.parse` asks for.

    Raises:
        RuleError: It asks for something without meaning, such as a percentile above 100 or an alias without a field.
    """
    condition = rule.condition
    plain = condition if isinstance(condition, SigmaCorrelationCondition) else None
    referenced = tuple(rule_key(reference.rule) for reference in rule.referenced_rules)
    correlation = Correlation(
        type=rule.type.name.lower(),
        rules=tuple(dict.fromkeys(referenced)),
        group_by=tuple(rule.group_by or ()),
        aliases={
            alias.alias: {rule_key(reference.rule): field for reference, field in alias.mapping.items()}
            for alias in rule.aliases
        },
        timespan=timedelta(seconds=rule.timespan.seconds),
        op=plain.op.name.lower() if plain else "gte",
        count=float(plain.count) if plain else float(len(referenced)),
        fields=_fields(plain),
        percentile=plain.percentile if plain else None,
        expression=_expression(condition.parsed, rule)
        if isinstance(condition, SigmaExtendedCorrelationCondition)
        else None,
        generate=rule.generate,
    )
    _check(correlation, rule)
    return correlation


_NEEDS_FIELD = {"value_count", "value_sum", "value_avg", "value_percentile", "value_median"}


def _fields(condition: SigmaCorrelationCondition | None) -> tuple[str, ...]:
    field = condition.fieldref if condition else None
    if field is None:
        return ()
    return (field,) if isinstance(field, str) else tuple(field)


def _expression(node: CorrelationConditionItem | SigmaRuleReference, rule: SigmaCorrelationRule) -> Expression:
    if isinstance(node, SigmaRuleReference):
        return Seen(next(rule_key(each.rule) for each in rule.referenced_rules if each.reference == node.reference))
    parts = tuple(_expression(part, rule) for part in node.args)
    if isinstance(node, CorrelationConditionNOT):
        return Never(parts[0])
    return Every(parts) if isinstance(node, CorrelationConditionAND) else Some(parts)


def _check(correlation: Correlation, rule: SigmaCorrelationRule) -> None:
    def refuse(reason: str, *path: str) -> None:
        raise RuleError(reason, location_of(rule, ("correlation", *path)), ".".join(("correlation", *path)))

    if not correlation.rules:
        refuse("at least one rule is needed", "rules")
    if correlation.type in _NEEDS_FIELD and not correlation.fields:
        refuse(f"{correlation.type} needs the key 'field'", "condition")
    if correlation.type != "value_count" and len(correlation.fields) > 1:
        refuse(f"{correlation.type} works on one field, not on {len(correlation.fields)}", "condition", "field")
    if (
        correlation.type == "value_percentile"
        and not 0 <= (-1 if correlation.percentile is None else correlation.percentile) <= 100
    ):
        refuse("value_percentile needs the key 'percentile', from 0 to 100", "condition")
    for alias, mapping in correlation.aliases.items():
        if strangers := set(mapping) - set(correlation.rules):
            refuse(f"{', '.join(sorted(strangers))} is not among the correlation's rules", "aliases", alias)
