"""HTTP/1.1 as the server speaks it: uvicorn's protocol with a limit on headers, and errors in our own form."""

from __future__ import annotations

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_LIMIT = 64 << 10
"""Bytes that the request line and headers may have. Nobody has to show a token to send these, so they are few."""


class LimitedHttp(HttpToolsProtocol):
    """Ends a connection whose request's head is too long (431) or no HTTP (400); pass it as uvicorn's `http`."""

    _head = 0
    _in_head = True
    _moves = 0

    def data_received(self, data: bytes) -> None:
        """Take bytes of the connection."""
        before = self._moves
        super().data_received(data)
        # What a request's head shares with what is before it, in one piece of at most 256 KiB, is not counted.
        self._head = self._head + len(data) if self._in_head and self._moves == before else 0
        if self._head > HEADERS_LIMIT and not self.transport.is_closing():
            self._refuse(b"431 Request Header Fields Too Large", f"the head is larger than {HEADERS_LIMIT >> 10}KiB")

    def on_message_begin(self) -> None:
        """A request begins."""
        self._move(in_head=True)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """All headers are there."""
        self._move(in_head=False)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request has ended; on the same connection another one may follow."""
        super().on_message_complete()
        self._move(in_head=True)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._refuse(b"400 Bad Request", "this is not a valid HTTP request")

    def _move(self, *, in_head: bool) -> None:
        self._moves += 1
        self._in_head = in_head

    def _refuse(self, status: bytes, message: str) -> None:
        body = orjson.dumps({"error": {"type": "http", "message": message}})
        head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, len(body)) + body)
        self.transport.close()
