"""Which rules a correlation refers to, and in which order rules must stand."""

from __future__ import annotations

from collections.abc import Sequence

from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule, SigmaExtendedCorrelationCondition

from tocsin.model.errors import RuleError
from tocsin.query.sigma.origins import Rule, location_of


def resolved(rules: Sequence[Rule], errors: list[RuleError]) -> list[Rule]:
    """Resolve every reference and return the rules so that each stands after those it refers to.

    A correlation that refers to a rule that is missing, or to itself over a detour, is left out and reported in
    `errors`; so is one that refers to a correlation left out.
    """
    resolver = _Resolver(rules, errors)
    for rule in rules:
        resolver.settle(rule, ())
    collection = SigmaCollection(list(resolver.ordered), resolve_references=False)
    for rule in resolver.ordered:
        if isinstance(rule, SigmaCorrelationRule):
            rule.resolve_rule_references(collection)
            rule.aliases.resolve_rule_references(collection)
    return resolver.ordered


class _Resolver:
    def __init__(self, rules: Sequence[Rule], errors: list[RuleError]) -> None:
        self.ordered: list[Rule] = []
        self._errors = errors
        self._known = {str(name): rule for rule in rules for name in (rule.id, rule.name) if name is not None}
        self._settled: dict[int, bool] = {}

    def settle(self, rule: Rule, above: tuple[int, ...]) -> bool:
        """Put a rule in order; False if it must be left out. `above` are the rules on the way to it."""
        key = id(rule)
        if key not in self._settled:
            good = not isinstance(rule, SigmaCorrelationRule) or self._refers_well(rule, (*above, key))
            self._settled[key] = good
            if good:
                self.ordered.append(rule)
        return self._settled[key]

    def _refers_well(self, rule: SigmaCorrelationRule, above: tuple[int, ...]) -> bool:
        for reference in _references(rule):
            reason = self._fault(reference, above)
            if reason:
                place = location_of(rule, ["correlation", "rules"])
                self._errors.append(RuleError(reason, place, "correlation.rules"))
                return False
        return True

    def _fault(self, reference: str, above: tuple[int, ...]) -> str:
        target = self._known.get(reference)
        if target is None:
            return f"there is no rule with the id or name {reference!r}"
        if id(target) in above:
            return f"the correlation refers to itself through {reference!r}"
        return "" if self.settle(target, above) else f"the rule {reference!r} is wrong itself"


def _references(rule: SigmaCorrelationRule) -> list[str]:
    if rule.rules is not None:
        named = [each.reference for each in rule.rules]
    else:
        assert isinstance(rule.condition, SigmaExtendedCorrelationCondition)  # noqa: S101 - pySigma checks it
        named = rule.condition.get_referenced_rules()
    return [*named, *(each.reference for alias in rule.aliases for each in alias.mapping)]
