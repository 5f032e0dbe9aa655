"""Examples of rules: events that must, and must not, raise a rule, evaluated by the same detector as live ones.

A file `<name>.tests.yml` beside a rule's file holds:

    rule: <id of the rule>
    tests:
      - name: what the example is
        expect: true              # or false
        events: [{...}, {...}]    # audit.k8s.io/v1 events; or `lines: [...]` for a table of log lines
        table: audit              # or logs
        degrade: Metadata         # as a poorer audit policy would have left the events

Many examples are evaluated in one go, each as events of a cluster of its own: rules never look beyond one cluster, so
an example is judged alone all the same. The server stores an event once, by its id, so the ids are told apart too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from tocsin.kit.yaml_source import YamlError, parse_path, read_yaml
from tocsin.model.errors import InvalidInput, Location, RuleError
from tocsin.rules.book import RuleBook
from tocsin.rules.detector import Detector
from tocsin.rules.sources import TESTS_SUFFIXES
from tocsin.store.base import Columns
from tocsin.store.schema.tables import AUDIT, DETECTIONS, LOGS, REJECTED
from tocsin.store.sql import Sql

_TABLES = (AUDIT.name, LOGS.name, DETECTIONS.name, REJECTED.name)
_AT_ONCE = 400
"""Examples of one go: enough to spread the cost of an evaluation, few enough to show that it goes on."""
_DROPPED = {"Metadata": ("requestObject", "responseObject"), "Request": ("responseObject",)}


class Case(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """One example."""

    name: Annotated[str, Meta(min_length=1)]
    expect: bool
    events: list[dict[str, Any]] = []
    lines: list[str] = []
    table: Literal["audit", "logs"] = "audit"
    degrade: Literal["", "Metadata", "Request"] = ""

    def payload(self, suffix: str = "") -> bytes:
        """The example's lines as they would have arrived, with `suffix` added to the id of each event."""
        dropped = _DROPPED.get(self.degrade, ())
        poorer = {"level": self.degrade} if self.degrade else {}
        events = ({k: v for k, v in {**event, **poorer}.items() if k not in dropped} for event in self.events)
        if suffix:
            events = ({**e, "auditID": f"{e['auditID']}{suffix}"} if e.get("auditID") else e for e in events)
        return "\n".join([*(json.dumps(event, default=_text) for event in events), *self.lines]).encode()


class Examples(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A file of examples."""

    rule: str
    tests: Annotated[list[Case], Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class Located:
    """A file of examples and the places of them.

    Attributes:
        examples: What it holds.
        places: The place of each of its tests.
    """

    examples: Examples
    places: tuple[Location, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """What an example wants stored.

    Attributes:
        cluster: The cluster that they are to come from.
        table: `audit` or `logs`.
        payload: Audit events as JSON, or log lines.
    """

    cluster: str
    table: str
    payload: bytes


Load: TypeAlias = Callable[[Sequence[Lines]], None]
"""Stores all these lines so that they are committed when it returns; those that cannot be read go to `rejected`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an example.

    Attributes:
        rule: The rule's title; its id if there is no such rule.
        name: The example's name.
        location: Where it is written.
        passed: Whether the rule did what was expected.
        message: What happened instead; empty if it passed.
    """

    rule: str
    name: str
    location: Location
    passed: bool
    message: str = ""


def example_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files of examples at `paths`: files, directories searched in depth, and those beside rule files."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(dict.fromkeys(sorted(p for s in TESTS_SUFFIXES for p in path.rglob(f"*{s}"))))
        elif path.name.endswith(TESTS_SUFFIXES):
            found[path] = None
        elif twin := examples_of(path):
            found[twin] = None
    return list(found)


def examples_of(rule_file: Path) -> Path | None:
    """Return the file of examples beside a rule's file, if there is one."""
    return next((p for s in TESTS_SUFFIXES if (p := rule_file.with_suffix(s)).is_file()), None)


def read_examples(file: str, text: str) -> Located:
    """Read a file of examples. Raises RuleError with the place of what is wrong."""
    try:
        documents = read_yaml(text)
    except YamlError as error:
        raise RuleError(str(error), Location(file, error.line, error.column)) from None
    if len(documents) != 1:
        raise RuleError("expected one document with the keys rule and tests", Location(file, 1))
    (document,) = documents
    try:
        examples = msgspec.convert(document.value, Examples)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        inside = path.strip("`")
        place = Location(file, *document.position(parse_path(inside)))
        raise RuleError(message, place, inside.removeprefix("$").lstrip(".")) from None
    places = (Location(file, *document.position(["tests", n])) for n in range(len(examples.tests)))
    return Located(examples, tuple(places))


def run(columns: Columns, load: Load, book: RuleBook, examples: Iterable[Located], now: datetime) -> Iterator[Outcome]:
    """Yield what becomes of every example, in their order.

    Args:
        columns: An empty store for this purpose; it is emptied again and again.
        load: Stores the lines of examples in it.
        book: The rules, with those that correlations refer to.
        examples: What to run.
        now: The time of evaluation, UTC.

    Raises:
        InvalidInput: The store is not empty, so it may be somebody's.
    """
    if any(columns.fetch(Sql(f"SELECT 1 FROM {table} LIMIT 1")) for table in _TABLES):
        raise InvalidInput("examples run in an empty store only, because they empty it; this one holds data")
    detector = Detector(columns, book)
    tries = [
        _Try(located.examples.rule, case, place)
        for located in examples
        for case, place in zip(located.examples.tests, located.places, strict=True)
    ]
    for start in range(0, len(tries), _AT_ONCE):
        turn = tries[start : start + _AT_ONCE]
        findings = _findings(columns, load, detector, turn, now)
        yield from (_judged(book, each, found) for each, found in zip(turn, findings, strict=True))


@dataclass(frozen=True, slots=True)
class _Try:
    """An example, the rule it is about, and its place."""

    rule: str
    case: Case
    place: Location


@dataclass(frozen=True, slots=True)
class _Found:
    """Ids of the rules that match an example, those that only feed correlations included; why a line was rejected."""

    rules: frozenset[str]
    rejected: str


def _findings(
    columns: Columns, load: Load, detector: Detector, turn: Sequence[_Try], now: datetime
) -> Sequence[_Found]:
    try:
        load([Lines(f"example-{n}", each.case.table, each.case.payload(f"-{n}")) for n, each in enumerate(turn)])
        detector.evaluate({}, _committed(columns), now)
        fired = _by_cluster(columns, "groupUniqArray(rule_id)", DETECTIONS.name)
        rejected = _by_cluster(columns, "any(reason)", REJECTED.name)
    finally:
        for table in _TABLES:
            columns.run(Sql(f"TRUNCATE TABLE {table}"))
    clusters = [f"example-{n}" for n in range(len(turn))]
    return [_Found(frozenset(fired.get(name, ())), rejected.get(name, "")) for name in clusters]


def _committed(columns: Columns) -> Mapping[str, int]:
    tables = " UNION ALL ".join(f"SELECT writer, batch FROM {table}" for table in (AUDIT.name, LOGS.name))
    heads = columns.fetch(Sql(f"SELECT writer, max(batch) AS last FROM ({tables}) GROUP BY writer"))
    return {str(row["writer"]): int(row["last"]) for row in heads}


def _by_cluster(columns: Columns, value: str, table: str) -> Mapping[str, Any]:
    rows = columns.fetch(Sql(f"SELECT cluster, {value} AS value FROM {table} GROUP BY cluster"))
    return {str(row["cluster"]): row["value"] for row in rows}


def _judged(book: RuleBook, each: _Try, found: _Found) -> Outcome:
    rule = book.find(each.rule)
    title = rule.title if rule else each.rule
    message = ""
    if rule is None:
        message = f"no rule {each.rule!r} runs; is its file loaded, and without errors?"
    elif found.rejected:
        message = f"a server would reject an event of it: {found.rejected}"
    elif (rule.id in found.rules) is not each.case.expect:
        message = _reason(book, each.case, found.rules)
    return Outcome(title, each.case.name, each.place, not message, message)


def _reason(book: RuleBook, case: Case, fired: frozenset[str]) -> str:
    if not case.expect:
        return "it raises the rule, and should not"
    others = sorted(rule.title for rule in book.all() if rule.id in fired)
    return "it does not raise the rule" + (f"; it raises: {', '.join(others)}" if others else "")


def _text(value: Any) -> str:
    """YAML reads times that are not quoted as such."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in an event")
