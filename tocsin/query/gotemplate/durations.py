"""time.Duration: nanoseconds with the methods that Go gives them, and Prometheus' notation of durations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from tocsin.query.gotemplate.errors import Fault
from tocsin.query.gotemplate.values import Function, Parameter

MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
_LARGEST = 2**63 - 1

_PROMETHEUS = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
_PROMETHEUS_UNITS = (365 * 24 * HOUR, 7 * 24 * HOUR, 24 * HOUR, HOUR, MINUTE, SECOND, MILLISECOND)


class Duration(int):
    """A span of time in nanoseconds."""

    go_type: ClassVar[str] = "time.Duration"
    go_methods: ClassVar[Mapping[str, Function]] = {}

    @classmethod
    def of_seconds(cls, seconds: float) -> Duration:
        """A span of so many seconds. Raises Fault if it is longer than about 292 years, or no number."""
        try:
            nanoseconds = int(seconds * SECOND)
        except (OverflowError, ValueError):
            raise Fault(f"{seconds} seconds is not a duration") from None
        if abs(nanoseconds) > _LARGEST:
            raise Fault(f"{seconds} seconds is longer than a duration can be")
        return cls(nanoseconds)

    def go_string(self) -> str:
        """`1h15m30.918s`, `1.5ms`, `0s`."""
        size, sign = abs(self), "-" if self < 0 else ""
        if size < SECOND:
            return sign + _small(size)
        hours, rest = divmod(size, HOUR)
        minutes, rest = divmod(rest, MINUTE)
        seconds = _decimal(rest, SECOND) + "s"
        if hours:
            return f"{sign}{hours}h{minutes}m{seconds}"
        return f"{sign}{minutes}m{seconds}" if minutes else sign + seconds

    def go_json(self) -> int:
        """JSON has the number."""
        return int(self)


def _small(size: int) -> str:
    for unit, suffix in ((MILLISECOND, "ms"), (MICROSECOND, "µs"), (1, "ns")):
        if size >= unit:
            return _decimal(size, unit) + suffix
    return "0s"


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    fraction = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


def _in_units(span: int, unit: int) -> float:
    # In two steps, as Go does it, for the same last digit.
    whole = abs(span) // unit
    value = whole + abs(span) % unit / unit
    return value if span >= 0 else -value


def _truncate(span: int, unit: int) -> Duration:
    return Duration(span if unit <= 0 else abs(span) // unit * unit * (1 if span >= 0 else -1))


def _round(span: int, unit: int) -> Duration:
    if unit <= 0:
        return Duration(span)
    return Duration((abs(span) + unit // 2) // unit * unit * (1 if span >= 0 else -1))


DURATION = Parameter("time.Duration", lambda value: isinstance(value, int) and not isinstance(value, bool))

Duration.go_methods = {
    "Abs": Function(lambda span: Duration(abs(span))),
    "Hours": Function(lambda span: _in_units(span, HOUR)),
    "Microseconds": Function(lambda span: int(span / MICROSECOND)),
    "Milliseconds": Function(lambda span: int(span / MILLISECOND)),
    "Minutes": Function(lambda span: _in_units(span, MINUTE)),
    "Nanoseconds": Function(int),
    "Round": Function(_round, DURATION),
    "Seconds": Function(lambda span: _in_units(span, SECOND)),
    "String": Function(Duration.go_string),
    "Truncate": Function(_truncate, DURATION),
}


def parse_prometheus(text: str) -> Duration:
    """Prometheus' notation: `1d12h`, `30s`, `0`. Raises Fault for anything else."""
    if text == "0":
        return Duration(0)
    if not text:
        raise Fault("empty duration string")
    found = _PROMETHEUS.fullmatch(text)
    if not found or len(text) > 100:
        raise Fault(f"not a valid duration string: {text!r}")
    parts = zip(found.groups(), _PROMETHEUS_UNITS, strict=True)
    total = sum(int(count) * unit for count, unit in parts if count)
    if total > _LARGEST:
        raise Fault("duration out of range")
    return Duration(total)
