"""Moments as people write them."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.kit.moments import parse_moment

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("1h", NOW - timedelta(hours=1)),
        ("1h30m", NOW - timedelta(minutes=90)),
        ("-15m", NOW - timedelta(minutes=15)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-11-23", datetime(2026, 11, 22, 22, 0, tzinfo=UTC)),
        ("2026-11-23T09:00", datetime(2026, 11, 23, 7, 0, tzinfo=UTC)),
        ("2026-11-23T09:00:00Z", datetime(2026, 11, 23, 9, 0, tzinfo=UTC)),
        (" 2026-11-23 09:00:00.5+01:00 ", datetime(2026, 11, 23, 8, 0, 0, 500000, tzinfo=UTC)),
    ],
)
def test_moments(text: str, expected: datetime) -> None:
    assert parse_moment(text, NOW, EAST) == expected


@pytest.mark.parametrize("text", ["", "soon", "1 hour", "2026-13-01", "0001-01-01", "9999-12-31", "100000y"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=r"no time|outside"):
        parse_moment(text, NOW)


@given(st.text())
def test_any_text_is_a_moment_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_moment(text, NOW, EAST).tzinfo is UTC
