"""time.Time and time.Duration: the parts, layouts and methods that templates use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.query.gotemplate import Fault, Template
from tocsin.query.gotemplate.durations import Duration, parse_prometheus
from tocsin.query.gotemplate.times import Time, zone

# The reference time of Go's layouts, with a fraction.
REFERENCE = Time.of(datetime(2006, 1, 2, 22, 4, 5, 678_900, tzinfo=UTC))


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("Mon Jan _2 15:04:05 2006", "Mon Jan  2 15:04:05 2006"),
        ("Mon Jan _2 15:04:05 MST 2006", "Mon Jan  2 15:04:05 MST 2006"),
        ("02 Jan 06 15:04 -0700", "02 Jan 06 15:04 -0700"),
        ("Monday, 02-Jan-06 15:04:05 MST", "Monday, 02-Jan-06 15:04:05 MST"),
        ("2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05-07:00"),
        ("2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.6789-07:00"),
        ("3:04PM 03:04pm", "3:04PM 03:04pm"),
        ("15:04:05.000 05,00 x.999 x.0", "15:04:05.678 05,67 x.678 x.6"),
        ("1/2/06 01/02 __2 002", "1/2/06 01/02   2 002"),
        ("January Januaryx Jan1 Janx Monx", "January Januaryx Jan1 Janx Monx"),
        ("-07 -07:00:00 Z0700", "-07 -07:00:00 -0700"),
        ("_2006", "_2006"),
        ("plain", "plain"),
    ],
)
def test_layouts(layout: str, expected: str) -> None:
    """The constants of the time package, and the corners of their notation."""
    assert Time(REFERENCE.nanoseconds, zone("America/Phoenix")).format(layout) == expected


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9998, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_parts_are_the_calendars(moment: datetime) -> None:
    """The same date, time, weekday and day of the year as Python's."""
    parts = Time.of(moment).parts()

    assert (
        datetime(
            parts.year, parts.month, parts.day, parts.hour, parts.minute, parts.second, parts.nanosecond // 1000, UTC
        )
        == moment
    )
    assert (parts.weekday, parts.year_day) == (moment.isoweekday() % 7, moment.timetuple().tm_yday)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{.Unix}} {{.UnixMilli}} {{.UnixMicro}} {{.UnixNano}}",
         "1136239445 1136239445678 1136239445678900 1136239445678900000"),
        ("{{.Year}} {{.Month}} {{printf `%d` .Month}} {{.Day}} {{.Weekday}} {{.YearDay}}", "2006 January 1 2 Monday 2"),
        ("{{.Hour}}:{{.Minute}}:{{.Second}} {{.Nanosecond}}", "22:4:5 678900000"),
        ("{{.Add 3600000000000}}", "2006-01-02 23:04:05.6789 +0000 UTC"),
        ("{{(.AddDate 0 -1 30).Format `2006-01-02`}}", "2006-01-01"),
        ("{{(.AddDate 1 1 1).Format `2006-01-02`}}", "2007-02-03"),
        ("{{.Sub (.Add -90000000000)}} {{.After (.Add 1)}} {{.Before (.Add 1)}} {{.Equal .UTC}}",
         "1m30s false true true"),
        ("{{.Truncate 3600000000000}}", "2006-01-02 22:00:00 +0000 UTC"),
        ("{{.Round 60000000000}} {{.IsZero}}", "2006-01-02 22:04:00 +0000 UTC false"),
        ("{{.}} {{print .String}}", "2006-01-02 22:04:05.6789 +0000 UTC 2006-01-02 22:04:05.6789 +0000 UTC"),
    ],
)  # fmt: skip
def test_methods_of_times(text: str, expected: str) -> None:
    """What Go prints for each."""
    assert Template.parse("t", text).render(REFERENCE) == expected


@pytest.mark.parametrize(
    ("nanoseconds", "expected"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_100, "1.1µs"),
        (2_200_000, "2.2ms"),
        (3_300_000_000, "3.3s"),
        (245_000_000_000, "4m5s"),
        (245_001_000_000, "4m5.001s"),
        (18_367_001_000_000, "5h6m7.001s"),
        (-90_000_000_000, "-1m30s"),
    ],
)
def test_durations_print(nanoseconds: int, expected: str) -> None:
    """Hours are the largest unit, and zeros at the end are left out."""
    assert Duration(nanoseconds).go_string() == expected


def test_methods_of_durations() -> None:
    """Numbers of a unit, rounding."""
    text = "{{.Hours}} {{.Minutes}} {{.Seconds}} {{.Milliseconds}} {{.Round 60000000000}} {{.Truncate 60000000000}}"

    assert Template.parse("t", text).render(Duration.of_seconds(5430.5)) == (
        "1.5084722222222222 90.50833333333334 5430.5 5430500 1h31m0s 1h30m0s"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", timedelta()),
        ("15s", timedelta(seconds=15)),
        ("1d12h", timedelta(hours=36)),
        ("1w", timedelta(7)),
        ("1y", timedelta(365)),
        ("1h30m5s250ms", timedelta(hours=1, minutes=30, seconds=5, milliseconds=250)),
    ],
)
def test_prometheus_durations(text: str, expected: timedelta) -> None:
    """The notation of rule files."""
    assert parse_prometheus(text) == expected / timedelta(microseconds=1) * 1000


@pytest.mark.parametrize("text", ["", "1", "1.5h", "1m1h", "-1s", "1 h", "9999999y", "1s1s"])
def test_wrong_prometheus_durations(text: str) -> None:
    """Units in order, whole numbers only."""
    with pytest.raises(Fault):
        parse_prometheus(text)
