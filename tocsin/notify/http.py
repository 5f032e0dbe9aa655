"""Sending over HTTP: one POST, its time limit, and what its outcome means."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

import httpx

from tocsin.model.errors import DeliveryFailed
from tocsin.notify.answers import Answer
from tocsin.notify.secrets import mask, origin

ANSWER_LIMIT = 16 * 1024
"""Bytes of an answer that are read; what follows is dropped."""

_CONTENT_TYPE = "application/json; charset=utf-8"


class Poster:
    """Posts JSON bodies for one destination.

    Args:
        http: The shared client; `guard.guarded_client` makes the one that keeps away from forbidden addresses.
        timeout: Seconds for the whole exchange, from resolving the name to the answer's end.
    """

    def __init__(self, http: httpx.AsyncClient, timeout: float) -> None:
        self._http = http
        self._timeout = timeout
        logging.getLogger("httpx").addFilter(_hide_urls)  # Adding the same filter again changes nothing.

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str] | None = None, *, secrets: Sequence[str] = ()
    ) -> Answer:
        """Post `body` and return the answer, whose text no longer holds any of `secrets` nor `url`'s secret parts.

        Raises:
            DeliveryFailed: The status is not 2xx, or no answer came.
        """
        source, hidden = origin(url), (url, *secrets)
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._exchange(url, body, headers or {}, hidden)
        except (TimeoutError, httpx.TimeoutException):
            message = f"{source} gave no answer within {self._timeout:g} s"
            raise DeliveryFailed(message, retry=True, reason="timeout") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError):
            # Their own texts would repeat the address or the header at fault.
            message = f"the address or a header for {source} holds characters that HTTP does not allow"
            raise DeliveryFailed(message, retry=False, reason="invalid") from None
        except httpx.RequestError as error:
            message = f"{source} cannot be reached: {mask(str(error), hidden) or type(error).__name__}"
            raise DeliveryFailed(message, retry=True, reason="connection") from None
        failure = answer.failure(source)
        if failure is not None:
            raise failure
        return answer

    async def _exchange(self, url: str, body: bytes, headers: Mapping[str, str], hidden: Sequence[str]) -> Answer:
        fields = {"Content-Type": _CONTENT_TYPE, "User-Agent": "Tocsin", **headers}
        async with self._http.stream("POST", url, content=body, headers=fields) as response:
            read = bytearray()
            async for chunk in response.aiter_bytes():
                read += chunk
                if len(read) >= ANSWER_LIMIT:
                    break
            text = bytes(read[:ANSWER_LIMIT]).decode("utf-8", "replace")
            return Answer(response.status_code, mask(text, hidden), dict(response.headers.items()))


def _hide_urls(record: logging.LogRecord) -> bool:
    """Cut the URLs in httpx's own log lines down to their origins."""
    if isinstance(record.args, tuple):
        record.args = tuple(origin(str(arg)) if isinstance(arg, httpx.URL) else arg for arg in record.args)
    return True
