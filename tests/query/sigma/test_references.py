"""References from correlations to rules: by id or name, over files, in order, without circles."""

from __future__ import annotations

import pytest

from tests.query.sigma.support import rules_of
from tocsin.query.sigma.syntax import parse

RULE = """
title: Rule NAME
name: NAME
logsource: {product: kubernetes, service: audit}
detection: {selection: {verb: get}, condition: selection}
"""


def rule(name: str) -> str:
    return RULE.replace("NAME", name)


def correlation(name: str, *references: str) -> str:
    return f"""
title: Correlation {name}
name: {name}
correlation:
  type: temporal
  rules: [{", ".join(references)}]
  timespan: 5m
"""


def test_rules_come_before_what_refers_to_them() -> None:
    rules = rules_of(
        correlation("top", "middle", "b"), correlation("middle", "a", "b"), rule("b"), rule("c"), rule("a")
    )
    assert [each.name for each in rules] == ["a", "b", "middle", "top", "c"]


def test_a_rule_can_be_named_by_its_id() -> None:
    base = rule("a").replace("name: a", "id: 11111111-1111-4111-8111-111111111111")
    rules = rules_of(correlation("c", "11111111-1111-4111-8111-111111111111"), base)
    assert [each.title for each in rules] == ["Rule a", "Correlation c"]


@pytest.mark.parametrize(
    ("files", "reasons", "left"),
    [
        ([correlation("c", "nobody")], ["no rule with the id or name 'nobody'"], []),
        ([correlation("c", "c")], ["refers to itself"], []),
        ([correlation("c", "d"), correlation("d", "c"), rule("a")], ["'c'", "'d' is wrong itself"], ["a"]),
        ([correlation("c", "d", "a"), correlation("d", "nobody"), rule("a")], ["'nobody'", "'d' is wrong"], ["a"]),
        ([correlation("c", "a"), rule("a").replace("verb", "verb|x")], ["Unknown modifier", "'a'"], []),
    ],
)
def test_what_refers_to_nothing_good_is_left_out(files: list[str], reasons: list[str], left: list[str]) -> None:
    parsed = parse([(f"{number}.yml", text) for number, text in enumerate(files)])
    assert [each.name for each in parsed.rules] == left
    assert len(parsed.errors) == len(reasons)
    for error, reason in zip(parsed.errors, reasons, strict=True):
        assert reason in error.message
        assert error.location is not None
        assert error.location.line > 0
