"""Examples of rules run through the very detector."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.rules.support import SECRETS, T0, base, book, correlation, event, put
from tocsin.model.errors import InvalidInput, RuleError
from tocsin.rules.unit_tests import Lines, Load, Outcome, example_files, read_examples, run
from tocsin.store.base import Columns

EXAMPLES = """
rule: 11111111-0000-4000-8000-000000000001
tests:
  - name: a secret
    expect: true
    events: [{auditID: a, verb: get, resource: secrets}]
  - name: a pod
    expect: false
    events: [{auditID: a, verb: get, resource: pods}]
  - name: wrongly silent
    expect: true
    events: [{auditID: a, verb: get, resource: pods}]
  - name: wrongly loud
    expect: false
    events: [{auditID: a, verb: get, resource: secrets}]
"""


@pytest.fixture
def load(columns: Columns) -> Load:
    """Stores flat events, as this file has them."""

    def store(examples: Sequence[Lines]) -> None:
        for each in examples:
            assert each.table == "audit"
            rows = [json.loads(line) for line in each.payload.splitlines()]
            put(
                columns,
                1,
                [
                    event(r["auditID"], n, verb=r["verb"], resource=r["resource"], cluster=each.cluster)
                    for n, r in enumerate(rows)
                ],
            )

    return store


def outcomes(columns: Columns, load: Load, rules: str, examples: str) -> list[Outcome]:
    return list(run(columns, load, book(rules), [read_examples("x.tests.yml", examples)], T0))


def test_each_example_says_whether_the_rule_did_as_expected(columns: Columns, load: Load) -> None:
    found = outcomes(columns, load, SECRETS, EXAMPLES)
    assert [(o.name, o.passed) for o in found] == [
        ("a secret", True),
        ("a pod", True),
        ("wrongly silent", False),
        ("wrongly loud", False),
    ]
    assert found[2].rule == "Secret read"
    assert str(found[2].location) == "x.tests.yml:10:5"
    assert "does not raise" in found[2].message
    assert "should not" in found[3].message


def test_a_correlation_is_tested_with_the_rules_it_refers_to(columns: Columns, load: Load) -> None:
    rules = correlation(
        "  type: event_count\n  rules: [read]\n  timespan: 10s\n  condition: {gte: 2}\n", [base("read", verb="get")]
    )
    one, two = "{auditID: a, verb: get, resource: pods}", "{auditID: b, verb: get, resource: pods}"
    found = outcomes(
        columns,
        load,
        rules,
        "rule: Burst\ntests:\n"
        f"  - {{name: two, expect: true, events: [{one}, {two}]}}\n"
        f"  - {{name: one, expect: true, events: [{one}]}}\n",
    )
    assert [o.passed for o in found] == [True, False]
    assert found[1].message == "it does not raise the rule; it raises: read"


def test_examples_do_not_see_each_other(columns: Columns, load: Load) -> None:
    """Each is judged alone, though all are evaluated in one go and speak of the same events."""
    rules = correlation(
        "  type: event_count\n  rules: [read]\n  timespan: 10s\n  condition: {gte: 2}\n", [base("read", verb="get")]
    )
    one, two = "{auditID: a, verb: get, resource: pods}", "{auditID: b, verb: get, resource: pods}"
    alone = "".join(f"  - {{name: alone-{n}, expect: false, events: [{one}]}}\n" for n in range(3))
    both = "".join(f"  - {{name: both-{n}, expect: true, events: [{one}, {two}]}}\n" for n in range(3))
    assert [o.message for o in outcomes(columns, load, rules, f"rule: Burst\ntests:\n{alone}{both}{alone}")] == [""] * 9


def test_what_a_server_would_reject_proves_nothing(columns: Columns) -> None:
    def reject(examples: Sequence[Lines]) -> None:
        put(columns, 1, [{"cluster": examples[0].cluster, "reason": "auditID is missing"}], table="rejected")

    found = outcomes(columns, reject, SECRETS, EXAMPLES.replace("expect: true", "expect: false"))
    assert [o.passed for o in found] == [False, True, True, True]
    assert found[0].message == "a server would reject an event of it: auditID is missing"


def test_an_unknown_rule_fails_each_of_its_examples(columns: Columns, load: Load) -> None:
    found = outcomes(columns, load, SECRETS, EXAMPLES.replace("0001", "0009"))
    assert [o.passed for o in found] == [False] * 4
    assert "no rule" in found[0].message


def test_a_store_with_data_is_left_alone(columns: Columns, load: Load) -> None:
    put(columns, 1, [event("mine")])
    with pytest.raises(InvalidInput, match="empty store"):
        outcomes(columns, load, SECRETS, EXAMPLES)


@pytest.mark.parametrize(
    ("level", "kept"), [("Metadata", ["auditID", "level"]), ("Request", ["auditID", "level", "requestObject"])]
)
def test_degrading_leaves_what_the_policy_would_have_left(level: str, kept: list[str]) -> None:
    text = (
        "rule: x\ntests:\n  - name: n\n    expect: true\n"
        f"    degrade: {level}\n    events: [{{auditID: a, requestObject: {{}}, responseObject: {{}}}}]\n"
    )
    case = read_examples("f", text).examples.tests[0]
    assert sorted(json.loads(case.payload())) == kept
    assert json.loads(case.payload())["level"] == level


def test_times_that_yaml_reads_as_times_stay_times() -> None:
    text = "rule: x\ntests: [{name: n, expect: true, events: [{stageTimestamp: 2026-11-24T10:00:00.5Z}]}]\n"
    line = json.loads(read_examples("f", text).examples.tests[0].payload())
    assert line == {"stageTimestamp": "2026-11-24T10:00:00.500000Z"}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("rule: x\ntests:\n  - name: n\n    expect: maybe\n", 4, "tests[0].expect"),
        ("rule: x\ntests:\n  - name: n\n    expect: true\n    evnts: []\n", 3, "evnts"),
        ("rule: x\n", 1, "tests"),
        ("rule: [\n", 2, ""),
        ("a: 1\n---\nb: 2\n", 1, "one document"),
    ],
)
def test_a_wrong_file_is_an_error_with_its_place(text: str, line: int, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        read_examples("f.tests.yml", text)
    assert caught.value.location is not None
    assert caught.value.location.line == line
    assert message in str(caught.value)


def test_files_of_examples_are_found(tmp_path: Path) -> None:
    write: Callable[[str], Path] = lambda name: tmp_path / name  # noqa: E731 - a name for a path
    for name in ("a.yml", "a.tests.yml", "b.yml"):
        write(name).write_text("")
    assert example_files([tmp_path]) == [write("a.tests.yml")]
    assert example_files([write("a.yml"), write("b.yml")]) == [write("a.tests.yml")]
    assert example_files([write("a.tests.yml")]) == [write("a.tests.yml")]
