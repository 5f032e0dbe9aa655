"""Summaries: templates, and what comes of them in SQL and in Python."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.support import event, put
from tocsin.rules.summaries import Field, default_sql, fill, parse, to_sql
from tocsin.store.base import Columns
from tocsin.store.sql import Sql, bind, compose


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", ()),
        ("plain", ("plain",)),
        ("{a.b} did {c}", (Field("a.b"), " did ", Field("c"))),
        ("{ a }", (Field("a"),)),
        ("{{a}}", ("{", "a", "}")),
        ("{a[0].b/c}", (Field("a[0].b/c"),)),
    ],
)
def test_templates(text: str, pieces: tuple[str | Field, ...]) -> None:
    assert parse(text) == pieces


@pytest.mark.parametrize(("text", "place"), [("{a", 1), ("a}", 2), ("{}", 1), ("{{a}", 4)])
def test_a_brace_alone_is_an_error_that_says_where(text: str, place: int) -> None:
    with pytest.raises(ValueError, match=f"character {place}"):
        parse(text)


@given(st.text())
def test_any_text_can_be_quoted(text: str) -> None:
    quoted = text.replace("{", "{{").replace("}", "}}")
    assert "".join(str(piece) for piece in parse(quoted)) == text


@given(st.dictionaries(st.sampled_from("abc"), st.text()))
def test_filled_in_it_is_one_short_printable_line(values: dict[str, str]) -> None:
    filled = fill(parse("{a}-{b}-{c}"), values)
    assert filled.isprintable()
    assert len(filled) <= 500


@pytest.mark.parametrize("text", ["{v}", "it's {{{v}}} \\ %", "", "no field"])
def test_sql_and_python_agree(columns: Columns, text: str) -> None:
    template = parse(text)
    (row,) = columns.fetch(compose("SELECT {e} AS e", e=to_sql(template, lambda _: bind("ü'\\{x}"))))
    assert row["e"] == fill(template, {"v": "ü'\\{x}"})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "alice get secrets prod/db -> 200"),
        ({"subresource": "exec", "resource": "pods"}, "alice get pods/exec prod/db -> 200"),
        ({"user": "", "code": 401}, "unauthenticated get secrets prod/db -> 401"),
        ({"impersonated_user": "root", "namespace": ""}, "alice as root get secrets db -> 200"),
        ({"name": ""}, "alice get secrets prod -> 200"),
        ({"resource": "", "request_uri": "/metrics?x=1", "code": 0}, "alice get /metrics"),
    ],
)
def test_without_a_template_it_says_who_did_what(columns: Columns, changes: dict[str, Any], expected: str) -> None:
    put(columns, 1, [event("a", **changes)])
    (row,) = columns.fetch(compose("SELECT {e} AS e FROM audit", e=default_sql("audit")))
    assert row["e"] == expected


def test_of_a_log_line_it_says_from_where(columns: Columns) -> None:
    line = {"time": event("")["time"], "namespace": "prod", "pod": "web-1", "line": "boom\tbang"}
    put(columns, 1, [line], table="logs")
    (row,) = columns.fetch(Sql("SELECT ") + default_sql("logs") + Sql(" AS e FROM logs"))
    assert row["e"] == "prod/web-1: boom bang"
