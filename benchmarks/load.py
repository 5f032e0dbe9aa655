"""Load for benchmarks: the packaged recording multiplied, and a client that wastes little of the two cores."""

from __future__ import annotations

import gzip
import http.client
import re
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import cycle, islice
from typing import NamedTuple

from tocsin.kit.resources import packs_directory

_RECORDED = date(2026, 11, 23)
_ID = re.compile(rb'"auditID":"[0-9a-f]{8}')


def audit_events(count: int, recording: str = "attack") -> list[bytes]:
    """Return `count` real audit events, one JSON line each: a recording again and again, each time a day later.

    `attack` is dense with attacks, `benign` has none. Every event has an auditID of its own, and bursts stay as long as
    they were.
    """
    lines = gzip.decompress((packs_directory() / "recordings" / f"{recording}.ndjson.gz").read_bytes()).splitlines()
    rounds = -(-count // len(lines))
    many = (_later(line, number) for number in range(rounds) for line in lines)
    return list(islice(many, count))


def _later(line: bytes, number: int) -> bytes:
    day = (_RECORDED + timedelta(days=number)).isoformat().encode()
    return _ID.sub(b'"auditID":"%08x' % (number + 1), line).replace(_RECORDED.isoformat().encode(), day)


def event_list_bodies(events: Sequence[bytes], per_body: int = 400) -> list[bytes]:
    """Return them as the API server's webhook sends them: `EventList` bodies of 400."""
    return event_list_bodies_of([events[i : i + per_body] for i in range(0, len(events), per_body)])


def event_list_bodies_of(chunks: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Return one `EventList` body per chunk of events."""
    head = b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":['
    return [head + b",".join(chunk) + b"]}" for chunk in chunks]


def pod_log_lines(count: int) -> list[bytes]:
    """Return `count` lines as a container runtime writes them (CRI): JSON, logfmt and plain text mixed."""
    shapes = cycle(
        (
            b'{"level":"info","ts":"2026-11-23T09:06:37Z","msg":"request served","method":"GET",'
            b'"path":"/api/orders/%d","status":200,"ms":%d}',
            b'level=warning msg="slow query" table=orders id=%d ms=%d caller=db.go:114',
            b'10.0.0.%d - - [23/Nov/2026:09:06:37 +0000] "GET /index.html HTTP/1.1" 200 %d "-" "curl/8.5"',
            b"ERROR could not connect to payments:8443 attempt %d of %d: connection refused",
        )
    )
    return [
        b"2026-11-23T09:%02d:%02d.%09dZ stdout F " % (n // 60000 % 60, n // 1000 % 60, n % 1000 * 1_000_000)
        + next(shapes) % (n % 200, n % 977)
        for n in range(count)
    ]


class Sent(NamedTuple):
    """What the client saw: seconds from the first byte to the last answer, and each request's own seconds."""

    seconds: float
    latencies: list[float]


def post_all(port: int, path: str, bodies: Sequence[bytes], connections: int = 48) -> Sent:
    """Post every body to 127.0.0.1:`port`, over so many connections at a time; a refusal with Retry-After is repeated.

    Raises RuntimeError on any other answer than a 2xx.
    """
    sender = _Sender(port, path)

    def send(body: bytes) -> float:
        began = time.monotonic()
        return sender.post(body) - began

    began = time.monotonic()
    with ThreadPoolExecutor(connections) as pool:
        latencies = list(pool.map(send, bodies))
    return Sent(time.monotonic() - began, latencies)


def post_paced(
    port: int, path: str, bodies: Sequence[bytes], per_second: float, connections: int = 16
) -> tuple[list[float], float]:
    """Post the bodies at a steady pace; return the time of each one's 2xx (monotonic), and the seconds taken."""
    sender = _Sender(port, path)
    began = time.monotonic()

    def send(number: int) -> float:
        time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        return sender.post(bodies[number])

    with ThreadPoolExecutor(connections) as pool:
        acknowledged = list(pool.map(send, range(len(bodies))))
    return acknowledged, time.monotonic() - began


class _Sender:
    """Posts over one connection per thread."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._path = path
        self._local = threading.local()

    def post(self, body: bytes) -> float:
        """Post until it is taken; return the time of the 2xx."""
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        while True:
            connection.request("POST", self._path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status in (429, 503):
                time.sleep(float(answer.headers.get("Retry-After", "1")))
                continue
            if answer.status >= 300:
                raise RuntimeError(f"{answer.status} {text[:300]!r}")
            return time.monotonic()
