"""The engine inside this process (chDB): no server to run, one directory, one process at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from chdb.session import Session

from tocsin.store.base import DEFAULT_BUDGET, INTERNAL_BUDGET, NO_SETTINGS, Budget
from tocsin.store.columns.faults import translated
from tocsin.store.columns.limits import FORMATTING, settings_clause, with_budget
from tocsin.store.sql import Sql

# One merge at a time leaves the other core to intake and rules; the caches stay small beside a whole cluster's worth.
_SERVER = "background_pool_size=1&background_merges_mutations_concurrency_ratio=1&mark_cache_size=268435456"


class EmbeddedColumns:
    """Columns over chDB.

    Args:
        path: Data directory of the engine; made if missing. One process may use it at a time, and one process can use
            only one.
        database: Name of the database in it; tests use one each.
    """

    def __init__(self, path: Path, database: str = "tocsin") -> None:
        self._path = path
        self._database = database
        self._local = threading.local()
        self._sessions: list[Session] = []
        self._lock = threading.Lock()
        path.mkdir(parents=True, exist_ok=True)
        with translated():
            self._open().query(f"CREATE DATABASE IF NOT EXISTS `{database}`")

    def run(self, statement: Sql, budget: Budget = INTERNAL_BUDGET) -> None:
        """See `Columns.run`."""
        with translated():
            self._session().query(with_budget(statement.text, budget), "Null", params=dict(statement.params))

    def fetch(self, query: Sql, budget: Budget = DEFAULT_BUDGET) -> list[dict[str, Any]]:
        """See `Columns.fetch`."""
        with translated():
            text = with_budget(query.text, budget, FORMATTING)
            data = self._session().query(text, "JSONEachRow", params=dict(query.params)).bytes()
        return orjson.loads(b"[" + data.rstrip().replace(b"}\n{", b"},{") + b"]") if data else []

    def stream(self, query: Sql, budget: Budget = DEFAULT_BUDGET) -> Iterator[bytes]:
        """See `Columns.stream`."""
        text = with_budget(query.text, budget, FORMATTING)
        with translated(), self._session().send_query(text, "JSONEachRow", params=dict(query.params)) as chunks:
            for chunk in chunks:
                yield chunk.bytes()

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        format_: str,
        payload: bytes,
        settings: Mapping[str, str] = NO_SETTINGS,
    ) -> None:
        """See `Columns.insert`."""
        into = f"INSERT INTO {table} ({', '.join(f'`{c}`' for c in columns)}){settings_clause(settings)}"
        with translated():
            inserter = self._session().send_insert(into, format_)
            try:
                inserter.append(payload)
                inserter.finish()
            finally:
                inserter.close()

    def close(self) -> None:
        """See `Columns.close`."""
        with self._lock:
            sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.close()

    def _session(self) -> Session:
        session: Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._open()
            session.query(f"USE `{self._database}`")
            self._local.session = session
        return session

    def _open(self) -> Session:
        with self._lock, _quiet_start():
            session = Session(f"{self._path}?{_SERVER}")
            session.query("SELECT 1")
            self._sessions.append(session)
        return session


@contextmanager
def _quiet_start() -> Iterator[None]:
    """Keep the engine's start-up remarks (missing cgroup files and the like, with stack traces) off standard error."""
    kept = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)
