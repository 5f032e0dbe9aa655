"""Answers that are streams of JSON lines."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing

import orjson
from starlette.responses import StreamingResponse

from tocsin.api.errors import body_of
from tocsin.model.errors import TocsinError

log = logging.getLogger(__name__)

NDJSON = "application/x-ndjson"


async def json_lines(chunks: AsyncIterator[bytes]) -> StreamingResponse:
    """Answer with chunks of JSON lines.

    Errors before the first chunk are raised, and so answered with their status. An error after it is the last line:
    `{"error": {...}}`, as the status is then sent already.
    """
    first = await anext(chunks, b"")
    return StreamingResponse(_rest(first, chunks), media_type=NDJSON)


async def _rest(first: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    last = first
    yield first
    try:
        async with aclosing(chunks) as source:  # type: ignore[type-var]  # every stream here is a generator
            async for chunk in source:
                last = chunk
                yield chunk
    except TocsinError as error:
        log.warning("a stream ended early: %s", error)
        yield (b"" if last.endswith(b"\n") or not last else b"\n") + orjson.dumps(body_of(error)) + b"\n"
