"""Sending: what its outcomes mean, and that nothing secret is said or logged about it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import httpx
import pytest

from tests.notify.doubles import Endpoint, echo
from tocsin.model.errors import DeliveryFailed
from tocsin.notify.http import ANSWER_LIMIT, Poster

URL = "https://hooks.example/services/T0/B0/abcdefghijklmnop"
TOKEN = "xoxb-secret-token"


def failing(error: Callable[[httpx.Request], Exception]) -> Endpoint:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error(request)

    return Endpoint(answer)


async def test_the_body_goes_out_as_json() -> None:
    endpoint = Endpoint(lambda _: httpx.Response(202, text="fine"))
    answer = await Poster(endpoint.client, 5).post(URL, b'{"a":1}', {"X-Key": "k"})
    assert (answer.status, answer.text) == (202, "fine")
    (request,) = endpoint.requests
    assert (request.method, str(request.url), request.content) == ("POST", URL, b'{"a":1}')
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert request.headers["x-key"] == "k"


@pytest.mark.parametrize(
    ("error", "reason", "retry"),
    [
        (lambda request: httpx.ConnectTimeout("slow", request=request), "timeout", True),
        (lambda request: httpx.ReadTimeout("slow", request=request), "timeout", True),
        (lambda request: httpx.PoolTimeout("slow", request=request), "timeout", True),
        (lambda request: httpx.ConnectError(f"refused {request.url}", request=request), "connection", True),
        (lambda request: httpx.RemoteProtocolError("cut off", request=request), "connection", True),
        (lambda request: httpx.ReadError("", request=request), "connection", True),
        (lambda request: httpx.ProxyError("403", request=request), "connection", True),
        (lambda request: httpx.LocalProtocolError(f"bad header {TOKEN}", request=request), "invalid", False),
        (lambda request: httpx.UnsupportedProtocol(f"{request.url}", request=request), "invalid", False),
    ],
)
async def test_failures_before_an_answer(error: Callable[[httpx.Request], Exception], reason: str, retry: bool) -> None:
    with pytest.raises(DeliveryFailed) as failed:
        await Poster(failing(error).client, 5).post(URL, b"{}", secrets=[TOKEN])
    assert (failed.value.reason, failed.value.retry) == (reason, retry)
    assert "abcdefgh" not in str(failed.value)
    assert TOKEN not in str(failed.value)


async def test_a_server_that_never_finishes_is_a_timeout() -> None:
    async def hang(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with httpx.AsyncClient(transport=httpx.MockTransport(hang)) as http:
        with pytest.raises(DeliveryFailed, match=r"https://hooks.example gave no answer within 0.01 s") as failed:
            await Poster(http, 0.01).post(URL, b"{}")
    assert (failed.value.reason, failed.value.retry) == ("timeout", True)


async def test_a_token_that_no_header_can_hold_is_not_shown() -> None:
    endpoint = Endpoint(lambda _: httpx.Response(200))
    with pytest.raises(DeliveryFailed, match="characters that HTTP does not allow") as failed:
        await Poster(endpoint.client, 5).post(URL, b"{}", {"Authorization": "Bearer gehëim"})
    assert "geh" not in str(failed.value)


async def test_an_endless_answer_is_read_to_a_limit() -> None:
    endpoint = Endpoint(lambda _: httpx.Response(200, content=b"x" * (10 * ANSWER_LIMIT)))
    assert len((await Poster(endpoint.client, 5).post(URL, b"{}")).text) == ANSWER_LIMIT


@pytest.mark.parametrize("status", [200, 400, 429, 500])
async def test_a_server_that_repeats_everything_reveals_nothing(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint = Endpoint(lambda request: echo(request, status))
    sent = Poster(endpoint.client, 5).post(URL, b"{}", {"Authorization": f"Bearer {TOKEN}"}, secrets=[TOKEN])
    if status == 200:
        told = (await sent).text
    else:
        with pytest.raises(DeliveryFailed) as failed:
            await sent
        told = str(failed.value)
        assert failed.value.__cause__ is None
    assert "***" in told
    for text in (told, caplog.text):
        assert "abcdefgh" not in text
        assert TOKEN not in text
    assert "https://hooks.example" in caplog.text
