"""What answers mean: the retry table over every error status, and both forms of Retry-After."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.notify.answers import Answer, retry_after

LATER = {408, 425, 429}
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize("status", range(400, 600))
def test_every_error_status_says_whether_to_try_again(status: int) -> None:
    failure = Answer(status, "no", {"retry-after": "7"}).failure("https://example.com")
    assert failure is not None
    assert failure.retry is (status >= 500 or status in LATER)
    assert failure.retry_after == (7.0 if failure.retry else None)
    assert failure.reason in {"timeout", "rate_limited", "server", "client", "auth", "invalid"}
    assert str(failure) == f"https://example.com answered {status}: no"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "auth"),
        (403, "auth"),
        (400, "invalid"),
        (404, "client"),
        (408, "timeout"),
        (429, "rate_limited"),
        (503, "server"),
    ],
)
def test_reasons_name_what_to_look_at(status: int, reason: str) -> None:
    failure = Answer(status).failure("x")
    assert failure is not None
    assert failure.reason == reason


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_is_no_failure(status: int) -> None:
    assert Answer(status).failure("x") is None


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_was_not_taken_and_is_not_tried_again(status: int) -> None:
    failure = Answer(status).failure("x")
    assert failure is not None
    assert not failure.retry


def test_a_long_answer_becomes_one_short_line() -> None:
    excerpt = Answer(500, "a\r\nb\x00c " + "x" * 1000).excerpt()
    assert excerpt.startswith("a b c xxx")
    assert len(excerpt) == 300


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "Sun, 06 Nov 1994 08:50:37 GMT", "date": DATE}, 60.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:40:37 GMT", "date": DATE}, 0.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:50:37 GMT"}, None),
        ({"retry-after": "Sun, 06 Nov 1994 08:50:37", "date": DATE}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon", "date": DATE}, None),
        ({}, None),
    ],
)
def test_retry_after_in_both_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_header_breaks_the_reading(value: str, date: str) -> None:
    seconds = retry_after({"retry-after": value, "date": date})
    assert seconds is None or seconds >= 0
