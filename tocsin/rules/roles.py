"""Which rules alert by themselves, and which only feed correlations.

A rule that a correlation refers to does not alert, unless the correlation says `generate: true`. This is read off the
files' YAML rather than the parsed correlations, so that a correlation which is broken or disabled does not turn the
harmless events that it counts into alerts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sigma.correlations import SigmaExtendedCorrelationCondition
from sigma.exceptions import SigmaError

from tocsin.kit.yaml_source import YamlError, read_yaml
from tocsin.query.sigma.syntax import Rule, rule_key


class Roles:
    """The roles of a set of rules.

    Args:
        sources: File name and text of each file.
        rules: The rules in them that could be read.
    """

    def __init__(self, sources: Iterable[tuple[str, str]], rules: Sequence[Rule]) -> None:
        keys = {str(name): rule_key(rule) for rule in rules for name in (rule.id, rule.name) if name}
        self._feeding: set[str] = set()
        self._generating: set[str] = set()
        for body in _correlation_bodies(sources):
            bases = {keys[reference] for reference in _references(body) if reference in keys}
            self._feeding |= bases
            if body.get("generate") is True:
                self._generating |= bases

    def alerting(self, rule: Rule) -> bool:
        """Whether its matches alert by themselves."""
        key = rule_key(rule)
        return key not in self._feeding or key in self._generating


def _correlation_bodies(sources: Iterable[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    for _, text in sources:
        if "correlation" not in text:
            continue
        try:
            documents = read_yaml(text)
        except YamlError:  # Reported by the parser of the rules; nothing of such a file runs.
            continue
        for document in documents:
            body = document.value.get("correlation") if isinstance(document.value, dict) else None
            if isinstance(body, dict):
                yield body


def _references(body: dict[str, Any]) -> list[str]:
    rules, condition = body.get("rules"), body.get("condition")
    if isinstance(rules, list):
        return [str(reference) for reference in rules]
    if rules is not None:
        return [str(rules)]
    try:
        return SigmaExtendedCorrelationCondition(condition).get_referenced_rules() if isinstance(condition, str) else []
    except SigmaError:
        return []
