"""Per writer, the last batch whose consequences are stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from tocsin.store.state.rows import upsert
from tocsin.store.state.tables import watermarks as _table


def read(connection: Connection) -> dict[str, int]:
    """The last batch number, by writer."""
    return {row.writer: row.batch for row in connection.execute(select(_table.c.writer, _table.c.batch))}


def advance(connection: Connection, upto: Mapping[str, int], now: datetime) -> bool:
    """Move the watermarks to `upto` if that is forward, and say whether it is.

    Forward means that no writer's mark goes back and at least one goes ahead. False tells that the evaluation behind
    `upto` was seen before (it was repeated after a crash) or overtaken, so its consequences must not be stored again.
    """
    stored = read(connection)
    ahead = {writer: batch for writer, batch in upto.items() if batch > stored.get(writer, 0)}
    if not ahead or any(batch < stored.get(writer, 0) for writer, batch in upto.items()):
        return False
    upsert(
        connection,
        _table,
        [{"writer": writer, "batch": batch, "advanced_at": now} for writer, batch in ahead.items()],
    )
    return True
