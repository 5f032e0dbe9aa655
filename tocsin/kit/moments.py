"""Moments as people write them: `15m` (ago), `now`, `2026-11-23`, `2026-11-23T09:00`, `2026-11-23T09:00:00Z`."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from tocsin.kit.units import Duration


def parse_moment(text: str, now: datetime, zone: tzinfo = UTC) -> datetime:
    """Read a moment and return it in UTC.

    Args:
        text: A time span before `now`, the word `now`, or an ISO 8601 date or time.
        now: The present.
        zone: The time zone of a date or time that names none.

    Raises:
        ValueError: Saying what was expected.
    """
    value = text.strip()
    if value == "now":
        return now.astimezone(UTC)
    try:
        return (now - Duration.parse(value.removeprefix("-"))).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(value)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no time; write a span such as 15m, 1h or 7d (before now), or a time such as "
            "2026-11-23T09:00:00Z"
        ) from None
    if not 1900 <= moment.year < 2300:
        raise ValueError(f"{text!r} is outside of the years 1900 to 2299")
    return moment
