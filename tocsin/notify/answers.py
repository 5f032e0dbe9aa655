"""What a destination's HTTP answer means for the sender: taken, try again (and when), or give up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime

from tocsin.model.errors import DeliveryFailed

_TRANSIENT = {408: "timeout", 425: "server", 429: "rate_limited"}
"""Client-error statuses that say "later" (RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4)."""

_AUTH = {401, 403, 407}
_INVALID = {400, 405, 406, 411, 413, 414, 415, 422, 431}
_EXCERPT = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: The status code.
        text: The body's beginning.
        headers: The header fields, names in lower case.
    """

    status: int
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def excerpt(self) -> str:
        """The body as one short line."""
        line = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", self.text).split())
        return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1] + "…"

    def failure(self, source: str) -> DeliveryFailed | None:
        """Return what to raise for this answer, or None if the message was taken (2xx).

        Args:
            source: Who answered, for the message.
        """
        if 200 <= self.status < 300:
            return None
        message = f"{source} answered {self.status}" + (f": {line}" if (line := self.excerpt()) else "")
        if self.status in _TRANSIENT or self.status >= 500:
            reason = _TRANSIENT.get(self.status, "server")
            return DeliveryFailed(message, retry=True, reason=reason, retry_after=retry_after(self.headers))
        reason = "auth" if self.status in _AUTH else "invalid" if self.status in _INVALID else "client"
        return DeliveryFailed(message, retry=False, reason=reason)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read `Retry-After` in seconds, in either form of RFC 9110 10.2.3; None if absent or unreadable.

    A date counts from the answer's own `Date`, so a wrong clock on either side does no harm.

    Args:
        headers: Header fields, names in lower case.
    """
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
        return float(value)
    until, now = _date(value), _date(headers.get("date", ""))
    if until is None or now is None:
        return None
    return max(0.0, (until - now).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else None
