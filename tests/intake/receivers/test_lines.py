"""The HTTP addresses for lines, in front of the real writer."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from tests.intake.formats.events import audit_event
from tocsin.api.errors import ErrorMiddleware
from tocsin.intake.receivers import lines
from tocsin.intake.settings import IntakeSettings
from tocsin.kit.clock import SystemClock
from tocsin.store.base import Columns
from tocsin.store.settings import WriterSettings
from tocsin.store.sql import Sql
from tocsin.store.writer import Writer


@pytest.fixture
async def client(columns: Columns) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that holds the routes alone."""
    writer = Writer(columns, WriterSettings(), SystemClock())
    writer.start()
    app = Starlette(
        routes=lines.routes(writer, IntakeSettings(), SystemClock(), "home"), middleware=[Middleware(ErrorMiddleware)]
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tocsin") as session:
        yield session
    writer.stop()


async def test_lines_are_stored_with_what_the_request_says(client: httpx.AsyncClient, columns: Columns) -> None:
    body = gzip.compress(b"level=error msg=boom\nlevel=info msg=fine\n")
    parameters = {"format": "json-lines", "source": "shop", "label.app": "cart", "label.team": "a b"}
    response = await client.post("/intake/lines", params=parameters, content=body, headers={"Content-Encoding": "gzip"})
    assert response.json() == {"accepted": 2, "duplicates": 0, "rejected": 0, "batch": 1}
    rows = columns.fetch(Sql("SELECT cluster, source, app, `stream`, level FROM logs ORDER BY level"))
    assert rows[0] == {
        "cluster": "home",
        "source": "shop",
        "app": "cart",
        "stream": {"app": "cart", "team": "a b"},
        "level": "error",
    }


async def test_the_format_is_found_and_rejects_are_counted(client: httpx.AsyncClient, columns: Columns) -> None:
    body = audit_event("one") + "\n" + '{"kind":"Event"}\n'
    response = await client.post("/intake/lines?cluster=east", content=body)
    assert response.json() == {"accepted": 1, "duplicates": 0, "rejected": 1, "batch": 1}
    assert columns.fetch(Sql("SELECT audit_id, cluster FROM audit")) == [{"audit_id": "one", "cluster": "east"}]


async def test_an_idempotency_key_makes_a_repetition_harmless(client: httpx.AsyncClient, columns: Columns) -> None:
    for accepted, duplicates in ((2, 0), (0, 2)):
        response = await client.post("/intake/lines", content="a\nb", headers={"Idempotency-Key": "k1"})
        assert (response.json()["accepted"], response.json()["duplicates"]) == (accepted, duplicates)
    assert columns.fetch(Sql("SELECT count() AS n FROM logs")) == [{"n": 2}]


async def test_falco_and_events_have_addresses_of_their_own(client: httpx.AsyncClient, columns: Columns) -> None:
    alert = {"rule": "r", "priority": "Error", "output": "o", "time": "2026-11-23T08:00:00Z"}
    assert (await client.post("/intake/falco", json=alert)).json()["accepted"] == 1
    event = {"reason": "BackOff", "message": "m", "involvedObject": {"kind": "Pod", "name": "p", "namespace": "n"}}
    assert (await client.post("/intake/kubernetes/events", json=[event, event])).json()["accepted"] == 2
    rows = columns.fetch(Sql("SELECT source, count() AS n FROM logs GROUP BY source ORDER BY source"))
    assert rows == [{"source": "falco", "n": 1}, {"source": "kubernetes-event", "n": 2}]


@pytest.mark.parametrize(
    ("query", "headers", "body", "status", "message"),
    [
        ("?format=xml", {}, "x", 400, "unknown format 'xml'; expected one of auto"),
        ("?priority=high", {}, "x", 400, "priority is 'high'"),
        ("?label.x=" + "y" * 300, {}, "x", 400, "256 characters"),
        ("", {}, " \n", 400, "the body is empty"),
        ("", {"Content-Type": "multipart/form-data; boundary=x"}, "x", 415, "multipart/form-data"),
        ("", {"Content-Encoding": "br"}, "x", 415, "Content-Encoding 'br'"),
        ("", {"Content-Encoding": "gzip"}, "not gzip", 400, "not valid gzip"),
        ("", {"Idempotency-Key": "k" * 300}, "x", 400, "Idempotency-Key"),
    ],
)
async def test_what_is_wrong_is_said(
    client: httpx.AsyncClient, query: str, headers: dict[str, str], body: str, status: int, message: str
) -> None:
    response = await client.post("/intake/lines" + query, content=body, headers=headers)
    assert response.status_code == status
    assert message in json.dumps(response.json())
