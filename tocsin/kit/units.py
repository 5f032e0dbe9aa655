"""Durations and byte sizes as people write them in settings: `1m30s`, `30d`, `16MiB`."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w|y)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?B?|B)?", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


class Duration(timedelta):
    """A time span that a settings file gives as text such as `250ms`, `1m30s`, `30d` (units of Prometheus)."""

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read `text`; raises ValueError saying what was expected."""
        value = text.strip()
        if value == "0":
            return cls()
        position, seconds = 0, 0.0
        for part in _DURATION.finditer(value):
            if part.start() != position:
                break
            seconds += float(part[1]) * _SECONDS[part[2]]
            position = part.end()
        if not value or position != len(value):
            raise ValueError(f"{text!r} is not a duration; write a number and a unit, such as 30s, 5m, 1h30m or 7d")
        try:
            return cls(seconds=seconds)
        except OverflowError:
            raise ValueError(f"{text!r} is longer than a duration can be") from None

    def __str__(self) -> str:
        rest = round(self.total_seconds() * 1000)
        out = ""
        for unit in ("d", "h", "m", "s", "ms"):
            size = round(_SECONDS[unit] * 1000)
            if rest >= size:
                out += f"{rest // size}{unit}"
                rest %= size
        return out or "0s"


class ByteSize(int):
    """A size in bytes that a settings file gives as a number or as text such as `64KiB`, `16MB`, `10GiB`."""

    @classmethod
    def parse(cls, text: str | int) -> ByteSize:
        """Read `text`; raises ValueError saying what was expected. `K`, `M`, `G` without `i` count by 1000."""
        match = _SIZE.fullmatch(str(text).strip())
        if not match:
            raise ValueError(f"{text!r} is not a size; write bytes or a unit, such as 65536, 64KiB, 16MiB or 10GiB")
        unit = (match[2] or "").upper()
        base = 1024 if "I" in unit else 1000
        return cls(float(match[1]) * base ** _POWERS[unit.rstrip("B").rstrip("I")])

    def __str__(self) -> str:
        for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
            if self >= 1024**power and self % 1024**power == 0:
                return f"{int(self) // 1024**power}{unit}"
        return str(int(self))
