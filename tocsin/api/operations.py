"""For operators: alive, ready, read the settings again, our own metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tocsin.api.functions.operating import reload
from tocsin.api.services import Services


def routes(services: Services) -> list[Route]:
    """Return the routes."""

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("Tocsin is healthy.\n")

    async def ready(_: Request) -> Response:
        reasons = list(services.life.unready())
        if not reasons:
            return PlainTextResponse("Tocsin is ready.\n")
        return PlainTextResponse("\n".join(["Tocsin is not ready:", *reasons]) + "\n", 503, {"Retry-After": "1"})

    async def reload_(request: Request) -> Response:
        changes = await reload(services, request.state.principal)
        return JSONResponse({"changes": list(changes)})

    async def metrics(request: Request) -> Response:
        encode, content_type = _encoder(request.headers.get("accept", ""))
        return Response(await asyncio.to_thread(encode, services.registry), media_type=content_type)

    return [
        Route("/-/healthy", healthy, methods=["GET"]),
        Route("/-/ready", ready, methods=["GET"]),
        Route("/-/reload", reload_, methods=["POST"]),
        Route("/metrics", metrics, methods=["GET"]),
    ]


def _encoder(accept: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    try:
        return choose_encoder(accept)
    except (ValueError, IndexError, TypeError):  # An Accept header that is none.
        return choose_encoder("")
