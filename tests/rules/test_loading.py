"""Rule files become a rule book; what is wrong is reported with its place, and the rest runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.support import SECRETS, base, correlation
from tocsin.model.severity import Severity
from tocsin.rules.kinds import KINDS
from tocsin.rules.loading import build, load, load_paths
from tocsin.rules.settings import RulesSettings

READ = base("read", verb="get")
COUNT = "  type: event_count\n  rules: [read]\n  timespan: 10s\n  condition: {gte: 3}\n"


def test_a_bad_rule_does_not_stop_the_others() -> None:
    bad = "title: Bad\nlogsource: {product: kubernetes, service: audit}\ndetection:\n  selection: {verb: get}\n"
    book = build([("bad.yml", bad), ("no-yaml.yml", "a: [\n"), ("good.yml", SECRETS)])
    assert [rule.title for rule in book.rules] == ["Secret read"]
    assert {error.location.file for error in book.errors if error.location} == {"bad.yml", "no-yaml.yml"}


@pytest.mark.parametrize(
    ("keys", "line", "message"),
    [
        ("  queit: 5m\n", 15, "unknown key 'queit'"),
        ("  quiet: 5 parsecs\n", 15, "is not a duration"),
        ("  quiet: 5\n", 15, "is not a duration"),
        ("  min_audit_level: Everything\n", 15, "Everything"),
        ("  entity:\n    user: user.username\n    alertname: verb\n", 17, "is set by Tocsin itself"),
        ("  entity:\n    bad-name: verb\n", 16, "is not a label name"),
        ("  summary: '{user.username'\n", 15, "double it to mean itself"),
    ],
)
def test_a_wrong_key_of_ours_is_an_error_with_its_line(keys: str, line: int, message: str) -> None:
    text = SECRETS[: SECRETS.index("tocsin:")].lstrip() + "author: x\nstatus: test\ndate: 2026-01-01\ntocsin:\n" + keys
    (error,) = build([("rule.yml", text)]).errors
    assert error.location is not None
    assert (error.location.file, error.location.line) == ("rule.yml", line)
    assert error.key.startswith("tocsin.")
    assert message in str(error)


def test_the_same_id_twice_is_an_error_that_names_both_places() -> None:
    book = build([("one.yml", SECRETS), ("two.yml", SECRETS)])
    assert len(book.rules) == 1
    (error,) = book.errors
    assert "two.yml" in str(error)
    assert "one.yml" in str(error)


def test_the_same_title_twice_without_ids_is_an_error_too() -> None:
    text = base("x", verb="get").replace("name: x\n", "")
    assert len(build([("one.yml", text), ("two.yml", text)]).errors) == 1


def test_retired_rules_are_left_out_with_a_warning() -> None:
    book = build([("r.yml", SECRETS + "status: deprecated\n")])
    assert book.rules == ()
    assert [warning.check for warning in book.warnings] == ["retired"]


def test_a_rule_without_level_is_medium_with_a_warning() -> None:
    book = build([("r.yml", SECRETS.replace("level: high\n", ""))])
    assert book.rules[0].severity is Severity.MEDIUM
    assert [warning.check for warning in book.warnings] == ["no-level"]


@pytest.mark.parametrize("key", ["11111111-0000-4000-8000-000000000001", "secret_read", "Secret read"])
def test_disabled_by_id_name_or_title(key: str) -> None:
    assert build([("r.yml", SECRETS)], disabled=[key]).rules == ()


def test_disabling_what_is_not_there_is_a_warning() -> None:
    (warning,) = build([("r.yml", SECRETS)], disabled=["nonsense"]).warnings
    assert "nonsense" in warning.message


def test_rules_that_only_feed_a_correlation_do_not_alert() -> None:
    book = build([("f.yml", correlation(COUNT, [READ]))])
    assert [(rule.title, rule.alerting) for rule in book.all()] == [("read", False), ("Burst", True)]


def test_nor_do_they_when_the_correlation_is_broken() -> None:
    book = build([("f.yml", correlation(COUNT.replace("10s", "soon"), [READ]))])
    assert len(book.errors) == 1
    assert list(book.all()) == []


def test_nor_when_it_is_disabled() -> None:
    book = build([("f.yml", correlation(COUNT, [READ]))], disabled=["Burst"])
    assert list(book.all()) == []


def test_a_correlation_whose_rule_does_not_run_is_an_error() -> None:
    broken = READ.replace('"get"}', '"get", "x|re": "("}')
    book = build([("f.yml", correlation(COUNT, [broken]))])
    assert book.correlations == ()
    assert len(book.errors) == 2
    book = build([("f.yml", correlation(COUNT, [READ]))], disabled=["read"])
    assert "does not run" in str(book.errors[0])


def test_references_reach_over_files() -> None:
    book = build([("b.yml", correlation(COUNT)), ("a.yml", READ)])
    assert book.correlations[0].bases == ("read",)


def test_paths_are_files_or_directories_and_examples_are_not_rules(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.yaml").write_text(SECRETS)
    (tmp_path / "deep" / "a.tests.yaml").write_text("rule: x\ntests: []\n")
    (tmp_path / "b.txt").write_text(READ)
    (tmp_path / "latin.yml").write_bytes(b"title: \xff\n")
    book = load_paths([tmp_path, tmp_path / "deep" / "a.yaml", tmp_path / "b.txt", tmp_path / "absent"])
    assert [rule.title for rule in book.rules] == ["Secret read", "read"]
    assert sorted(Path(error.location.file).name for error in book.errors if error.location) == ["absent", "latin.yml"]


def test_settings_name_the_rules(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text(SECRETS)
    own = load(RulesSettings(packs=False, paths=("mine.yml",)), tmp_path)
    assert [rule.title for rule in own.all()] == ["Secret read"]
    assert len(list(load(RulesSettings()).all())) >= 15


def test_every_kind_is_in_the_table() -> None:
    book = build([("f.yml", correlation(COUNT, [READ]))])
    assert {type(rule) for rule in book.all()} == set(KINDS.values())
