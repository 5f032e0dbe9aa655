"""Reading bodies within limits."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator

import cramjam
import pytest
from starlette.requests import Request
from starlette.types import Message

from tocsin.intake.receivers.bodies import read_body
from tocsin.intake.settings import IntakeSettings
from tocsin.kit.units import ByteSize
from tocsin.model.errors import InvalidInput, TooLarge, UnsupportedFormat

_SETTINGS = IntakeSettings(body_limit=ByteSize(1000), decompressed_limit=ByteSize(5000))


def _request(body: bytes, *encodings: str, length: int | None = None) -> Request:
    headers = [(b"content-encoding", encoding.encode()) for encoding in encodings]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))

    async def messages() -> AsyncIterator[Message]:
        for start in range(0, len(body), 400):
            yield {"type": "http.request", "body": body[start : start + 400], "more_body": True}
        yield {"type": "http.request", "body": b"", "more_body": False}

    stream = messages()

    async def receive() -> Message:
        return await anext(stream)

    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


@pytest.mark.parametrize(
    ("body", "encodings"),
    [
        (b"text" * 200, ()),
        (b"text" * 200, ("identity",)),
        (gzip.compress(b"text" * 200), ("gzip",)),
        (gzip.compress(b"text" * 100) + gzip.compress(b"text" * 100), ("GZIP",)),
        (zlib.compress(b"text" * 200), ("deflate",)),
        (bytes(cramjam.zstd.compress(b"text" * 200)), ("zstd",)),
        (bytes(cramjam.snappy.compress_raw(b"text" * 200)), ("snappy",)),
        (gzip.compress(bytes(cramjam.zstd.compress(b"text" * 200))), ("zstd, gzip",)),
    ],
)
async def test_every_encoding(body: bytes, encodings: tuple[str, ...]) -> None:
    assert await read_body(_request(body, *encodings), _SETTINGS) == b"text" * 200


async def test_a_large_body_is_decompressed_in_a_thread() -> None:
    data = bytes(range(256)) * 4000
    settings = IntakeSettings()
    assert await read_body(_request(gzip.compress(data, 0), "gzip"), settings) == data


@pytest.mark.parametrize("length", [None, 2000])
async def test_too_much_is_refused_with_the_name_of_the_setting(length: int | None) -> None:
    with pytest.raises(TooLarge, match=r"larger than 1000 \(intake.body_limit\)"):
        await read_body(_request(b"x" * 1001, length=length), _SETTINGS)


@pytest.mark.parametrize(
    ("bomb", "encoding"),
    [
        (gzip.compress(bytes(100_000)), "gzip"),
        (zlib.compress(bytes(100_000)), "deflate"),
        (bytes(cramjam.zstd.compress(bytes(100_000))), "zstd"),
        (bytes(cramjam.snappy.compress_raw(bytes(5001))), "snappy"),
    ],
)
async def test_bombs_are_refused(bomb: bytes, encoding: str) -> None:
    with pytest.raises(TooLarge, match=r"\(intake.decompressed_limit\)"):
        await read_body(_request(bomb, encoding), _SETTINGS)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "snappy"])
async def test_what_is_not_of_its_encoding_is_refused(encoding: str) -> None:
    with pytest.raises(InvalidInput, match=f"not valid {encoding}"):
        await read_body(_request(b"not compressed", encoding), _SETTINGS)


async def test_a_body_that_ends_early_is_refused() -> None:
    with pytest.raises(InvalidInput, match="ends before its gzip does"):
        await read_body(_request(gzip.compress(b"text" * 100)[:-9], "gzip"), _SETTINGS)


async def test_a_client_that_goes_away_is_no_failure_of_ours() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    request = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
    with pytest.raises(InvalidInput, match="went away"):
        await read_body(request, _SETTINGS)


async def test_unknown_encodings_are_named() -> None:
    with pytest.raises(UnsupportedFormat, match="'br'; expected gzip"):
        await read_body(_request(b"x", "br"), _SETTINGS)
