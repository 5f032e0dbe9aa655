"""A ClickHouse cluster over HTTP: the same SQL as the embedded engine, sent to one server that distributes it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
import orjson
from clickhouse_connect.driver.client import Client

from tocsin.store.base import DEFAULT_BUDGET, INTERNAL_BUDGET, NO_SETTINGS, Budget
from tocsin.store.columns.faults import translated
from tocsin.store.columns.limits import FORMATTING, with_budget
from tocsin.store.settings import ClusterSettings
from tocsin.store.sql import Sql

_SESSION: Mapping[str, int | str] = {
    "session_timeout": 3600,  # Temporary tables live in the session; a quiet hour may end it.
    "distributed_foreground_insert": 1,  # An insert returns when the shards have it, not when it is queued.
    "prefer_global_in_and_join": 1,  # Shards do not have the temporary tables of the session.
    "distributed_ddl_task_timeout": 120,
}


class ClusterColumns:
    """Columns over `clickhouse-connect`, one client (and so one server-side session) per thread.

    Args:
        settings: Where the cluster is. The database is made on all its servers if missing.
    """

    def __init__(self, settings: ClusterSettings) -> None:
        self._settings = settings
        self._local = threading.local()
        self._clients: list[Client] = []
        self._lock = threading.Lock()
        with translated():
            client = self._connect(None)
            client.command(f"CREATE DATABASE IF NOT EXISTS `{settings.database}` ON CLUSTER `{settings.name}`")
            client.close()

    def run(self, statement: Sql, budget: Budget = INTERNAL_BUDGET) -> None:
        """See `Columns.run`."""
        with translated():
            self._client().raw_query(with_budget(statement.text, budget), parameters=_parameters(statement))

    def fetch(self, query: Sql, budget: Budget = DEFAULT_BUDGET) -> list[dict[str, Any]]:
        """See `Columns.fetch`."""
        text = with_budget(query.text, budget, FORMATTING)
        with translated():
            data = self._client().raw_query(text, parameters=_parameters(query), fmt="JSONEachRow")
        return orjson.loads(b"[" + data.rstrip().replace(b"}\n{", b"},{") + b"]") if data else []

    def stream(self, query: Sql, budget: Budget = DEFAULT_BUDGET) -> Iterator[bytes]:
        """See `Columns.stream`."""
        text = with_budget(query.text, budget, FORMATTING)
        with translated(), self._client().raw_stream(text, parameters=_parameters(query), fmt="JSONEachRow") as chunks:
            while chunk := chunks.read(1 << 20):
                yield chunk

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        format_: str,
        payload: bytes,
        settings: Mapping[str, str] = NO_SETTINGS,
    ) -> None:
        """See `Columns.insert`."""
        with translated():
            self._client().raw_insert(table, list(columns), payload, settings=dict(settings), fmt=format_)

    def close(self) -> None:
        """See `Columns.close`."""
        with self._lock:
            clients, self._clients = self._clients, []
        for client in clients:
            client.close()

    def _client(self) -> Client:
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._connect(self._settings.database)
            with self._lock:
                self._clients.append(client)
            self._local.client = client
        return client

    def _connect(self, database: str | None) -> Client:
        url = urlsplit(self._settings.url)
        return clickhouse_connect.get_client(
            host=url.hostname or "",
            port=url.port or (8443 if url.scheme == "https" else 8123),
            interface="https" if url.scheme == "https" else "http",
            username=self._settings.user,
            password=self._settings.password,
            database=database,
            ca_cert=self._settings.ca_file or None,
            settings=dict(_SESSION),
            compress=False,
            form_encode_query_params=True,  # Hundreds of rules bind more values than fit into an address.
        )


class _Encoded:
    """A parameter's value as the server is to read it; the client would escape a plain string a second time."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


def _parameters(sql: Sql) -> dict[str, _Encoded]:
    return {name: _Encoded(value) for name, value in sql.params.items()}
