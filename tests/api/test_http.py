"""The protocol below the application: heads are limited before anybody has shown who they are."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tocsin.api.http import HEADERS_LIMIT, LimitedHttp

_PLENTY = 1 << 20
"""Over the limit, and over what may come in the one piece that is not counted."""
_HEAD = b"POST /size HTTP/1.1\r\nHost: localhost\r\n"


async def _size(request: Request) -> Response:
    return JSONResponse(len(await request.body()))


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where a server of that protocol listens."""
    app = Starlette(routes=[Route("/size", _size, methods=["POST"])])
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(app, http=LimitedHttp, log_config=None, ws="none", lifespan="off"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(10)


def exchange(port: int, *pieces: bytes) -> bytes:
    """Send pieces one after the other until the server has had enough; return all that it answers."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            while data := connection.recv(65536):
                answer += data
        except ConnectionError:
            pass
    return answer


def error(answer: bytes) -> tuple[int, str]:
    """Status and message of an answer in our own form."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head
    return int(head.split()[1]), json.loads(body)["error"]["message"]


@pytest.mark.parametrize(
    "pieces",
    [
        [_HEAD, b"X: " + b"a" * _PLENTY],
        [_HEAD, *[b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(_PLENTY // 1000)]],
        [b"GET /" + b"a" * _PLENTY],
    ],
    ids=["one long header", "many headers", "a long address"],
)
def test_a_head_without_end_is_refused(port: int, pieces: list[bytes]) -> None:
    answer = exchange(port, *pieces)
    if answer:  # The answer may be lost if we still send when the connection is closed.
        status, message = error(answer)
        assert status in {400, 431}
        assert "head is larger than 64KiB" in message or "not a valid HTTP request" in message


def test_no_more_than_the_limit_is_taken(port: int) -> None:
    def send_without_end() -> None:
        for _ in range(1000):
            connection.sendall(b"a" * 65536)

    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(_HEAD + b"X: ")
        with pytest.raises(ConnectionError):
            send_without_end()


@pytest.mark.parametrize(
    "head",
    [b"\x16\x03\x01\x02\x00\x01\x00", b"FROB /\r\n\r\n", _HEAD + b"Content-Length: -5\r\n\r\n", b"GET /\xff\r\n"],
)
def test_what_is_no_http_is_told_so(port: int, head: bytes) -> None:
    assert error(exchange(port, head)) == (400, "this is not a valid HTTP request")


def test_bodies_and_further_requests_do_not_count(port: int) -> None:
    body = b"x" * (4 * HEADERS_LIMIT)
    head = _HEAD + b"X: " + b"a" * (HEADERS_LIMIT // 2) + b"\r\nContent-Length: %d\r\n" % len(body)
    last = _HEAD + b"Connection: close\r\nContent-Length: 3\r\n\r\nabc"
    answer = exchange(port, head + b"\r\n", body, head + b"\r\n" + body, last)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.endswith(b"\r\n\r\n3")
