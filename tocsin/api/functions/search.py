"""Searching events and log lines in the language of `query/search`."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import orjson

from tocsin.api.functions.moments import limited, window
from tocsin.api.services import Services
from tocsin.model.errors import InvalidInput
from tocsin.query.search import Plan, arrived, count, plan, rows, top, watermarks

FOLLOW_LIMIT = 1000
"""Rows of one page of what arrived."""


class Cursor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a follower has read: the batches in (after, upto], of whose matches `offset` were given.

    Attributes:
        after, upto: Batch numbers by writer.
        offset: Rows given of this range; a new range begins when they are all given.
    """

    after: dict[str, int]
    upto: dict[str, int]
    offset: int = 0

    def encode(self) -> str:
        """As text that a client hands back unread."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """Read such text. Raises InvalidInput."""
        try:
            found = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=cls)
        except (ValueError, msgspec.MsgspecError):
            raise InvalidInput("after: not a cursor that this server gave; begin anew with after=now") from None
        numbers = [found.offset, *found.after.values(), *found.upto.values()]
        if any(not 0 <= number < 1 << 63 for number in numbers):
            raise InvalidInput("after: not a cursor that this server gave; begin anew with after=now")
        return found


async def search(
    services: Services, q: str, *, table: str | None, since: str | None, until: str | None, limit: int
) -> AsyncIterator[bytes]:
    """Find rows, newest first, as chunks of JSON lines. Raises SearchError or another InvalidInput before any chunk."""
    query = rows(plan(q, table), window(services, since, until), limited(services, limit))
    return services.workers.stream(lambda: services.columns.stream(query, services.budget))


async def search_list(
    services: Services, q: str, *, table: str | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Find rows, newest first, as values: for the pages."""
    query = rows(plan(q, table), window(services, None, None), limited(services, limit))
    return await services.workers.run(lambda: services.columns.fetch(query, services.budget))


async def search_count(services: Services, q: str, *, table: str | None, since: str | None, until: str | None) -> int:
    """Count the rows that match."""
    query = count(plan(q, table), window(services, since, until))
    found = await services.workers.run(lambda: services.columns.fetch(query, services.budget))
    return int(found[0]["count"])


async def search_top(
    services: Services, q: str, by: str, *, table: str | None, since: str | None, until: str | None, limit: int
) -> list[dict[str, Any]]:
    """Count the rows that match by the values of a field, most frequent first: `{"value", "count"}`."""
    query = top(plan(q, table), by, window(services, since, until), limited(services, limit))
    return await services.workers.run(lambda: services.columns.fetch(query, services.budget))


async def search_arrived(
    services: Services, q: str, *, table: str | None, after: str, limit: int = FOLLOW_LIMIT
) -> tuple[bytes, str]:
    """Return what arrived after a cursor, oldest first, as JSON lines, and the next cursor.

    Args:
        services: What is needed.
        q: The search.
        table: The table, if the search does not say.
        after: The cursor that was returned last, or `now` to begin: that returns no rows.
        limit: Rows at most; the cursor then leads to the rest, so that none is skipped.
    """
    planned = plan(q, table)
    given = min(limited(services, limit), FOLLOW_LIMIT)
    return await services.workers.run(lambda: _page(services, planned, after, given))


def _page(services: Services, planned: Plan, after: str, limit: int) -> tuple[bytes, str]:
    if after == "now":
        now = _committed(services)
        return b"", Cursor(now, now).encode()
    cursor = Cursor.decode(after)
    if cursor.offset == 0:
        # Writers that have no batches any more keep their place.
        cursor = Cursor(cursor.after, {**cursor.upto, **_committed(services)})
    query = arrived(planned, cursor.after, cursor.upto, cursor.offset, limit)
    found = services.columns.fetch(query, services.budget)
    more = len(found) == limit
    following = Cursor(cursor.after, cursor.upto, cursor.offset + limit) if more else Cursor(cursor.upto, cursor.upto)
    return b"".join(orjson.dumps(row) + b"\n" for row in found), following.encode()


def _committed(services: Services) -> dict[str, int]:
    found = services.columns.fetch(watermarks(), services.budget)
    return {str(row["writer"]): int(row["batch"]) for row in found}
