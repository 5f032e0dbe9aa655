"""Opens the state database and its transactions: SQLite for one process, PostgreSQL for several replicas."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from tocsin.model.errors import SettingsError, StorageFull, StoreFailed

_WAIT = 30.0
"""Seconds that a transaction waits for another one to end."""

_LOCK = 0x746F6373
"""The advisory lock that writing transactions take on PostgreSQL."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    f"PRAGMA busy_timeout = {int(_WAIT * 1000)}",
    "PRAGMA foreign_keys = ON",
)


class State:
    """The state database. Calls block; any number of threads may call at once.

    Args:
        url: `sqlite:////path/to/state.db` or `postgresql://user:password@host/database`.

    Raises:
        SettingsError: The URL cannot be read, or its database is neither of the two, or its driver is missing.
    """

    def __init__(self, url: str) -> None:
        parsed = _parse(url)
        self._turn = threading.Lock()
        self._engine = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)

    @property
    def shared(self) -> bool:
        """Whether other processes may use the database at the same time."""
        return self._engine.dialect.name != "sqlite"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that is on disk when the block ends, and undone if it raises.

        One such transaction runs at a time, over all threads and replicas, so that what it reads stays true until it
        ends. Writes are few (alerts, not events), and this spares every caller the retries that finer locks need.

        Raises:
            StorageFull: The disk is full; nothing was kept.
            StoreFailed: The database failed; nothing was kept.
        """
        if not self._turn.acquire(timeout=_WAIT):
            raise StoreFailed(f"the state database has been busy for {_WAIT:.0f} seconds")
        try:
            with self._transaction("BEGIN IMMEDIATE") as connection:
                if self.shared:
                    connection.execute(text(f"SET LOCAL lock_timeout = '{_WAIT:.0f}s'"))
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                yield connection
        finally:
            self._turn.release()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction for reading, which waits for nobody.

        Raises:
            StoreFailed: The database failed.
        """
        with self._transaction("BEGIN") as connection:
            yield connection

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        try:
            with self._engine.connect().execution_options(tocsin_begin=begin) as connection, connection.begin():
                yield connection
        except SQLAlchemyError as error:
            raise _translated(error) from error


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The text may hold a password, so it is not repeated.
        raise SettingsError("not a database URL; expected postgresql://user@host/database", key="state_url") from None
    name = parsed.get_backend_name()
    if name in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    if name == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    raise SettingsError(f"{name!r}: state is kept in a SQLite file or in PostgreSQL", key="state_url")


def _sqlite(url: URL) -> Engine:
    path = Path(str(url.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Alerts carry log lines: the file is for its owner only.
        path.touch(mode=0o600)
    except OSError as error:
        raise SettingsError(f"cannot open the state file: {error}", key="state_url") from error
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": _WAIT})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # The driver is to begin no transaction by itself: it would begin one that cannot become a writing one safely.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(pragma).close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options()["tocsin_begin"])

    return engine


def _postgresql(url: URL) -> Engine:
    try:
        return create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    except ImportError:
        raise SettingsError(
            "PostgreSQL's driver is not installed; install tocsin[postgresql]", key="state_url"
        ) from None


def _translated(error: SQLAlchemyError) -> StoreFailed | StorageFull:
    cause = error.orig if isinstance(error, DBAPIError) else None
    message = f"the state database failed: {cause or type(error).__name__}".strip()
    full = getattr(cause, "sqlite_errorname", "") == "SQLITE_FULL" or getattr(cause, "sqlstate", "") == "53100"
    return StorageFull(message) if full else StoreFailed(message)
