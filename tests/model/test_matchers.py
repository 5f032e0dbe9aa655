"""Label matchers: what they match, how they are read, and that no text makes them hang or crash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.model.errors import InvalidInput
from tocsin.model.matchers import PATTERN_LIMIT, Matcher, Operator, match_all, parse_matchers

LABELS = {"namespace": "prod", "user": "system:node:a", "text": "one\ntwo"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('namespace="prod"', True),
        ('namespace="pro"', False),
        ('namespace!="prod"', False),
        ('namespace!="dev"', True),
        ('namespace=~"pro"', False),
        ('namespace=~"pro.*"', True),
        ('namespace=~"dev|prod"', True),
        ('namespace!~"p.*"', False),
        ('namespace!~"ro"', True),
        ('text=~"one.*"', True),
        ('missing=""', True),
        ('missing!="x"', True),
        ('missing=~".+"', False),
        ('missing!~".+"', True),
    ],
)
def test_a_matcher_is_anchored_and_takes_a_missing_label_as_empty(text: str, expected: bool) -> None:
    assert match_all(parse_matchers(text), LABELS) is expected


def test_all_matchers_must_hold_and_none_match_everything() -> None:
    assert match_all(parse_matchers('{namespace="prod",user=~"system:.*"}'), LABELS)
    assert not match_all(parse_matchers('{namespace="prod",user=~"admin"}'), LABELS)
    assert match_all((), LABELS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", []),
        ("", []),
        (" { a = b , c != d e } ", [("a", "=", "b"), ("c", "!=", "d e")]),
        ('{a="b,c}",d=~"x\\"y",}', [("a", "=", "b,c}"), ("d", "=~", 'x"y')]),
        (r'a="line\nnext\\",b=~"\d+"', [("a", "=", "line\nnext\\"), ("b", "=~", r"\d+")]),
        ('"app.kubernetes.io/name"="web"', [("app.kubernetes.io/name", "=", "web")]),
        ("a=", [("a", "=", "")]),
    ],
)
def test_lists_are_read_as_alertmanager_writes_them(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert [(m.name, m.op, m.value) for m in parse_matchers(text)] == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{a=b", "closing brace"),
        ("{", "closing brace"),
        ("a", "column 1"),
        ("a=b,,c=d", "column 5"),
        ('a="b" c="d"', "column 7"),
        ('a="b', "column 3"),
        ('a=~"("', "regular expression"),
        ('a=~"(?=x)"', "regular expression"),
        ('a=~"\ud800"', "not Unicode"),
        (f'a=~"{"x" * (PATTERN_LIMIT + 1)}"', "2001 characters"),
    ],
)
def test_wrong_lists_say_where_and_what_was_expected(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        parse_matchers(text)


def test_a_hostile_expression_takes_linear_time() -> None:
    assert not Matcher("a", "=~", "(a+)+b").matches({"a": "a" * 50_000})


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.sampled_from(["=", "!="]), st.text())
def test_what_is_written_is_read_back(name: str, op: Operator, value: str) -> None:
    matcher = Matcher(name, op, value)
    assert parse_matchers("{" + str(matcher) + "}") == (matcher,)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_matchers(text)
    except InvalidInput:
        return
