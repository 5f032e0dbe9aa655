"""Reads request bodies within limits: of what is sent, and of what comes out of decompression."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import cramjam
from starlette.requests import ClientDisconnect, Request

from tocsin.intake.compression import Decompressor
from tocsin.intake.settings import IntakeSettings
from tocsin.kit.units import ByteSize
from tocsin.model.errors import InvalidInput, TooLarge, UnsupportedFormat

_INLINE = 64 << 10
"""Bodies up to this size are decompressed at once; larger ones in a thread."""


async def read_body(request: Request, settings: IntakeSettings) -> bytes:
    """Return the request's body, decompressed by its Content-Encoding (gzip, deflate, zstd, snappy).

    Raises:
        TooLarge: Over `body_limit` as sent or over `decompressed_limit` decompressed; never more is held in memory.
        UnsupportedFormat: An encoding that is not read here.
        InvalidInput: The body is not what the encoding says, or ends too early.
    """
    body = await _received(request, settings.body_limit)
    for encoding in reversed(_encodings(request)):
        if len(body) <= _INLINE:
            body = decompress(body, encoding, settings.decompressed_limit)
        else:
            body = await asyncio.to_thread(decompress, body, encoding, settings.decompressed_limit)
    return body


def decompress(body: bytes, encoding: str, limit: ByteSize) -> bytes:
    """Return `body` decompressed; see `read_body` for what is raised."""
    known = _DECODERS.get(encoding)
    if known is None:
        raise UnsupportedFormat(f"cannot read Content-Encoding {encoding!r}; expected gzip, deflate, zstd or snappy")
    return known(body, limit)


def _encodings(request: Request) -> list[str]:
    header = ",".join(request.headers.getlist("content-encoding"))
    names = [name.strip().lower() for name in header.split(",")]
    found = [name for name in names if name not in ("", "identity")]
    if len(found) > 2:
        raise UnsupportedFormat("more than two Content-Encodings")
    return found


async def _received(request: Request, limit: ByteSize) -> bytes:
    error = TooLarge(f"the body is larger than {limit} (intake.body_limit); send smaller batches")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise error
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise error
            parts.append(part)
    except ClientDisconnect:
        raise InvalidInput(f"the client went away after {size} bytes of the body") from None
    return b"".join(parts)


def _too_large(limit: ByteSize) -> TooLarge:
    return TooLarge(f"the body is larger than {limit} decompressed (intake.decompressed_limit); send smaller batches")


def _streamed(encoding: str) -> Callable[[bytes, ByteSize], bytes]:
    def decode(body: bytes, limit: ByteSize) -> bytes:
        stream = Decompressor(encoding)
        out = stream.feed(body, limit + 1)
        if len(out) > limit:
            raise _too_large(limit)
        if not stream.complete:
            raise InvalidInput(f"the body ends before its {encoding} does ({len(body)} bytes)")
        return out

    return decode


def _snappy(body: bytes, limit: ByteSize) -> bytes:
    """Decompress snappy's block format, as Prometheus and Loki clients send it; it says its size at its beginning."""
    try:
        if cramjam.snappy.decompress_raw_len(body) > limit:
            raise _too_large(limit)
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise InvalidInput(f"the body is not valid snappy ({len(body)} bytes): {error}") from None


_DECODERS: Mapping[str, Callable[[bytes, ByteSize], bytes]] = {
    "gzip": _streamed("gzip"),
    "x-gzip": _streamed("gzip"),
    "deflate": _streamed("deflate"),
    "zstd": _streamed("zstd"),
    "snappy": _snappy,
}
