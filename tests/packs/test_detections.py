"""Each detection is complete (runbook, examples, owner, techniques) and does what its examples say."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.packs.replay import ARRIVED, replay
from tocsin.intake.formats.kubernetes_audit import KUBERNETES_AUDIT
from tocsin.kit.resources import packs_directory
from tocsin.query.search.plan import plan
from tocsin.rules.book import RuleBook
from tocsin.rules.kinds.base import Rule
from tocsin.rules.lint import lint
from tocsin.rules.loading import load, load_paths
from tocsin.rules.settings import RulesSettings
from tocsin.rules.unit_tests import Case, Examples, Lines, examples_of, read_examples, run
from tocsin.store.base import Columns, Delivery
from tocsin.store.committer import Committer
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


@cache
def _examples(file: Path) -> Examples:
    tests = examples_of(file)
    assert tests is not None, f"{file.name} has no examples"
    return read_examples(str(tests), tests.read_text(encoding="utf-8")).examples


def _payload(case: Case, days: int) -> bytes:
    """The lines of an example, moved in time so that examples do not meet in one window."""
    moved = [{**event, **_moved(event, days)} for event in case.events]
    return msgspec.structs.replace(case, events=moved).payload()


def _moved(event: dict[str, Any], days: int) -> dict[str, str]:
    times = ("requestReceivedTimestamp", "stageTimestamp")
    moved = {name: datetime.fromisoformat(event[name]) + timedelta(days=days) for name in times}
    return {name: time.isoformat(timespec="microseconds").replace("+00:00", "Z") for name, time in moved.items()}


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
    """Examples that did not come out as expected, by file: all of them evaluated in one go, which takes seconds."""
    cases = [(file, case) for file in _FILES for case in _examples(file).tests]
    columns = fresh_columns()
    found = replay(columns, book, [[_payload(case, day) for day, (_, case) in enumerate(cases)]]).found
    columns.close()
    failed: dict[str, str] = {}
    for file, case in cases:
        fired = bool(found.get(_examples(file).rule, frozenset()) & {event["auditID"] for event in case.events})
        if fired is not case.expect:
            failed[file.stem] = f"{failed.get(file.stem, '')}\n{case.name} ({'fired' if fired else 'silent'})"
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
    assert _examples(file).rule == rule.id


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_a_detection_has_examples_for_and_against(file: Path) -> None:
    """At least one that fires and two that do not: somebody whose work looks alike, and the same thing refused."""
    cases = _examples(file).tests

    assert sum(case.expect for case in cases) >= 1
    assert sum(not case.expect for case in cases) >= 2
    assert len({case.name for case in cases}) == len(cases)


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_the_named_audit_level_is_shown(file: Path, book: RuleBook) -> None:
    """A rule of level Metadata has an example that fires without bodies; another one shows what it cannot see then."""
    rule = _rule(book, file)
    cases = _examples(file).tests
    lean = [case for case in cases if case.degrade or all(event["level"] == "Metadata" for event in case.events)]

    if rule.min_audit_level == "Metadata":
        assert any(case.expect for case in lean)
    else:
        assert any(case.degrade and not case.expect for case in cases)


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_examples_come_out_as_expected(file: Path, wrong: dict[str, str]) -> None:
    """The real engine agrees with every example."""
    assert wrong.get(file.stem, "") == ""


@pytest.mark.parametrize("slug", ["token-request", "rights-enumeration"])
def test_examples_run_one_by_one_as_the_command_runs_them(slug: str, columns: Columns) -> None:
    """A rule and a correlation, each example in a store of its own: what `tocsin rules test` does."""
    file = _PACKS / "detections" / f"{slug}.yml"
    tests = examples_of(file)
    assert tests is not None
    committer, numbers = Committer(columns, "w"), itertools.count(1)

    def load_lines(examples: Sequence[Lines]) -> None:
        deliveries = [Delivery(KUBERNETES_AUDIT, e.payload, ARRIVED, {"cluster": e.cluster}) for e in examples]
        committer.commit(next(numbers), deliveries, ARRIVED)

    located = read_examples(str(tests), tests.read_text(encoding="utf-8"))
    outcomes = list(run(columns, load_lines, load_paths([file]), [located], ARRIVED))

    assert len(outcomes) == len(located.examples.tests)
    assert [outcome for outcome in outcomes if not outcome.passed] == []


def test_nothing_is_amiss_with_any(book: RuleBook) -> None:
    """What `tocsin rules check` would remark."""
    assert lint(book) == []


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


def test_a_site_takes_an_exception_out_as_the_overview_shows(tmp_path: Path, columns: Columns) -> None:
    """The filter of the overview silences the rule for that account, and for nobody else."""
    (shown,) = re.findall(r"```yaml\n(.*?)```", (_PACKS / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "site.yml").write_text(shown, encoding="utf-8")
    book = load_paths([_PACKS / "detections" / "exec-by-service-account.yml", tmp_path])
    fires = next(case for case in _examples(_PACKS / "detections" / "exec-by-service-account.yml").tests if case.expect)
    excepted = [
        {**e, "auditID": "other", "user": {"username": "system:serviceaccount:qa:runner"}} for e in fires.events
    ]

    assert book.errors == ()
    outcome = replay(columns, book, [[fires.payload(), msgspec.structs.replace(fires, events=excepted).payload()]])

    assert set().union(*outcome.found.values()) == {event["auditID"] for event in fires.events}
