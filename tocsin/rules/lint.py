"""What is amiss with rules that run: gaps that make an alert harder to handle, or a rule expensive or blind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tocsin.kit.resources import packs_directory
from tocsin.rules.book import Finding, RuleBook
from tocsin.rules.kinds.base import Rule
from tocsin.rules.kinds.sigma import StreamRule
from tocsin.rules.unit_tests import examples_of

_OWN = "/runbooks/"
_BODY = re.compile(r"\b(request_object|response_object)\b")
_NARROWING = ("verb", "resource", "subresource", "namespace", "user", "code")


def lint(book: RuleBook) -> list[Finding]:
    """Return findings about the rules of a book, by file and line."""
    found = [
        Finding(rule.location, rule.title, check, message)
        for rule in book.all()
        for check, look in CHECKS.items()
        for message in look(rule)
    ]
    found += _same_titles(book.all())
    return sorted(found, key=lambda f: (f.location.file, f.location.line, f.check))


def _no_runbook(rule: Rule) -> Iterator[str]:
    if not rule.alerting:
        return
    if not rule.runbook_url:
        yield "no runbook: whoever is called at night has nothing to go by; name one with `tocsin: {runbook: ...}`"
    elif rule.runbook_url.startswith(_OWN):
        file = packs_directory() / "runbooks" / f"{rule.runbook_url.removeprefix(_OWN)}.md"
        if not file.is_file():
            yield f"the runbook {file.name} is not among those that ship; give an address, or write it"


def _no_techniques(rule: Rule) -> Iterator[str]:
    if rule.alerting and not rule.techniques:
        yield "no ATT&CK technique among its tags, such as attack.t1609; coverage cannot count it"


def _no_description(rule: Rule) -> Iterator[str]:
    if rule.alerting and not rule.description:
        yield "no description: its alerts cannot say what they mean"


def _no_owner(rule: Rule) -> Iterator[str]:
    if rule.alerting and not rule.owner:
        yield "no owner: nobody will tune it; name one with `tocsin: {owner: ...}`"


def _no_tests(rule: Rule) -> Iterator[str]:
    file = Path(rule.location.file)
    if rule.alerting and file.is_file() and examples_of(file) is None:
        yield f"no examples: write {file.stem}.tests.yml beside it, with an event that raises it and two that must not"


def _no_audit_level(rule: Rule) -> Iterator[str]:
    if not isinstance(rule, StreamRule) or rule.min_audit_level:
        return
    if body := _BODY.search(rule.predicate.where.text):
        level = "RequestResponse" if body[1] == "response_object" else "Request"
        yield f"it looks into {body[1]}, so it is blind below audit level {level}; say so with min_audit_level"


def _whole_events(rule: Rule) -> Iterator[str]:
    """A search through whole events without a condition that narrows them reads every byte that arrives."""
    if isinstance(rule, StreamRule) and rule.table == "audit":
        text = rule.predicate.where.text
        if "`raw`" in text and not any(f"`{column}`" in text for column in _NARROWING):
            yield "it searches whole events and nothing narrows them; add a verb, a resource or a namespace"


def _same_titles(rules: Iterable[Rule]) -> Iterator[Finding]:
    first: dict[str, Rule] = {}
    for rule in rules:
        twin = first.setdefault(rule.title, rule)
        if twin is not rule and rule.alerting and twin.alerting:
            message = f"the same title as the rule in {twin.location}; their alerts cannot be told apart"
            yield Finding(rule.location, rule.title, "same-title", message)


CHECKS: dict[str, Callable[[Rule], Iterator[str]]] = {
    "no-runbook": _no_runbook,
    "no-techniques": _no_techniques,
    "no-description": _no_description,
    "no-owner": _no_owner,
    "no-tests": _no_tests,
    "no-audit-level": _no_audit_level,
    "whole-events": _whole_events,
}
"""Name to the check: what it says about a rule, nothing if nothing is amiss."""
