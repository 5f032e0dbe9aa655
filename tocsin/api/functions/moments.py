"""Time ranges of requests."""

from __future__ import annotations

from datetime import datetime

from tocsin.api.services import Services
from tocsin.kit.moments import parse_moment
from tocsin.model.errors import InvalidInput
from tocsin.query.search import Window

_MOST_SKIPPED = 1_000_000_000


def moment(services: Services, name: str, text: str | None) -> datetime | None:
    """Read the parameter `name`; None if it was not given. Raises InvalidInput."""
    if not text:
        return None
    try:
        return parse_moment(text, services.clock.now())
    except ValueError as error:
        raise InvalidInput(f"{name}: {error}") from None


def window(services: Services, since: str | None, until: str | None) -> Window:
    """Read a range of event time. Raises InvalidInput, also if it ends before it begins."""
    found = Window(moment(services, "since", since), moment(services, "until", until))
    if found.since and found.until and found.since >= found.until:
        raise InvalidInput("the range is empty: since is not before until")
    return found


def skipped(offset: int) -> int:
    """Check how many rows to leave out. Raises InvalidInput."""
    if not 0 <= offset <= _MOST_SKIPPED:
        raise InvalidInput(f"offset: expected 0 to {_MOST_SKIPPED}, got {offset}")
    return offset


def limited(services: Services, limit: int) -> int:
    """Check a limit on rows. Raises InvalidInput."""
    most = services.max_rows
    if not 1 <= limit <= most:
        raise InvalidInput(f"limit: expected 1 to {most} (web.max_rows), got {limit}")
    return limit
