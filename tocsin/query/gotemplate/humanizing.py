"""Numbers as people read them: the `humanize` functions of Prometheus and Alertmanager."""

from __future__ import annotations

import math
import re

from tocsin.query.gotemplate.durations import SECOND, Duration
from tocsin.query.gotemplate.errors import Fault
from tocsin.query.gotemplate.floats import significant
from tocsin.query.gotemplate.times import Time
from tocsin.query.gotemplate.values import type_name

_LARGE = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL = ("m", "u", "n", "p", "f", "a", "z", "y")
_BINARY = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)", re.IGNORECASE | re.ASCII)
_HEXADECIMAL = re.compile(r"[+-]?0x[0-9a-f]*\.?[0-9a-f]*p[+-]?\d+", re.IGNORECASE)


def to_float(value: object) -> float:
    """A number, a duration's seconds, or the number that a text shows. Raises Fault for anything else."""
    if isinstance(value, Duration):
        return value / SECOND
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        return _parsed(value)
    raise Fault(f"can't convert {type_name(value)} to float")


def _parsed(text: str) -> float:
    try:
        if _NUMBER.fullmatch(text):
            return float(text)
        if _HEXADECIMAL.fullmatch(text):
            return float.fromhex(text)
    except (OverflowError, ValueError):
        pass
    raise Fault(f"{text!r} is not a number")


def humanize(value: object) -> str:
    """`1.235M`: with metric prefixes."""
    number = to_float(value)
    if number == 0 or not math.isfinite(number):
        return significant(number)
    if abs(number) >= 1:
        return _scaled(number, _LARGE, 1000)
    return _enlarged(number)


def _scaled(number: float, prefixes: tuple[str, ...], base: int) -> str:
    shown = ""
    for prefix in prefixes:
        if abs(number) < base:
            break
        shown = prefix
        number /= base
    return significant(number) + shown


def _enlarged(number: float) -> str:
    shown = ""
    for prefix in _SMALL:
        if abs(number) >= 1:
            break
        shown = prefix
        number *= 1000
    return significant(number) + shown


def humanize_1024(value: object) -> str:
    """`1Mi`: with binary prefixes."""
    number = to_float(value)
    if abs(number) <= 1 or not math.isfinite(number):
        return significant(number)
    return _scaled(number, _BINARY, 1024)


def humanize_percentage(value: object) -> str:
    """A ratio as a percentage: `12.35%`."""
    return significant(to_float(value) * 100) + "%"


def humanize_duration(value: object) -> str:
    """Seconds as `1d 2h 3m 4s`, or below one with a metric prefix."""
    number = to_float(value)
    if not math.isfinite(number):
        return significant(number)
    if number == 0:
        return significant(number) + "s"
    if abs(number) < 1:
        return _enlarged(number) + "s"
    sign = "-" if number < 0 else ""
    if abs(number) < 60:
        return f"{sign}{significant(abs(number))}s"
    return sign + _long(int(min(abs(number), 2**63 - 1)))


def _long(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    shown = f"{minutes}m {seconds}s"
    if days or hours:
        shown = f"{hours}h {shown}"
    return f"{days}d {shown}" if days else shown


def humanize_timestamp(value: object) -> str:
    """A Unix time as `2015-06-23 13:19:44.128 +0000 UTC`."""
    number = to_float(value)
    return Time.of_unix(number).go_string() if math.isfinite(number) else significant(number)


def to_time(value: object) -> Time:
    """A Unix time as a moment."""
    return Time.of_unix(to_float(value))


def to_duration(value: object) -> Duration:
    """Seconds as a duration."""
    return Duration.of_seconds(to_float(value))
