"""ClickHouse's HTTP interface before chDB, so that the cluster's client is tested against the real engine.

It reads requests as documented (https://clickhouse.com/docs/interfaces/http): the query in `query` or at the head of
the body, `database`, `session_id`, `param_<name>` and settings in the address or a form. What only a cluster can run
(`ON CLUSTER`, `Replicated*`, `Distributed`) is first checked by the engine's parser and then run as what one server of
it would do.
"""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chdb.session import Session

_ON_CLUSTER = re.compile(r" ON CLUSTER `[^`]+`")
_INSERT = re.compile(r"\s*(INSERT INTO .*?)\s+FORMAT\s+(\w+)\s*$", re.IGNORECASE | re.DOTALL)
_FORMAT = re.compile(r"\s+FORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)


class _Sessions:
    """One engine session and one thread per session id."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._workers: dict[str, tuple[ThreadPoolExecutor, Session]] = {}

    def call(self, session_id: str, database: str, query: str, data: bytes, params: dict[str, str]) -> bytes:
        with self._lock:
            if session_id not in self._workers:
                self._workers[session_id] = (ThreadPoolExecutor(1), Session(str(self._path)))
        worker, session = self._workers[session_id]
        return worker.submit(_run, session, database, query, data, params).result()

    def close(self) -> None:
        for worker, session in self._workers.values():
            worker.submit(session.close).result()
            worker.shutdown()


def _run(session: Session, database: str, query: str, data: bytes, params: dict[str, str]) -> bytes:
    if database:
        session.query(f"USE `{database}`")
    if _ON_CLUSTER.search(query):
        session.query(f"EXPLAIN AST {query}")
        query = _as_one_server(query)
        if not query:
            return b""
    insert = _INSERT.match(query)
    if insert:
        with session.send_insert(insert[1], insert[2]) as inserter:
            inserter.append(data)
            inserter.finish()
        return b""
    form = _FORMAT.search(query)
    text = query[: form.start()] if form else query
    result: bytes = session.query(text, form[1] if form else "TabSeparated", params=params).bytes()
    return result


def _as_one_server(query: str) -> str:
    if "ENGINE = Distributed" in query:
        return ""
    query = _ON_CLUSTER.sub("", query)
    query = re.sub(r"ENGINE = Replicated(\w+)\('[^']*', '[^']*'(?:, )?([^)]*)\)", r"ENGINE = \1(\2)", query)
    return re.sub(r"(TABLE (?:IF NOT EXISTS )?)(\w+)_local\b", r"\1\2", query)


def _form(content_type: str, body: bytes) -> dict[str, str]:
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    parts: dict[str, str] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        parts[str(name)] = content.decode()
    return parts


class Front:
    """The server; `url` is its address, `requests` what it was asked."""

    def __init__(self, path: Path) -> None:
        sessions = self._sessions = _Sessions(path)
        requests: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
                if self.headers.get_content_type() == "multipart/form-data":
                    asked, body = asked | _form(self.headers["Content-Type"], body), b""
                query = asked.get("query", "")
                if not query:
                    head, _, rest = (
                        body.partition(b"\n") if body.lstrip()[:6].upper() == b"INSERT" else (body, b"", b"")
                    )
                    query, body = head.decode(), rest
                requests.append(query)
                params = {k.removeprefix("param_"): v for k, v in asked.items() if k.startswith("param_")}
                try:
                    answer, status = (
                        sessions.call(asked.get("session_id", ""), asked.get("database", ""), query, body, params),
                        200,
                    )
                except Exception as error:  # noqa: BLE001 - the interface answers every failure of the engine as text
                    answer, status = str(error).encode(), 500
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.send_header("X-ClickHouse-Timezone", "UTC")
                if status != 200 and (code := re.search(rb"Code: (\d+)", answer)):
                    self.send_header("X-ClickHouse-Exception-Code", code[1].decode())
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST  # noqa: N815 - the base class's name

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        self.requests = requests
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._sessions.close()
