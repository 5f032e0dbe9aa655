"""Texts are harmless, bounded, and otherwise as they were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.notify.texts import encodable, line, link, moment, plural


@given(st.text(st.characters(), max_size=300), st.integers(1, 100))
def test_a_line_is_one_line_within_its_limit_and_can_be_encoded(text: str, limit: int) -> None:
    shown = line(text, limit)
    assert len(shown) <= limit
    assert len(shown.splitlines()) <= 1
    shown.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  two\n lines\tand  tabs ", "two lines and tabs"),
        ("Łódź 🦊 日本", "Łódź 🦊 日本"),
        ("\x1b[31mred", "�[31mred"),
        ("a\ud800b", "a�b"),
        ("user\u202egnp.exe", "user�gnp.exe"),
        ("x" * 21, "x" * 19 + "…"),
        ("x" * 20, "x" * 20),
    ],
)
def test_lines(text: str, shown: str) -> None:
    assert line(text, 20) == shown


def test_a_text_of_spaces_and_more_after_them_is_marked_as_cut() -> None:
    assert line("a" + " " * 10_000 + "b", 20) == "a…"


def test_only_lone_surrogates_are_replaced() -> None:
    assert encodable("a\x00\ud800🦊") == "a\x00�🦊"


@pytest.mark.parametrize(
    "url", ["https://runbooks.example/a?b=c&d=%20#e", "http://10.0.0.7:8080/", "https://[2001:db8::1]/x"]
)
def test_links_pass(url: str) -> None:
    assert link(url) == url


@pytest.mark.parametrize(
    "url",
    [
        *("", "javascript:alert(1)", "ftp://example.com", "https://e.example/a b", "https://e.example/<b>"),
        *('https://e.example/"', "https://e.example/a|b", "https://e.example/\n", "https://e.example/" + "x" * 2000),
    ],
)
def test_what_is_no_whole_harmless_link_is_left_out(url: str) -> None:
    assert link(url) == ""


def test_times_are_told_in_utc() -> None:
    there = datetime(2026, 3, 1, 14, 0, 3, 999, tzinfo=timezone(timedelta(hours=2)))
    assert moment(there) == moment(there.astimezone(UTC)) == "2026-03-01 12:00:03 UTC"


def test_plurals() -> None:
    assert [plural(number, "event") for number in (0, 1, 2, 12345)] == [
        *("0 events", "1 event", "2 events", "12,345 events")
    ]
