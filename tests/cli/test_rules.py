"""Checking and testing rules without a server, and listing those of one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.api.serving import make_rule
from tests.cli.conftest import Tool
from tocsin.cli import main
from tocsin.model.errors import Location, RuleError

RULE = """\
title: Secrets listed
id: 6f5c1a8e-0c5e-4c58-9b59-0f1b6f0a9c01
status: test
description: Somebody lists secrets.
level: high
tags: [attack.t1552.007]
logsource: {product: kubernetes, service: audit}
detection:
  selection: {verb: list, objectRef.resource: secrets}
  condition: selection
"""
EVENT = """{level: Metadata, auditID: a, stage: ResponseComplete, verb: VERB, user: {username: bob},
      objectRef: {resource: secrets}, responseStatus: {code: 200}, requestURI: /api/v1/secrets,
      requestReceivedTimestamp: '2026-11-24T08:00:00.000000Z', stageTimestamp: '2026-11-24T08:00:00.000000Z'}"""
EXAMPLES = f"""\
rule: 6f5c1a8e-0c5e-4c58-9b59-0f1b6f0a9c01
tests:
  - name: a list
    expect: true
    events:
    - {EVENT.replace("VERB", "list")}
  - name: a get
    expect: false
    events:
    - {EVENT.replace("VERB", "get")}
"""


def tocsin(*arguments: str) -> Result:
    return CliRunner().invoke(main.app, list(arguments))


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A rule with its examples."""
    (tmp_path / "secrets.yml").write_text(RULE)
    (tmp_path / "secrets.tests.yml").write_text(EXAMPLES)
    return tmp_path


@pytest.mark.parametrize("place", ["", "secrets.yml", "secrets.tests.yml"])
def test_examples_are_run(rules: Path, place: str) -> None:
    result = tocsin("rules", "test", str(rules / place), "--verbose")
    assert result.exit_code == 0, result.output
    assert "Secrets listed: a list: ok" in result.stdout
    assert result.stdout.endswith("2 examples passed, 0 failed\n")


def test_an_example_that_fails_is_told_with_its_place(rules: Path) -> None:
    (rules / "secrets.tests.yml").write_text(EXAMPLES.replace("expect: false", "expect: true"))
    result = tocsin("rules", "test", str(rules))
    assert result.exit_code == 1
    assert "secrets.tests.yml:9" in result.stderr
    assert "a get: it does not raise the rule" in result.stderr
    assert "1 examples passed, 1 failed" in result.stdout


def test_an_example_that_a_server_would_reject_proves_nothing(rules: Path) -> None:
    (rules / "secrets.tests.yml").write_text(EXAMPLES.replace("auditID: a, ", ""))
    result = tocsin("rules", "test", str(rules))
    assert result.exit_code == 1
    assert "secrets.tests.yml:9" in result.stderr
    assert "a get: a server would reject an event of it: " in result.stderr


def test_no_examples_is_no_success(rules: Path) -> None:
    (rules / "secrets.tests.yml").unlink()
    assert tocsin("rules", "test", str(rules)).exit_code == 1


def test_a_broken_file_of_examples_is_told(rules: Path) -> None:
    (rules / "secrets.tests.yml").write_text("rule: x\ntests: [{name: y}]\n")
    result = tocsin("rules", "test", str(rules))
    assert result.exit_code == 1
    assert "secrets.tests.yml:2" in result.stderr


def test_check_tells_errors_and_remarks_apart(rules: Path) -> None:
    fine = tocsin("rules", "check", str(rules))
    assert fine.exit_code == 0
    assert "no-runbook" in fine.stderr
    assert fine.stdout.startswith("1 rules, 0 errors, ")
    assert tocsin("rules", "check", str(rules), "--strict").exit_code == 1
    (rules / "bad.yml").write_text(RULE.replace("condition: selection", "condition: selektion"))
    bad = tocsin("rules", "check", str(rules))
    assert bad.exit_code == 1
    assert "bad.yml" in bad.stderr


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    result = tocsin("rules", "check", str(tmp_path / "none"))
    assert result.exit_code == 1
    assert "no such file" in result.stderr


def test_the_rules_of_a_server(tool: Tool) -> None:
    tool.running.rules = [make_rule("Shell")]
    tool.running.errors = [RuleError("no field", Location("bad.yml", 3))]
    assert tool("rules", "list").stdout.splitlines()[1].split()[:2] == ["high", "Shell"]
    assert json.loads(tool("rules", "list", "--json").stdout)["title"] == "Shell"
    assert tool("rules", "list", "--errors").stdout == "bad.yml:3: no field\n"


def test_programs_get_json_lines(rules: Path) -> None:
    (rules / "secrets.tests.yml").write_text(EXAMPLES.replace("expect: false", "expect: true"))
    (rules / "bad.yml").write_text(RULE.replace("condition: selection", "condition: selektion"))
    tested = tocsin("rules", "test", str(rules), "--json")
    broken, listed, got = (json.loads(line) for line in tested.stdout.splitlines())
    assert tested.exit_code == 1
    assert (broken["example"], broken["passed"], broken["line"]) == ("", False, 10)
    assert (listed["rule"], listed["example"], listed["passed"], listed["message"]) == (
        "Secrets listed",
        "a list",
        True,
        "",
    )
    assert (got["example"], got["passed"], got["line"]) == ("a get", False, 9)
    assert got["file"].endswith("secrets.tests.yml")
    checked = tocsin("rules", "check", str(rules), "--json")
    found = [json.loads(line) for line in checked.stdout.splitlines()]
    assert checked.exit_code == 1
    assert [each["kind"] for each in found][:2] == ["error", "remark"]
    assert found[0]["file"].endswith("bad.yml")
    assert {"no-runbook"} <= {each["check"] for each in found}
