"""time.Time: a moment in a zone, with the methods that templates call on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import ClassVar
from zoneinfo import ZoneInfo

from tocsin.query.gotemplate import layouts
from tocsin.query.gotemplate.durations import DURATION, SECOND, Duration
from tocsin.query.gotemplate.errors import Fault
from tocsin.query.gotemplate.values import INTEGER, TEXT, Function, Parameter

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400
_ZERO = -62_135_596_800
"""Seconds of Go's zero time, the first of January of the year 1."""

RFC3339_NANO = "2006-01-02T15:04:05.999999999Z07:00"
_DEFAULT_LAYOUT = "2006-01-02 15:04:05.999999999 -0700 MST"
_LARGEST = 2**63 - 1


class Time:
    """A moment.

    Args:
        nanoseconds: Since 1970 in UTC.
        zone: Where its parts are read; None for UTC.
    """

    __slots__ = ("nanoseconds", "zone")
    go_type: ClassVar[str] = "time.Time"
    go_methods: ClassVar[Mapping[str, Function]] = {}

    def __init__(self, nanoseconds: int, zone: ZoneInfo | None = None) -> None:
        self.nanoseconds = nanoseconds
        self.zone = zone

    @classmethod
    def of(cls, moment: datetime) -> Time:
        """The same moment in UTC; `moment` has a zone."""
        since = moment - _EPOCH
        return cls((since.days * _DAY + since.seconds) * SECOND + since.microseconds * 1000)

    @classmethod
    def zero(cls) -> Time:
        """Go's zero time, which stands for none."""
        return cls(_ZERO * SECOND)

    @classmethod
    def of_unix(cls, seconds: float) -> Time:
        """A Unix time, cut to milliseconds as Prometheus does. Raises Fault if it is none or out of range."""
        nanoseconds = seconds * SECOND
        # Written so that NaN fails too.
        if not abs(nanoseconds) < _LARGEST:
            raise Fault(f"{seconds} cannot be represented as a nanoseconds timestamp since it overflows int64")
        return cls(int(nanoseconds / 1_000_000) * 1_000_000)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Time) and self.nanoseconds == other.nanoseconds and self.zone == other.zone

    def __hash__(self) -> int:
        return hash(self.nanoseconds)

    def go_string(self) -> str:
        """`2015-06-23 13:19:44.128 +0000 UTC`."""
        return self.format(_DEFAULT_LAYOUT)

    def go_json(self) -> str:
        """RFC 3339, with as many digits of the second as there are."""
        return self.format(RFC3339_NANO)

    def format(self, layout: str) -> str:
        """The moment by one of Go's layouts."""
        return layouts.write(self.parts(), layout)

    def parts(self) -> layouts.Parts:
        """The moment taken apart in its zone."""
        seconds, nanosecond = divmod(self.nanoseconds, SECOND)
        offset, name = self._offset(seconds)
        days, second = divmod(seconds + offset, _DAY)
        year, month, day = _civil(days)
        year_day = days - _days(year, 1, 1) + 1
        return layouts.Parts(
            year, month, day, second // 3600, second // 60 % 60, second % 60, nanosecond,
            (days + 4) % 7, year_day, offset, name,
        )  # fmt: skip

    def _offset(self, seconds: int) -> tuple[int, str]:
        if self.zone is None:
            return 0, "UTC"
        # Zones are known for the years that a datetime has; the rest is like the nearest of them.
        moment = _EPOCH + timedelta(seconds=max(_ZERO + 2 * _DAY, min(seconds, 253_402_000_000)))
        local = moment.astimezone(self.zone)
        return round((local.utcoffset() or timedelta()).total_seconds()), local.tzname() or ""


def _days(year: int, month: int, day: int) -> int:
    """Days from 1970 to a date of the Gregorian calendar."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def _civil(days: int) -> tuple[int, int, int]:
    """The date that is so many days after 1970."""
    era, of_era = divmod(days + 719_468, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return year + era * 400 + (month <= 2), month, day


class Named(int):
    """A month or weekday: a number that prints as a name."""

    go_type = "time.Month"

    def go_string(self) -> str:
        """The name."""
        return layouts.MONTHS[self - 1]


class Weekday(Named):
    """A day of the week; 0 is Sunday."""

    go_type = "time.Weekday"

    def go_string(self) -> str:
        """The name."""
        return layouts.WEEKDAYS[self]


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo | None:
    """A time zone by its name in the IANA database. Raises Fault if there is none."""
    if name in ("", "UTC"):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Fault(f"unknown time zone {name}") from None


def _moved(moment: Time, nanoseconds: int) -> Time:
    return Time(moment.nanoseconds + nanoseconds, moment.zone)


def _add_date(moment: Time, years: int, months: int, days: int) -> Time:
    if max(abs(years), abs(months), abs(days)) > 1_000_000:
        raise Fault("date out of range")
    parts = moment.parts()
    year, month = divmod((parts.year + years) * 12 + parts.month - 1 + months, 12)
    moved = _days(year, month + 1, 1) + parts.day - 1 + days - _days(parts.year, parts.month, parts.day)
    return _moved(moment, moved * _DAY * SECOND)


def _truncated(moment: Time, unit: int) -> Time:
    since = moment.nanoseconds - _ZERO * SECOND
    return _moved(moment, -(since % unit)) if unit > 0 else moment


def _rounded(moment: Time, unit: int) -> Time:
    return _truncated(_moved(moment, (unit + 1) // 2), unit) if unit > 0 else moment


TIME = Parameter("time.Time", lambda value: isinstance(value, Time))

Time.go_methods = {
    "Add": Function(_moved, DURATION),
    "AddDate": Function(_add_date, INTEGER, INTEGER, INTEGER),
    "After": Function(lambda moment, other: moment.nanoseconds > other.nanoseconds, TIME),
    "Before": Function(lambda moment, other: moment.nanoseconds < other.nanoseconds, TIME),
    "Day": Function(lambda moment: moment.parts().day),
    "Equal": Function(lambda moment, other: moment.nanoseconds == other.nanoseconds, TIME),
    "Format": Function(Time.format, TEXT),
    "Hour": Function(lambda moment: moment.parts().hour),
    "IsZero": Function(lambda moment: moment.nanoseconds == _ZERO * SECOND),
    "Local": Function(lambda moment: Time(moment.nanoseconds)),
    "Minute": Function(lambda moment: moment.parts().minute),
    "Month": Function(lambda moment: Named(moment.parts().month)),
    "Nanosecond": Function(lambda moment: moment.parts().nanosecond),
    "Round": Function(_rounded, DURATION),
    "Second": Function(lambda moment: moment.parts().second),
    "String": Function(Time.go_string),
    "Sub": Function(lambda moment, other: Duration(moment.nanoseconds - other.nanoseconds), TIME),
    "Truncate": Function(_truncated, DURATION),
    "UTC": Function(lambda moment: Time(moment.nanoseconds)),
    "Unix": Function(lambda moment: moment.nanoseconds // SECOND),
    "UnixMicro": Function(lambda moment: moment.nanoseconds // 1000),
    "UnixMilli": Function(lambda moment: moment.nanoseconds // 1_000_000),
    "UnixNano": Function(lambda moment: moment.nanoseconds),
    "Weekday": Function(lambda moment: Weekday(moment.parts().weekday)),
    "Year": Function(lambda moment: moment.parts().year),
    "YearDay": Function(lambda moment: moment.parts().year_day),
}
