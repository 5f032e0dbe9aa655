"""Each detection is complete (runbook, examples, owner, techniques) and does what its examples say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.packs.replay import replay
from tocsin.kit.resources import packs_directory
from tocsin.kit.yaml_source import read_yaml
from tocsin.query.search.plan import plan
from tocsin.rules.book import RuleBook
from tocsin.rules.kinds.base import Rule
from tocsin.rules.loading import load
from tocsin.rules.settings import RulesSettings
from tocsin.testing.stores import fresh_columns

_PACKS = packs_directory()
_FILES = sorted(p for p in (_PACKS / "detections").glob("*.yml") if not p.name.endswith(".tests.yml"))
_SECTIONS = [
    "What it detects",
    "Why it matters",
    "First five minutes",
    "False positives and tuning",
    "Evidence and escalation",
]
# Techniques that newer releases of ATT&CK replaced.
_REVOKED = {"T1562", "T1562.001", "T1562.008"}


@dataclass(frozen=True, slots=True)
class _Example:
    rule: str
    name: str
    expect: bool
    events: tuple[dict[str, Any], ...]

    def shifted(self, days: int) -> list[bytes]:
        """The events as lines, moved in time so that examples do not meet in one window."""
        return [json.dumps({**event, **_moved(event, days)}).encode() for event in self.events]

    @property
    def ids(self) -> set[str]:
        """Audit ids of the events."""
        return {event["auditID"] for event in self.events}


def _moved(event: dict[str, Any], days: int) -> dict[str, str]:
    times = ("requestReceivedTimestamp", "stageTimestamp")
    moved = {name: datetime.fromisoformat(event[name]) + timedelta(days=days) for name in times}
    return {name: time.isoformat(timespec="microseconds").replace("+00:00", "Z") for name, time in moved.items()}


def _tests_of(file: Path) -> dict[str, Any]:
    (document,) = read_yaml(file.with_suffix(".tests.yml").read_text(encoding="utf-8"))
    tests: dict[str, Any] = document.value
    return tests


def _examples(file: Path) -> Iterator[_Example]:
    tests = _tests_of(file)
    for case in tests["tests"]:
        events = [_degraded(event) if "degrade" in case else event for event in case["events"]]
        yield _Example(tests["rule"], f"{file.stem}: {case['name']}", case["expect"], tuple(events))


def _degraded(event: dict[str, Any]) -> dict[str, Any]:
    """The event as an audit policy of level Metadata would have left it."""
    kept = {name: value for name, value in event.items() if name not in ("requestObject", "responseObject")}
    return {**kept, "level": "Metadata"}


@pytest.fixture(scope="module")
def book() -> RuleBook:
    """The rules that ship."""
    return load(RulesSettings())


def _rule(book: RuleBook, file: Path) -> Rule:
    """The one rule of the file that alerts."""
    (rule,) = [rule for rule in book.all() if rule.alerting and rule.location.file == str(file)]
    return rule


@pytest.fixture(scope="module")
def wrong(book: RuleBook) -> dict[str, str]:
    """Examples that did not come out as expected, by file: all of them evaluated in one go."""
    examples = [example for file in _FILES for example in _examples(file)]
    lines = [line for day, example in enumerate(examples) for line in example.shifted(day)]
    columns = fresh_columns()
    found = replay(columns, book, [lines]).found
    columns.close()
    failed: dict[str, str] = {}
    for example in examples:
        fired = bool(found.get(example.rule, frozenset()) & example.ids)
        if fired is not example.expect:
            file = example.name.partition(":")[0]
            failed[file] = f"{failed.get(file, '')}\n{example.name} ({'fired' if fired else 'silent'})"
    return failed


def test_all_rules_load(book: RuleBook) -> None:
    """No rule of ours is refused or in doubt, and there is a good number of them."""
    assert book.errors == ()
    assert book.warnings == ()
    assert len([rule for rule in book.all() if rule.alerting]) == len(_FILES) >= 18


def test_ids_are_unique() -> None:
    """An id is what silences, tests and history hold on to."""
    ids = re.findall(r"^id: (.+)$", "\n".join(file.read_text(encoding="utf-8") for file in _FILES), re.MULTILINE)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_a_detection_is_complete(file: Path, book: RuleBook) -> None:
    """One alert a file, with everything that a person needs who is woken by it."""
    rule = _rule(book, file)

    assert rule.techniques
    assert not set(rule.techniques) & _REVOKED
    assert rule.owner
    assert rule.min_audit_level
    assert rule.description
    assert rule.references
    assert rule.runbook_url == f"/runbooks/{file.stem}"
    assert _tests_of(file)["rule"] == rule.id


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_a_detection_has_examples_for_and_against(file: Path) -> None:
    """At least one that fires and two that do not, one of them refused by the API server."""
    examples = list(_examples(file))

    assert sum(example.expect for example in examples) >= 1
    silent = [example for example in examples if not example.expect]
    assert len(silent) >= 2
    assert len({example.name for example in examples}) == len(examples)


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_the_named_audit_level_is_shown(file: Path, book: RuleBook) -> None:
    """A rule of level Metadata has an example that fires without bodies; another one shows what it cannot see then."""
    rule = _rule(book, file)
    cases = _tests_of(file)["tests"]
    lean = [c for c in cases if "degrade" in c or all(event["level"] == "Metadata" for event in c["events"])]

    if rule.min_audit_level == "Metadata":
        assert any(case["expect"] for case in lean)
    else:
        assert any("degrade" in case and not case["expect"] for case in cases)


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_examples_come_out_as_expected(file: Path, wrong: dict[str, str]) -> None:
    """The real engine agrees with every example."""
    assert wrong.get(file.stem, "") == ""


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_a_runbook_has_its_sections_and_title(file: Path, book: RuleBook) -> None:
    """At three in the morning everything stands where it always stands."""
    text = (_PACKS / "runbooks" / f"{file.stem}.md").read_text(encoding="utf-8")
    rule = _rule(book, file)

    assert re.findall(r"^# (.+)$", text, re.MULTILINE) == [rule.title]
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == _SECTIONS
    assert "tocsin query" in text
    assert "kubectl " in text


def test_searches_of_runbooks_can_be_run() -> None:
    """What a runbook tells to type is a search that Tocsin understands."""
    for runbook in sorted((_PACKS / "runbooks").glob("*.md")):
        for search in re.findall(r"tocsin query '([^']+)'", runbook.read_text(encoding="utf-8")):
            assert plan(search).table in ("audit", "logs"), (runbook.name, search)


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_the_list_of_detections_names_it(file: Path, book: RuleBook) -> None:
    """The overview shows each with the level it has."""
    rule = _rule(book, file)
    overview = (_PACKS / "README.md").read_text(encoding="utf-8")

    row = f"| [{rule.title}](detections/{file.name}) ([runbook](runbooks/{file.stem}.md)) | {rule.severity.value} | "
    assert f"{row}{rule.min_audit_level} | {', '.join(rule.techniques)} |" in overview
