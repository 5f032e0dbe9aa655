"""Addresses of programs that nothing serves: 404, or 405 with the methods that are served, in our own form.

The pages answer whatever is left with a page of their own, which is nothing for a program to read.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from tocsin.api.access import methods_at

_PROGRAMS = ("/api", "/intake", "/-", "/metrics")


def routes(served: Sequence[BaseRoute]) -> list[Route]:
    """Return the routes for all that begins like an address of programs, to stand behind all others.

    Args:
        served: Routes for which the table of roles has no line of their own.
    """
    paths = [*_PROGRAMS, *(f"{path}/{{rest:path}}" for path in _PROGRAMS)]
    return [Route(path, _Unknown(served), include_in_schema=False) for path in paths]


class _Unknown:
    """Being a class, it is asked for every method."""

    def __init__(self, served: Sequence[BaseRoute]) -> None:
        self._served = served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        methods = set(methods_at(scope["path"]))
        for route in self._served:
            if isinstance(route, Route) and route.matches(scope)[0] is Match.PARTIAL:
                methods |= route.methods or set()
        if methods:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(methods))})
        raise HTTPException(404)
