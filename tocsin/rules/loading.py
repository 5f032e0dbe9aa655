"""Rule files become a rule book. A bad rule is reported with its place; the others run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaRule, SigmaStatus

from tocsin.kit.resources import packs_directory
from tocsin.model.errors import Location, RuleError
from tocsin.query.sigma.syntax import Rule, location_of, parse, rule_key
from tocsin.rules.book import Finding, RuleBook
from tocsin.rules.kinds import correlation, sigma
from tocsin.rules.kinds.correlation import CorrelationRule
from tocsin.rules.kinds.sigma import StreamRule
from tocsin.rules.roles import Roles
from tocsin.rules.settings import RulesSettings
from tocsin.rules.sources import read_sources, rule_files

_RETIRED = {SigmaStatus.DEPRECATED, SigmaStatus.UNSUPPORTED}


def load(settings: RulesSettings, base: Path = Path()) -> RuleBook:
    """Read the rules that the settings name.

    Args:
        settings: Which.
        base: Directory that relative paths start from.
    """
    paths = [packs_directory() / "detections"] if settings.packs else []
    return load_paths([*paths, *(base / path for path in settings.paths)], settings.disabled)


def load_paths(paths: Iterable[Path], disabled: Collection[str] = ()) -> RuleBook:
    """Read the rules of files and directories; what cannot be read is among the book's errors."""
    files, missing = rule_files(paths)
    sources, unreadable = read_sources(files)
    book = build(sources, disabled)
    return RuleBook(book.rules, book.correlations, (*missing, *unreadable, *book.errors), book.warnings)


def build(sources: Sequence[tuple[str, str]], disabled: Collection[str] = ()) -> RuleBook:
    """Make a rule book of (file name, text) pairs.

    Args:
        sources: The files.
        disabled: Ids, names or titles of rules to leave out.
    """
    parsed = parse(sources)
    errors, warnings = list(parsed.errors), _unknown(parsed.rules, disabled)
    rules = [rule for rule in _unique(parsed.rules, errors) if not _names(rule) & set(disabled)]
    rules = _living(rules, warnings)
    roles = Roles(sources, parsed.rules)
    warnings += _without_level(rule for rule in rules if roles.alerting(rule))
    correlations = _correlations(rules, roles, errors)
    stream = _stream_rules(rules, roles, _wanted(correlations), errors)
    ordered = _running(stream, correlations, errors)
    return RuleBook(tuple(stream), tuple(ordered), tuple(errors), tuple(warnings))


def _unknown(rules: Sequence[Rule], disabled: Collection[str]) -> list[Finding]:
    known = {name for rule in rules for name in _names(rule)}
    return [
        Finding(Location("rules.disabled"), "", "unknown-rule", f"there is no rule {name!r}")
        for name in disabled
        if name not in known
    ]


def _unique(rules: Iterable[Rule], errors: list[RuleError]) -> list[Rule]:
    """Rules without id and name are told apart by their titles, which the parser does not look at."""
    first: dict[str, Rule] = {}
    for rule in rules:
        key = rule_key(rule)
        if key in first:
            message = f"{key} is already the title of the rule at {location_of(first[key])}; give both an id"
            errors.append(RuleError(message, location_of(rule, ["title"]), "title"))
        else:
            first[key] = rule
    return list(first.values())


def _living(rules: Iterable[Rule], warnings: list[Finding]) -> list[Rule]:
    kept = []
    for rule in rules:
        if rule.status is not None and rule.status in _RETIRED:
            message = f"{rule.title} does not run: its status is {rule.status.name.lower()}"
            warnings.append(Finding(location_of(rule, ["status"]), rule.title, "retired", message))
        else:
            kept.append(rule)
    return kept


def _without_level(rules: Iterable[Rule]) -> list[Finding]:
    message = "no level: its alerts are of medium severity"
    return [Finding(location_of(rule), rule.title, "no-level", message) for rule in rules if rule.level is None]


def _correlations(rules: Iterable[Rule], roles: Roles, errors: list[RuleError]) -> list[CorrelationRule]:
    built = []
    for rule in rules:
        if isinstance(rule, SigmaCorrelationRule):
            try:
                built.append(correlation.build(rule, alerting=roles.alerting(rule)))
            except RuleError as error:
                errors.append(error)
    return built


def _wanted(correlations: Iterable[CorrelationRule]) -> dict[str, set[str]]:
    """Per base rule, the fields that correlations want; a rule that is not named feeds none."""
    wanted: dict[str, set[str]] = {}
    for rule in correlations:
        for base in rule.bases:
            wanted.setdefault(base, set()).update(rule.wants(base))
    return wanted


def _stream_rules(
    rules: Iterable[Rule], roles: Roles, wanted: Mapping[str, set[str]], errors: list[RuleError]
) -> list[StreamRule]:
    built = []
    for rule in rules:
        alerting, fields = roles.alerting(rule), wanted.get(rule_key(rule))
        if not isinstance(rule, SigmaRule) or not (alerting or fields is not None):
            continue
        try:
            built.append(sigma.build(rule, fields=fields or (), alerting=alerting))
        except RuleError as error:
            errors.append(error)
    return built


def _running(
    stream: Iterable[StreamRule], correlations: Sequence[CorrelationRule], errors: list[RuleError]
) -> list[CorrelationRule]:
    """The correlations whose base rules all run; the parser has put each after those it refers to."""
    running = {rule.id for rule in stream}
    kept = []
    for rule in correlations:
        if lacking := sorted(set(rule.bases) - running):
            errors.append(RuleError(f"a rule that it refers to does not run: {', '.join(lacking)}", rule.location))
            continue
        running.add(rule.id)
        kept.append(rule)
    return kept


def _names(rule: Rule) -> set[str]:
    return {rule_key(rule), rule.name or "", rule.title} - {""}
