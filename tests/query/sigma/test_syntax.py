"""Sigma files: what is read, what is refused and where."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.query.sigma.support import rules_of
from tocsin.query.sigma.syntax import location_of, parse, rule_key

GOOD = """
title: A good rule
id: 11111111-1111-4111-8111-111111111111
logsource: {product: kubernetes, service: audit}
detection:
  selection:
    verb: create
  condition: selection
"""


def with_line(line: str, after: str = "    verb: create") -> str:
    """`GOOD` with a line put after another."""
    return GOOD.replace(after, f"{after}\n{line}")


@pytest.mark.parametrize(
    ("text", "place", "key", "reason"),
    [
        (with_line("    user|nonsense: x"), "8:5", "detection.selection.user|nonsense", "Unknown modifier"),
        (with_line("    user|re: '('"), "8:5", "detection.selection.user|re", "missing )"),
        (with_line("    user|cidr: 1.2.3.4/8"), "8:5", "detection.selection.user|cidr", "host bits"),
        (with_line("    user|gt: five"), "8:5", "detection.selection.user|gt", "incompatible"),
        (GOOD.replace("condition: selection", "condition: selektion"), "8:3", "detection.condition", "selektion"),
        (GOOD.replace("condition: selection", "condition: 1 of x*"), "8:3", "detection.condition", "x*"),
        (GOOD.replace("condition: selection", "condition: selection and"), "8:3", "detection.condition", "Expected"),
        (
            GOOD.replace("condition: selection", "condition: selection | count() > 5"),
            "8:3",
            "detection.condition",
            "pipe",
        ),
        (GOOD.replace("  condition: selection\n", ""), "5:1", "detection.condition", "condition"),
        (GOOD.replace("title: A good rule\n", ""), "2:1", "title", "must have a title"),
        (GOOD.replace("11111111-1111-4111-8111-111111111111", "mine"), "3:1", "id", "UUID"),
        (GOOD.replace("11111111-1111-4111-8111-111111111111", "5"), "3:1", "id", "UUID"),
        (GOOD + "level: terrible\n", "9:1", "level", "terrible"),
        (GOOD.replace("logsource: {product: kubernetes, service: audit}\n", ""), "2:1", "logsource", "log source"),
        ("- a\n- b\n", "1:1", "", "a rule is a map"),
        ("title: [\n", "2:1", "", "expected"),
        ("title: a\ntitle: b\n", "2:1", "", "stands twice"),
        ("action: destroy\n", "1:1", "", "action 'destroy' is unknown"),
    ],
)
def test_a_bad_rule_is_reported_and_the_others_stay(text: str, place: str, key: str, reason: str) -> None:
    other = GOOD.replace("11111111", "22222222")
    parsed = parse([("bad.yml", text), ("good.yml", other)])
    (error,) = parsed.errors
    assert f"{error.location}" == f"bad.yml:{place}"
    assert error.key == key
    assert reason in error.message
    assert [rule.title for rule in parsed.rules] == ["A good rule"]


def test_a_part_of_a_rule_can_be_found_again() -> None:
    (rule,) = rules_of("# a remark\n---" + GOOD)
    assert str(location_of(rule)) == "rules-0.yml:3:1"
    assert str(location_of(rule, ["detection", "selection", "verb"])) == "rules-0.yml:8:5"
    assert rule_key(rule) == "11111111-1111-4111-8111-111111111111"


def test_two_rules_cannot_have_one_id() -> None:
    parsed = parse([("a.yml", GOOD), ("b.yml", GOOD)])
    assert len(parsed.rules) == 1
    (error,) = parsed.errors
    assert str(error).startswith("b.yml:3:1: id: ")
    assert "a.yml:2:1" in str(error)


def test_a_global_document_completes_the_next_ones() -> None:
    rules = rules_of(
        """
action: global
level: high
logsource: {product: kubernetes, service: audit}
---
title: One
detection: {selection: {verb: get}, condition: selection}
---
title: Two
detection: {selection: {verb: list}, condition: selection}
---
action: repeat
title: Two again
---
action: reset
---
"""
    )
    assert [(rule.title, str(rule.level).lower()) for rule in rules] == [
        ("One", "high"),
        ("Two", "high"),
        ("Two again", "high"),
    ]


FILTER = """
title: Not our gardeners
logsource: {product: kubernetes}
filter:
  rules: RULES
  selection:
    user.username: gardener
  condition: CONDITION
"""


@pytest.mark.parametrize("reference", ["any", "[11111111-1111-4111-8111-111111111111]", "[]"])
def test_a_filter_changes_the_rules_it_names(reference: str) -> None:
    text = FILTER.replace("RULES", reference).replace("CONDITION", "not selection")
    (rule,) = rules_of(GOOD, text)
    assert "and (not _filt_" in rule.detection.condition[0]  # type: ignore[union-attr]


def test_a_filter_for_another_rule_changes_nothing() -> None:
    text = FILTER.replace("RULES", "[33333333-3333-4333-8333-333333333333]").replace("CONDITION", "not selection")
    (rule,) = rules_of(GOOD, text)
    assert rule.detection.condition == ["selection"]  # type: ignore[union-attr]


def test_a_bad_filter_is_reported() -> None:
    parsed = parse(
        [("good.yml", GOOD), ("f.yml", FILTER.replace("RULES", "any").replace("  condition: CONDITION\n", ""))]
    )
    (error,) = parsed.errors
    assert str(error.location) == "f.yml:4:1"
    assert len(parsed.rules) == 1


@settings(max_examples=200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text("a|*%:[]{}-", max_size=6),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["title", "id", "logsource", "detection", "condition", "correlation", "filter", "rules", "a|re"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=10,
    )
)
def test_no_document_can_break_the_reading_of_others(content: object) -> None:
    parsed = parse([("any.yml", json.dumps(content)), ("good.yml", GOOD)])
    assert "A good rule" in [rule.title for rule in parsed.rules]
