"""Sigma files to rules: parsing and validation by pySigma, errors that name file, line and reason."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import re2
from sigma.collection import deep_dict_update
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError, SigmaIdentifierError
from sigma.filters import SigmaFilter
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine, RegexPattern
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule
from sigma.rule.base import check_alias_expansion

from tocsin.kit.yaml_source import Document, YamlError, read_yaml
from tocsin.model.errors import Location, RuleError
from tocsin.query.sigma.origins import Origin, Rule, location_of, rule_key
from tocsin.query.sigma.references import resolved

__all__ = ["Parsed", "Rule", "location_of", "parse", "rule_key"]

_REFUSALS = (SigmaError, ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What pySigma raises for input of an unexpected shape: its own errors, and Python's where it did not expect one."""

_KEYS = {
    "SigmaTitleError": "title",
    "SigmaIdentifierError": "id",
    "SigmaNameError": "name",
    "SigmaLevelError": "level",
    "SigmaStatusError": "status",
    "SigmaTagError": "tags",
    "SigmaRelatedError": "related",
    "SigmaLogsourceError": "logsource",
    "SigmaDetectionError": "detection",
    "SigmaDateError": "date",
    "SigmaModifiedError": "modified",
    "SigmaFieldsError": "fields",
    "SigmaReferencesError": "references",
    "SigmaFalsePositivesError": "falsepositives",
    "SigmaAuthorError": "author",
    "SigmaDescriptionError": "description",
    "SigmaTaxonomyError": "taxonomy",
    "SigmaScopeError": "scope",
    "SigmaLicenseError": "license",
}
"""The key that each of pySigma's errors speaks of."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a set of files holds.

    Attributes:
        rules: Rules with filters applied, and correlations with their references resolved; a rule stands before every
            correlation that refers to it.
        errors: What is wrong, file by file; whatever is named here is not among the rules.
    """

    rules: tuple[Rule, ...]
    errors: tuple[RuleError, ...]


def parse(sources: Sequence[tuple[str, str]]) -> Parsed:
    """Read Sigma rules, correlations and filters.

    A file may hold several documents, and `action: global|reset|repeat` as in Sigma's collections. References are
    looked up over all files, by id or name. A rule that is wrong is reported and left out, and so is a correlation that
    refers to it.

    Args:
        sources: File name (as errors shall call it) and text of each file.
    """
    errors: list[RuleError] = []
    found: list[SigmaRule | SigmaCorrelationRule | SigmaFilter] = []
    for name, text in sources:
        found.extend(_read(name, text, errors))
    rules = _filtered(_distinct([rule for rule in found if not isinstance(rule, SigmaFilter)], errors), found, errors)
    return Parsed(tuple(resolved(rules, errors)), tuple(errors))


class _QuietRE2(RegexEngine):
    """RE2 that reports a bad pattern by its exception only, not on standard error too."""

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:
        """See `RegexEngine.compile`; `flags` are Python's."""
        letters = "".join(letter for letter in "ims" if flags & getattr(re, letter.upper()))
        options = re2.Options()
        options.log_errors = False
        try:
            compiled: RegexPattern = re2.compile(f"(?{letters}){pattern}" if letters else pattern, options)
        except re2.error as error:
            told = error.args[0]
            raise re2.error(told.decode("utf-8", "replace") if isinstance(told, bytes) else told) from None
        return compiled

    @property
    def error(self) -> type[Exception]:
        """See `RegexEngine.error`."""
        kind: type[Exception] = re2.error
        return kind


_POLICY = SigmaPolicy(regex_engine=_QuietRE2())


class _Collection:
    """The documents of one file in order, with what `action` carries from one to the next."""

    def __init__(self, name: str, errors: list[RuleError]) -> None:
        self._name = name
        self._errors = errors
        self._global: dict[str, Any] = {}
        self._previous: dict[str, Any] = {}

    def read(self, document: Document) -> Rule | SigmaFilter | None:
        """The rule, correlation or filter of a document; None if it has none or is wrong."""
        origin = Origin(Path(self._name), *document.position(()), document=document)
        try:
            content = self._content(document.value)
            built = _build(content, origin) if content is not None else None
        except _REFUSALS as error:
            self._errors.append(_refused(error, document.value, origin))
            return None
        if built is not None and built.errors:
            self._errors.extend(_refused(error, document.value, origin) for error in built.errors)
            return None
        return built

    def _content(self, value: Any) -> dict[str, Any] | None:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise SigmaError(f"a rule is a map of keys and values, not a {type(value).__name__}")
        check_alias_expansion(value)
        if not isinstance(value.get("id", ""), str):
            raise SigmaIdentifierError("a rule's id must be a UUID")
        content = copy.deepcopy(value)
        match content.pop("action", None):
            case None if "correlation" in content or "filter" in content:
                return content
            case None:
                self._previous = deep_dict_update(content, copy.deepcopy(self._global))
                return copy.deepcopy(self._previous)
            case "global":
                self._global = self._previous = content
            case "reset":
                self._global = {}
            case "repeat":
                self._previous = deep_dict_update(copy.deepcopy(self._previous), content)
                return copy.deepcopy(self._previous)
            case other:
                raise ValueError(f"action {other!r} is unknown; it can be global, reset or repeat")
        return None


def _read(name: str, text: str, errors: list[RuleError]) -> Iterator[Rule | SigmaFilter]:
    try:
        documents = read_yaml(text)
    except YamlError as error:
        errors.append(RuleError(str(error), Location(name, error.line, error.column)))
        return
    collection = _Collection(name, errors)
    for document in documents:
        built = collection.read(document)
        if built is not None:
            yield built


def _build(content: dict[str, Any], origin: Origin) -> Rule | SigmaFilter:
    kind: type[SigmaRule | SigmaCorrelationRule | SigmaFilter] = SigmaRule
    if "correlation" in content:
        kind = SigmaCorrelationRule
    elif "filter" in content:
        kind = SigmaFilter
    built: Rule | SigmaFilter = kind.from_dict(content, collect_errors=True, source=origin, policy=_POLICY)
    if isinstance(built, SigmaRule) and not built.errors:
        _check_conditions(built)
    return built


def _check_conditions(rule: SigmaRule) -> None:
    for condition in rule.detection.parsed_condition:
        condition.parse()


def _refused(error: Exception, value: Any, origin: Origin) -> RuleError:
    path = _blamed(error, value)
    message = str(error.args[0]) if error.args else type(error).__name__
    if not isinstance(error, SigmaError | ValueError):
        message = f"not a Sigma rule: {message}"
    return RuleError(message, origin.find(path), ".".join(str(step) for step in path))


def _blamed(error: Exception, value: Any) -> list[str | int]:
    """The path of the key that an error speaks of, as near as can be told."""
    kind = type(error).__name__
    if not isinstance(value, dict) or (kind in _KEYS and kind != "SigmaDetectionError"):
        return [_KEYS[kind]] if kind in _KEYS else []
    for section in ("detection", "filter"):
        body = value.get(section)
        if not isinstance(body, dict):
            continue
        if kind in {"SigmaConditionError", "SigmaFilterConditionError"}:
            return [section, "condition"]
        for name, definition in body.items():
            if name not in {"condition", "rules"} and (found := _first_refused(definition)) is not None:
                return [section, name, *found]
    section = kind.removeprefix("Sigma").removesuffix("Error").lower()
    return next(([key] for key in ("detection", "filter", "correlation") if section.startswith(key)), [])


def _first_refused(definition: Any) -> list[str | int] | None:
    """The path of the first part of a detection that pySigma does not take, None if it takes all."""
    if isinstance(definition, dict):
        for key, value in definition.items():
            if _refuses(partial(SigmaDetectionItem.from_mapping, key, value, policy=_POLICY)):
                return [key]
    elif isinstance(definition, list):
        for index, each in enumerate(definition):
            found = _first_refused(each) if isinstance(each, dict | list) else None
            if found is not None:
                return [index, *found]
    refused = _refuses(partial(SigmaDetection.from_definition, definition, policy=_POLICY))
    return [] if refused else None


def _refuses(build: Callable[[], object]) -> bool:
    try:
        build()
    except _REFUSALS:
        return True
    return False


def _distinct(rules: Sequence[Rule], errors: list[RuleError]) -> list[Rule]:
    """The rules whose id and name no earlier rule has."""
    seen: dict[tuple[str, str], Rule] = {}
    kept = []
    for rule in rules:
        names = [(what, str(value)) for what, value in (("id", rule.id), ("name", rule.name)) if value is not None]
        taken = next((name for name in names if name in seen), None)
        if taken:
            message = f"{taken[1]} is already the {taken[0]} of the rule at {location_of(seen[taken])}"
            errors.append(RuleError(message, location_of(rule, [taken[0]]), taken[0]))
            continue
        seen.update(dict.fromkeys(names, rule))
        kept.append(rule)
    return kept


def _filtered(rules: Sequence[Rule], found: Sequence[object], errors: list[RuleError]) -> list[Rule]:
    """The rules with every filter that speaks of them applied."""
    kept = []
    filters = [each for each in found if isinstance(each, SigmaFilter)]
    for rule in rules:
        filtered: Rule = rule
        try:
            for each in filters:
                filtered = each.apply_on_rule(filtered)
            if filters and isinstance(filtered, SigmaRule):
                _check_conditions(filtered)
        except _REFUSALS as error:
            errors.append(RuleError(f"a filter cannot be applied: {error.args[0]}", location_of(rule), "filter"))
            continue
        kept.append(filtered)
    return kept
