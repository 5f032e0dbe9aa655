"""Remarks about rules that run."""

from __future__ import annotations

from pathlib import Path

from tests.rules.support import SECRETS, base, correlation
from tocsin.rules.lint import CHECKS, lint
from tocsin.rules.loading import build, load, load_paths
from tocsin.rules.settings import RulesSettings


def checks(text: str, file: str = "f.yml") -> list[str]:
    return [finding.check for finding in lint(build([(file, text)]))]


def test_a_bare_rule_lacks_much() -> None:
    text = base("bare", verb="get")
    assert checks(text) == ["no-description", "no-owner", "no-runbook", "no-techniques"]


def test_a_complete_rule_lacks_nothing() -> None:
    assert checks(SECRETS.replace("runbook: secrets", "runbook: https://example.org/r") + "  owner: sre\n") == []


def test_a_runbook_that_does_not_ship_is_noticed() -> None:
    assert "no-runbook" in checks(SECRETS)


def test_rules_that_only_feed_correlations_need_none_of_it() -> None:
    text = correlation(
        "  type: event_count\n  rules: [read]\n  timespan: 1m\n  condition: {gte: 2}\n", [base("read", verb="get")]
    )
    assert {finding.rule for finding in lint(build([("f.yml", text)]))} == {"Burst"}


def test_a_rule_that_looks_into_bodies_should_say_which_level_it_needs() -> None:
    into = SECRETS.replace("objectRef.resource: secrets", "requestObject.kind: Secret")
    assert "no-audit-level" in checks(into)
    assert "no-audit-level" not in checks(into + "  min_audit_level: Request\n")


def test_a_search_through_whole_events_is_expensive() -> None:
    keywords = SECRETS.replace("selection: {verb: get, objectRef.resource: secrets}", "selection: [xmrig]")
    assert "whole-events" in checks(keywords)


def test_examples_are_asked_for_where_there_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(SECRETS)
    assert "no-tests" in [f.check for f in lint(load_paths([tmp_path]))]
    (tmp_path / "a.tests.yml").write_text("")
    assert "no-tests" not in [f.check for f in lint(load_paths([tmp_path]))]


def test_two_alerting_rules_of_one_title_cannot_be_told_apart() -> None:
    twin = SECRETS.replace("0001", "0002").replace("name: secret_read\n", "")
    findings = lint(build([("a.yml", SECRETS), ("b.yml", twin)]))
    (same,) = [f for f in findings if f.check == "same-title"]
    assert (same.location.file, "a.yml" in same.message) == ("b.yml", True)


def test_what_ships_is_without_remarks() -> None:
    book = load(RulesSettings())
    assert [str(error) for error in book.errors] == []
    assert [str(finding) for finding in (*book.warnings, *lint(book))] == []


def test_every_check_has_a_reader() -> None:
    assert all(look.__name__ == f"_{name.replace('-', '_')}" for name, look in CHECKS.items())
