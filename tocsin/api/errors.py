"""The one map from errors to HTTP: status, headers and the JSON body `{"error": {"type", "message", "where"}}`."""

from __future__ import annotations

import logging
import math
import secrets
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tocsin.model import errors
from tocsin.query.search import SearchError

log = logging.getLogger(__name__)

STATUS: Mapping[type[errors.TocsinError], int] = {
    errors.InvalidInput: 400,
    errors.TooLarge: 413,
    errors.UnsupportedFormat: 415,
    errors.BudgetExceeded: 422,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TryLater: 503,
    errors.Overloaded: 429,
    errors.StorageFull: 507,
    errors.StoreFailed: 500,
    errors.SettingsError: 400,
    errors.DeliveryFailed: 502,
}
"""A class that is not listed has the status of its nearest base."""

INTERNAL = "internal"


def status_of(error: errors.TocsinError) -> int:
    """Return the HTTP status of an error of ours."""
    return next((STATUS[base] for base in type(error).__mro__ if base in STATUS), 500)


def body_of(error: errors.TocsinError) -> dict[str, Any]:
    """Return the JSON body: the error's class, its sentence, and where it is if that is known."""
    body: dict[str, Any] = {"type": type(error).__name__, "message": str(error)}
    if where := _where(error):
        body["where"] = where
    return {"error": body}


def answer(error: errors.TocsinError) -> Response:
    """Return the response to an error of ours."""
    headers = {}
    if isinstance(error, errors.TryLater):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="tocsin"'
    return _json(body_of(error), status_of(error), headers)


def unexpected(error: Exception, path: str) -> dict[str, Any]:
    """Log an error that nobody foresaw, and return a body that names the log's entry and nothing else."""
    reference = secrets.token_hex(6)
    log.error("unexpected error %s at %s", reference, path, exc_info=error, extra={"reference": reference})
    message = f"something went wrong in the server; its log has the details under {reference}"
    return {"error": {"type": INTERNAL, "message": message, "reference": reference}}


class ErrorMiddleware:
    """Answers every error that escapes the application; one that comes after the answer began ends the connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:  # The outermost edge: only the log sees what is unforeseen.
            if started:
                unexpected(error, scope["path"])
                raise
            await _response(error, scope["path"])(scope, receive, send)


async def handle(request: Request, error: Exception) -> Response:
    """Answer an error raised by a route (an exception handler of Starlette)."""
    return _response(error, request.url.path)


def _response(error: Exception, path: str) -> Response:
    if isinstance(error, errors.TocsinError):
        return answer(error)
    if isinstance(error, HTTPException):
        body = {"error": {"type": "http", "message": error.detail}}
        return _json(body, error.status_code, error.headers)
    return _json(unexpected(error, path), 500)


def _where(error: errors.TocsinError) -> dict[str, Any]:
    if isinstance(error, SearchError):
        return {"column": error.column}
    if not isinstance(error, errors.SettingsError):
        return {}
    where: dict[str, Any] = {"key": error.key} if error.key else {}
    if error.location:
        where |= {"file": error.location.file, "line": error.location.line, "column": error.location.column}
    return where


def _json(body: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, media_type="application/json")
