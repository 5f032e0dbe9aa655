"""Where rules stand in their files, and how they are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaRuleLocation
from sigma.rule import SigmaRule

from tocsin.kit.yaml_source import Document
from tocsin.model.errors import Location

Rule: TypeAlias = SigmaRule | SigmaCorrelationRule


@dataclass
class Origin(SigmaRuleLocation):
    """Where a rule stands: pySigma's location with the document, so that a part of the rule can be found in it."""

    document: Document | None = None

    def __deepcopy__(self, memo: dict[int, object]) -> Origin:
        return self  # pySigma copies detections with their location; the document would be copied each time

    def find(self, path: Sequence[str | int]) -> Location:
        """The place of the part of the rule at `path`."""
        line, column = self.document.position(path) if self.document else (self.line or 0, self.char or 0)
        return Location(str(self.path), line, column)


def location_of(rule: Rule, path: Sequence[str | int] = ()) -> Location:
    """Where a rule, or the part of it at `path` (such as `detection`, `selection`), stands."""
    source = rule.source
    if isinstance(source, Origin):
        return source.find(path)
    return Location(str(source.path), source.line or 0, source.char or 0) if source else Location("")


def rule_key(rule: Rule) -> str:
    """The rule's id, else its name, else its title: how rules are told apart."""
    return str(rule.id or rule.name or rule.title)
