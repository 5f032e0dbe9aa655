"""What every request must keep to, and every answer says: size of the body, headers for browsers."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tocsin.api.errors import answer
from tocsin.kit.units import ByteSize
from tocsin.model.errors import TooLarge

_INTAKE = "/intake/"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}


class BodyLimit:
    """Refuses bodies over a limit with 413. Intake has limits of its own, as its bodies are compressed.

    Args:
        app: What is behind.
        limit: Bytes.
    """

    def __init__(self, app: ASGIApp, limit: ByteSize) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or scope["path"].startswith(_INTAKE):
            await self._app(scope, receive, send)
            return
        error = TooLarge(f"the body is larger than {self._limit} (web.body_limit)")
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdigit() or int(length) > self._limit:
            await answer(error)(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._limit:
                raise error
            return message

        await self._app(scope, counted, send)


class BrowserHeaders:
    """Adds headers that keep browsers from guessing types, framing us, or telling others where they came from."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, add)
