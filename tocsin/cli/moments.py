"""`--since` and `--until` as people give them, sent to the server as UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from tocsin.kit.clock import SystemClock
from tocsin.kit.moments import parse_moment

SinceOption = Annotated[
    str | None,
    typer.Option("--since", help="Begin of the range: a span before now (15m, 7d), or a time (2026-11-23T09:00)."),
]
UntilOption = Annotated[str | None, typer.Option("--until", help="End of the range, itself excluded.")]
LimitOption = Annotated[int, typer.Option("--limit", "-n", help="At most so many.", min=1)]


def absolute(text: str | None, option: str) -> str | None:
    """Return a moment in UTC, ISO 8601; times without a zone are local ones."""
    if not text:
        return None
    now = SystemClock().now()
    zone = datetime.astimezone(now).tzinfo
    try:
        return parse_moment(text, now, zone or UTC).isoformat()
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
