"""Every error has its status, and none tells what it should not."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.api.errors import STATUS, ErrorMiddleware, body_of, handle, status_of
from tocsin.model import errors
from tocsin.model.errors import (
    DeliveryFailed,
    InvalidInput,
    Location,
    Overloaded,
    RuleError,
    SettingsError,
    StorageFull,
    TocsinError,
    TooLarge,
)


def _subclasses(of: type[TocsinError]) -> Iterator[type[TocsinError]]:
    for child in of.__subclasses__():
        yield child
        yield from _subclasses(child)


def test_every_class_of_the_tree_has_the_status_its_docstring_names() -> None:
    tree = (errors.__doc__ or "").splitlines()
    named = {}
    for line in tree:
        words = line.strip("│├└─ ").split()
        if words and words[-1].isdigit():
            named[words[0]] = int(words[-1])
    assert len(named) == len(STATUS)
    assert {cls.__name__: status for cls, status in STATUS.items()} == named
    ours = [cls for cls in _subclasses(TocsinError) if cls.__module__ == errors.__name__]
    assert all(any(base in STATUS for base in cls.__mro__) for cls in ours)


def test_the_nearest_base_decides() -> None:
    class Odd(InvalidInput):
        pass

    assert status_of(Odd("x")) == 400
    assert status_of(RuleError("x")) == 400
    assert status_of(TocsinError("x")) == 500


def test_where_is_told_in_parts() -> None:
    body = body_of(SettingsError("expected a number", Location("a.yaml", 3, 4), "web.max_rows"))
    assert body == {
        "error": {
            "type": "SettingsError",
            "message": "a.yaml:3:4: web.max_rows: expected a number",
            "where": {"key": "web.max_rows", "file": "a.yaml", "line": 3, "column": 4},
        }
    }
    assert "where" not in body_of(InvalidInput("x"))["error"]


@pytest.fixture
def http() -> httpx.AsyncClient:
    def fail(request: Request) -> Response:
        match request.path_params["what"]:
            case "overloaded":
                raise Overloaded("full", retry_after=2.2)
            case "disk":
                raise StorageFull("full", retry_after=0.1)
            case "large":
                raise TooLarge("too large")
            case "delivery":
                raise DeliveryFailed("no", retry=False, reason="client")
        raise RuntimeError("the password is hunter2")

    app = Starlette(
        routes=[Route("/{what}", fail)],
        exception_handlers={TocsinError: handle},
        middleware=[Middleware(ErrorMiddleware)],
    )
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://x")


@pytest.mark.parametrize(
    ("what", "status", "retry_after"),
    [("overloaded", 429, "3"), ("disk", 507, "1"), ("large", 413, None), ("delivery", 502, None)],
)
async def test_errors_are_answered(http: httpx.AsyncClient, what: str, status: int, retry_after: str | None) -> None:
    async with http:
        response = await http.get(f"/{what}")
    assert response.status_code == status
    assert response.headers.get("retry-after") == retry_after


async def test_what_nobody_foresaw_is_told_to_the_log_only(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    async with http:
        response = await http.get("/boom")
    assert response.status_code == 500
    error = response.json()["error"]
    assert "hunter2" not in response.text
    assert error["reference"] in caplog.text
    assert "hunter2" in caplog.text
