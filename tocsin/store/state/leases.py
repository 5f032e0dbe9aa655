"""Leases: who may do what only one replica may do at a time, until when."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select, update

from tocsin.store.state.rows import upsert
from tocsin.store.state.tables import leases as _table


def acquire(connection: Connection, name: str, holder: str, now: datetime, duration: timedelta) -> bool:
    """Take or prolong a lease; False if somebody else holds it.

    Called in a writing transaction, so no two holders can both be told True.
    """
    until = now + duration
    free = or_(_table.c.holder == holder, _table.c.held_until <= now)
    taken = connection.execute(
        update(_table).where(_table.c.name == name, free).values(holder=holder, held_until=until)
    )
    if taken.rowcount:
        return True
    if connection.execute(select(_table.c.holder).where(_table.c.name == name)).first():
        return False
    upsert(connection, _table, [{"name": name, "holder": holder, "held_until": until}])
    return True


def release(connection: Connection, holder: str) -> None:
    """Give back all that `holder` holds, so that others need not wait for the end of the leases."""
    connection.execute(delete(_table).where(_table.c.holder == holder))
