"""Writes moments by Go's layouts, which show how the reference time 2006-01-02 15:04:05 -0700 MST is to look."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


@dataclass(frozen=True, slots=True)
class Parts:
    """A moment in a time zone, taken apart.

    Attributes:
        year, month, day, hour, minute, second, nanosecond: As a calendar and a clock there show them.
        weekday: 0 is Sunday.
        year_day: 1 is the first of January.
        offset: Seconds east of UTC.
        zone: The zone's abbreviation.
    """

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    nanosecond: int
    weekday: int
    year_day: int
    offset: int
    zone: str


def _offset(parts: Parts, form: str) -> str:
    sign, size = "-" if parts.offset < 0 else "+", abs(parts.offset)
    hours, minutes, seconds = size // 3600, size // 60 % 60, size % 60
    colon = ":" if ":" in form else ""
    shown = f"{sign}{hours:02d}"
    digits = sum(character.isdigit() for character in form)
    if digits >= 4:
        shown += f"{colon}{minutes:02d}"
    return shown + f"{colon}{seconds:02d}" if digits >= 6 else shown


def _zulu(parts: Parts, form: str) -> str:
    return _offset(parts, form) if parts.offset else "Z"


def _fraction(parts: Parts, form: str) -> str:
    digits = f"{parts.nanosecond:09d}"[: len(form) - 1].ljust(len(form) - 1, "0")
    if form[1] == "9":
        digits = digits.rstrip("0")
    return form[0] + digits if digits else ""


def _hour12(parts: Parts) -> int:
    return parts.hour % 12 or 12


# A name in front of a lower-case letter is part of a word; a fraction must not be followed by a digit.
_FIELDS: tuple[tuple[str, Callable[[Parts, str], str]], ...] = (
    (r"January", lambda p, _: MONTHS[p.month - 1]),
    (r"Jan(?![a-z])", lambda p, _: MONTHS[p.month - 1][:3]),
    (r"Monday", lambda p, _: WEEKDAYS[p.weekday]),
    (r"Mon(?![a-z])", lambda p, _: WEEKDAYS[p.weekday][:3]),
    (r"MST", lambda p, _: p.zone),
    (r"2006", lambda p, _: f"{p.year:04d}"),
    (r"__2", lambda p, _: f"{p.year_day:3d}"),
    (r"002", lambda p, _: f"{p.year_day:03d}"),
    (r"_2(?!006)", lambda p, _: f"{p.day:2d}"),
    (r"01", lambda p, _: f"{p.month:02d}"),
    (r"02", lambda p, _: f"{p.day:02d}"),
    (r"03", lambda p, _: f"{_hour12(p):02d}"),
    (r"04", lambda p, _: f"{p.minute:02d}"),
    (r"05", lambda p, _: f"{p.second:02d}"),
    (r"06", lambda p, _: f"{p.year % 100:02d}"),
    (r"15", lambda p, _: f"{p.hour:02d}"),
    (r"PM", lambda p, _: "PM" if p.hour >= 12 else "AM"),
    (r"pm", lambda p, _: "pm" if p.hour >= 12 else "am"),
    (r"-07:00:00|-070000|-07:00|-0700|-07", _offset),
    (r"Z07:00:00|Z070000|Z07:00|Z0700|Z07", _zulu),
    (r"[.,](?:0+|9+)(?!\d)", _fraction),
    (r"1", lambda p, _: str(p.month)),
    (r"2", lambda p, _: str(p.day)),
    (r"3", lambda p, _: str(_hour12(p))),
    (r"4", lambda p, _: str(p.minute)),
    (r"5", lambda p, _: str(p.second)),
)
_FIELD = re.compile("|".join(f"(?P<f{index}>{pattern})" for index, (pattern, _) in enumerate(_FIELDS)))


def write(parts: Parts, layout: str) -> str:
    """A moment as the layout shows."""
    return _FIELD.sub(lambda found: _FIELDS[int((found.lastgroup or "f0")[1:])][1](parts, found[0]), layout)
