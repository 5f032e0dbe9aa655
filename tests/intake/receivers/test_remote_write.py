"""Remote write over HTTP, in front of the real writer: what Prometheus and others send, and what they should not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import cramjam
import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from tests.store.metric_parsing import NOW, NOW_MS
from tests.store.prometheus_wire import Request, series
from tocsin.api.errors import ErrorMiddleware
from tocsin.intake.receivers import remote_write
from tocsin.intake.settings import IntakeSettings
from tocsin.kit.units import ByteSize, Duration
from tocsin.store.base import Columns
from tocsin.store.metrics import MetricsWriter
from tocsin.store.metrics_committer import Committer
from tocsin.store.settings import WriterSettings
from tocsin.store.sql import Sql
from tocsin.testing.clock import VirtualClock

_SOON = WriterSettings(linger=Duration(milliseconds=20), pause=Duration())
_HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_SETTINGS = IntakeSettings(decompressed_limit=ByteSize(1 << 20))


def _snappy(body: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(body))


def _body(job: str, time: int = NOW_MS) -> bytes:
    return series({"__name__": "up", "job": job}, (time, 1.0))


@pytest.fixture
async def client(columns: Columns) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that holds the route alone."""
    clock = VirtualClock(NOW)
    writer = MetricsWriter(Committer(columns, Duration(days=30)), _SOON, clock)
    writer.start()
    app = Starlette(routes=remote_write.routes(writer, _SETTINGS, clock), middleware=[Middleware(ErrorMiddleware)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tocsin") as session:
        yield session
    await asyncio.to_thread(writer.stop)


def _count(columns: Columns) -> int:
    (row,) = columns.fetch(Sql("SELECT count() AS n FROM samples FINAL"))
    return int(row["n"])


async def test_a_request_is_answered_with_204_when_it_is_stored(client: httpx.AsyncClient, columns: Columns) -> None:
    """As the specification has it: no body."""
    response = await client.post("/api/v1/write", content=_snappy(_body("a")), headers=_HEADERS)

    assert (response.status_code, response.content) == (204, b"")
    assert _count(columns) == 1


async def test_a_bad_request_among_good_ones_is_refused_alone(client: httpx.AsyncClient, columns: Columns) -> None:
    """Requests that arrive together share a batch, but not each other's faults."""
    bodies = [_body(str(n)) for n in range(8)]
    bodies[3] = bodies[3][:-2]

    responses = await asyncio.gather(
        *(client.post("/api/v1/write", content=_snappy(body), headers=_HEADERS) for body in bodies)
    )

    assert [response.status_code for response in responses] == [204, 204, 204, 400, 204, 204, 204, 204]
    assert "ends within a field" in responses[3].json()["error"]["message"]
    assert _count(columns) == 7


async def test_what_is_good_in_a_request_is_kept(client: httpx.AsyncClient, columns: Columns) -> None:
    """The sender must not repeat it, and reads in its own log what was wrong."""
    body = _body("a") + _body("b", NOW_MS + 3_600_000) + series({"job": "c"}, (NOW_MS, 1.0))

    response = await client.post("/api/v1/write", content=_snappy(body), headers=_HEADERS)

    message = response.json()["error"]["message"]
    assert response.status_code == 400
    assert message.startswith("1 samples stored, but: 1 series refused: there is no metric name")
    assert "1 sample refused: out of bounds, more than 10 minutes in the future" in message
    assert _count(columns) == 1


@pytest.mark.parametrize(
    ("headers", "content", "status", "says"),
    [
        ({}, b"\x00junk", 400, "snappy"),
        ({}, _body("a"), 400, "snappy"),
        ({}, cramjam.snappy.compress(_body("a")), 400, "snappy"),
        ({}, _snappy(_body("a"))[:-4], 400, "snappy"),
        ({}, _snappy(b"\0" * (2 << 20)), 413, "decompressed_limit"),
        ({"Content-Encoding": "br"}, b"", 415, "Content-Encoding 'br'"),
        ({"Content-Type": "application/json"}, b"{}", 415, "application/x-protobuf"),
        ({"Content-Type": "application/x-protobuf;proto=other.Message"}, b"", 415, "prometheus.WriteRequest"),
    ],
)
async def test_wrong_bodies_get_precise_answers(
    client: httpx.AsyncClient, columns: Columns, headers: dict[str, str], content: bytes, status: int, says: str
) -> None:
    """4xx: the sender drops the request; 5xx and 429 would make it repeat what cannot succeed."""
    response = await client.post("/api/v1/write", content=bytes(content), headers=_HEADERS | headers)

    assert response.status_code == status
    assert says in response.json()["error"]["message"]
    assert _count(columns) == 0


@pytest.mark.parametrize("content_type", ["application/x-protobuf;proto=prometheus.WriteRequest", ""])
async def test_other_spellings_of_1_0_are_read(client: httpx.AsyncClient, columns: Columns, content_type: str) -> None:
    """With the message named, as 2.0 senders do when they fall back; without any header, as the first senders did."""
    headers = {"Content-Type": content_type} if content_type else {}

    response = await client.post("/api/v1/write", content=_snappy(_body("a")), headers=headers)

    assert response.status_code == 204
    assert _count(columns) == 1


async def test_a_sender_of_2_0_learns_how_much_was_written(client: httpx.AsyncClient, columns: Columns) -> None:
    """Also when a part of the request was refused."""
    headers = _HEADERS | {"Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request"}
    good = Request().add({"__name__": "up", "job": "a"}, (NOW_MS, 1.0), (NOW_MS + 1, 1.0))
    mixed = Request().add({"__name__": "up", "job": "b"}, (NOW_MS, 1.0)).add({"job": "c"}, (NOW_MS, 1.0))

    responses = [
        await client.post("/api/v1/write", content=_snappy(request.encode()), headers=headers)
        for request in (good, mixed)
    ]

    assert [response.status_code for response in responses] == [204, 400]
    assert [r.headers["X-Prometheus-Remote-Write-Samples-Written"] for r in responses] == ["2", "1"]
    assert responses[0].headers["X-Prometheus-Remote-Write-Exemplars-Written"] == "0"
    assert responses[0].headers["X-Prometheus-Remote-Write-Histograms-Written"] == "0"
    assert _count(columns) == 3
