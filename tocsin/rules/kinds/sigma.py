"""Sigma rules as predicates over the rows of one table."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from sigma.rule import SigmaDetection, SigmaRule

from tocsin.model.errors import Location
from tocsin.model.severity import Severity
from tocsin.query.sigma import syntax
from tocsin.query.sigma.compile import Predicate, compile_rule
from tocsin.query.sigma.fields import field_text
from tocsin.query.sigma.syntax import location_of, rule_key
from tocsin.rules import entities, summaries
from tocsin.rules.extras import Extras, read_extras, rule_error
from tocsin.rules.kinds.base import Rule
from tocsin.store.sql import Sql

_TECHNIQUE = re.compile(r"t\d{4}(\.\d{3})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRule(Rule):
    """A rule that looks at one event at a time.

    Attributes:
        predicate: Does an event match?
        entity: Label to String expression.
        fields: Name to String expression: what correlations group by or measure.
        summary: String expression: one line about the event.
        every_stage: It asks for `stage` itself, so `RequestReceived` is not kept from it.
    """

    predicate: Predicate
    entity: Mapping[str, Sql]
    fields: Mapping[str, Sql]
    summary: Sql
    every_stage: bool

    @property
    def table(self) -> str:
        """The table whose rows it looks at: `audit` or `logs`."""
        return self.predicate.table


def build(rule: SigmaRule, *, fields: Iterable[str], alerting: bool) -> StreamRule:
    """Return the rule as the detector evaluates it.

    Args:
        rule: As pySigma read it.
        fields: The fields that correlations want of its matches.
        alerting: False if it only feeds correlations.

    Raises:
        RuleError: Sigma that the engine cannot evaluate, or a wrong `tocsin:` key.
    """
    extras = read_extras(rule)
    predicate = compile_rule(rule)
    table = predicate.table
    return StreamRule(
        **common(rule, extras),
        alerting=alerting,
        predicate=predicate,
        entity={k: field_text(table, f) for k, f in extras.labels(entities.DEFAULTS[table]).items()},
        fields={name: field_text(table, name) for name in sorted(set(fields))},
        summary=_summary(rule, extras, table),
        every_stage=table == "audit" and any(name.lower() == "stage" for name in _fields_of(rule)),
    )


class Common(TypedDict):
    """The arguments that every kind's value takes; see `Rule`."""

    id: str
    name: str
    title: str
    version: str
    severity: Severity
    description: str
    references: tuple[str, ...]
    tags: tuple[str, ...]
    techniques: tuple[str, ...]
    runbook_url: str
    quiet: Any
    owner: str
    reviewed: str
    min_audit_level: str
    location: Location


def common(rule: syntax.Rule, extras: Extras) -> Common:
    """Return what any kind of Sigma rule says about itself."""
    return Common(
        id=rule_key(rule),
        name=rule.name or "",
        title=rule.title,
        version=_version(rule),
        severity=Severity(rule.level.name.lower()) if rule.level else Severity.MEDIUM,
        description=(rule.description or "").strip(),
        references=tuple(str(reference) for reference in rule.references or ()),
        tags=tuple(str(tag) for tag in rule.tags or ()),
        techniques=tuple(
            tag.name.upper() for tag in rule.tags or () if tag.namespace == "attack" and _TECHNIQUE.fullmatch(tag.name)
        ),
        runbook_url=extras.runbook_url,
        quiet=extras.quiet,
        owner=extras.owner,
        reviewed=extras.reviewed.isoformat() if extras.reviewed else "",
        min_audit_level=extras.min_audit_level,
        location=location_of(rule),
    )


def _summary(rule: SigmaRule, extras: Extras, table: str) -> Sql:
    if not extras.summary:
        return summaries.default_sql(table)
    try:
        template = summaries.parse(extras.summary)
    except ValueError as error:
        raise rule_error(rule, str(error), ["tocsin", "summary"]) from None
    return summaries.to_sql(template, lambda name: field_text(table, name))


def _version(rule: syntax.Rule) -> str:
    text = json.dumps(rule.to_dict(), sort_keys=True, default=str)
    return hashlib.blake2s(text.encode(), digest_size=6).hexdigest()


def _fields_of(rule: SigmaRule) -> Iterator[str]:
    pending: list[Any] = list(rule.detection.detections.values())
    while pending:
        item = pending.pop()
        if isinstance(item, SigmaDetection):
            pending += item.detection_items
        elif item.field:
            yield item.field
