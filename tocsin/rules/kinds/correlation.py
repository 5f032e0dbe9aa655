"""Sigma correlation rules (Sigma correlation rules specification 2): conditions over several matches of other rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sigma.correlations import SigmaCorrelationRule

from tocsin.kit.units import Duration
from tocsin.query.sigma.correlation import Correlation, Every, Seen, read_correlation
from tocsin.rules import entities, summaries
from tocsin.rules.extras import Extras, read_extras, rule_error
from tocsin.rules.kinds.base import Rule
from tocsin.rules.kinds.sigma import common
from tocsin.rules.summaries import Field, Template

COUNT = "count"
"""In a correlation's summary: the number of events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationRule(Rule):
    """A rule over the matches of other rules.

    Attributes:
        correlation: What it asks for.
        entity: Label to the field of `group-by`.
        summary: Over the fields of `group-by` and `count`.
    """

    correlation: Correlation
    entity: Mapping[str, str]
    summary: Template

    @property
    def bases(self) -> tuple[str, ...]:
        """Ids of the rules it refers to, in its order."""
        return self.correlation.rules

    def wants(self, base: str) -> set[str]:
        """Return the fields that a base rule's matches must bring along."""
        names = (*self.correlation.group_by, *self.correlation.fields)
        return {self.correlation.field_of(name, base) for name in names}


def build(rule: SigmaCorrelationRule, *, alerting: bool) -> CorrelationRule:
    """Return the correlation as the detector evaluates it.

    Args:
        rule: As pySigma read it.
        alerting: False if it only feeds other correlations.

    Raises:
        RuleError: Something about it has no meaning, or a `tocsin:` key is wrong.
    """
    extras = read_extras(rule)
    correlation = read_correlation(rule)
    if correlation.type == "temporal_ordered":
        _check_order(rule, correlation)
    return CorrelationRule(
        **common(rule, extras),
        alerting=alerting,
        correlation=correlation,
        entity=_entity(rule, extras, correlation),
        summary=_summary(rule, extras, correlation),
    )


def _check_order(rule: SigmaCorrelationRule, correlation: Correlation) -> None:
    """An order is that of all rules: a condition that can do without one of them has none."""
    whole = Every(tuple(Seen(base) for base in correlation.rules))
    if correlation.expression is not None and correlation.expression != whole:
        message = "temporal_ordered wants all its rules, in their order; join them with `and`, or use temporal"
        raise rule_error(rule, message, ["correlation", "condition"])
    if correlation.op not in {"gte", "eq"} or correlation.count != len(correlation.rules):
        message = f"temporal_ordered wants all its rules, so its condition can only be `gte: {len(correlation.rules)}`"
        raise rule_error(rule, message, ["correlation", "condition"])


def _entity(rule: SigmaCorrelationRule, extras: Extras, correlation: Correlation) -> dict[str, str]:
    entity = extras.labels(entities.labelled(correlation.group_by))
    for label, field in entity.items():
        if field not in correlation.group_by:
            raise rule_error(
                rule,
                f"{field!r} is not in the correlation's group-by, so an alert has no single value of it; "
                f"expected one of: {', '.join(correlation.group_by) or 'nothing, as there is no group-by'}",
                ["tocsin", "entity", label],
            )
    return entity


def _summary(rule: SigmaCorrelationRule, extras: Extras, correlation: Correlation) -> Template:
    if not extras.summary:
        return _default_summary(rule.title, correlation)
    try:
        template = summaries.parse(extras.summary)
    except ValueError as error:
        raise rule_error(rule, str(error), ["tocsin", "summary"]) from None
    known = {*correlation.group_by, COUNT}
    for name in _names(template):
        if name not in known:
            message = f"no field {name!r}; expected one of: {', '.join(sorted(known))}"
            raise rule_error(rule, message, ["tocsin", "summary"])
    return template


def _default_summary(title: str, correlation: Correlation) -> Template:
    span = Duration(seconds=correlation.timespan.total_seconds())
    groups: list[str | Field] = []
    for name in correlation.group_by:
        groups += [f", {entities.label_name(name)} ", Field(name)]
    return (f"{title}: ", Field(COUNT), f" events within {span}", *groups)


def _names(template: Template) -> Iterable[str]:
    return (piece.name for piece in template if isinstance(piece, Field))
