"""Puts the HTTP application together: routes, error answers, and the middleware in its order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tocsin import __version__
from tocsin.api import alertmanager, native, operations, unknown
from tocsin.api.access import NATIVE
from tocsin.api.auth import AuthMiddleware
from tocsin.api.errors import ErrorMiddleware, answer, handle
from tocsin.api.limits import BodyLimit, BrowserHeaders
from tocsin.api.services import Services
from tocsin.api.settings import WebSettings
from tocsin.model.errors import InvalidInput, TocsinError

_GZIP_FROM = 1024


def build_app(
    services: Services,
    settings: WebSettings,
    extra: Sequence[BaseRoute] = (),
    *,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
    refused: Callable[[str], None] = lambda _: None,
) -> FastAPI:
    """Return the application.

    Args:
        services: What its functions need.
        settings: Limits.
        extra: More routes, such as the receivers'; each needs a line in `access.TABLE`.
        lifespan: Run around the application's life.
        refused: Told of every request that was refused: `unauthenticated` or `forbidden`.
    """
    app = FastAPI(
        title="Tocsin",
        version=__version__,
        openapi_url=f"{NATIVE}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        middleware=[
            # From the outside in.
            Middleware(BrowserHeaders),
            Middleware(ErrorMiddleware),
            Middleware(AuthMiddleware, authenticator=services.authenticator, refused=refused),
            Middleware(BodyLimit, limit=settings.body_limit),
            Middleware(GZipMiddleware, minimum_size=_GZIP_FROM, compresslevel=5),
        ],
        exception_handlers={
            TocsinError: handle,
            HTTPException: handle,
            RequestValidationError: _invalid,
        },
    )
    app.router.routes.extend(operations.routes(services))
    app.include_router(native.router(services))
    app.include_router(alertmanager.router(services, services.clock.now()))
    app.router.routes.extend(extra)
    app.router.routes.extend(unknown.routes(extra))
    return app


async def _invalid(_: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    texts = [f"{'.'.join(str(part) for part in each['loc'][1:])}: {each['msg']}" for each in found]
    return answer(InvalidInput("; ".join(texts)))
