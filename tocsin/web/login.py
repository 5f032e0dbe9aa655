"""Logging in to the pages with an API token, which becomes a cookie; a plain form, as it must work before all else."""

from __future__ import annotations

from html import escape
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from tocsin.api.auth import COOKIE
from tocsin.api.services import Services
from tocsin.model.errors import TocsinError

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Log in · Tocsin</title>
<meta name="viewport" content="width=device-width"><style>
body {{ font: 16px system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; background: #eceff1 }}
form {{ background: #fff; padding: 2rem; border-radius: 8px; display: grid; gap: 1rem; width: 22rem }}
input, button {{ font: inherit; padding: .5rem }} p {{ color: #b71c1c; margin: 0 }}
</style></head><body><form method="post"><h1>Tocsin</h1>{problem}
<label>API token<br>
<input name="token" type="password" autocomplete="current-password" required autofocus style="width:100%"></label>
<input type="hidden" name="next" value="{next}"><button>Log in</button></form></body></html>"""


def routes(services: Services) -> list[Route]:
    """Return `/login` and `/logout`."""
    authenticator = services.authenticator

    async def show(request: Request) -> Response:
        return HTMLResponse(_page(request.query_params.get("next", "/")))

    async def log_in(request: Request) -> Response:
        form = await request.form()
        target = _inside(str(form.get("next", "/")))
        peer = request.client.host if request.client else ""
        try:
            principal = await authenticator.check_token(str(form.get("token", "")).strip(), peer)
        except TocsinError as error:
            return HTMLResponse(_page(target, str(error)), 401)
        answer = RedirectResponse(target, 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(
            COOKIE, authenticator.start_session(principal), httponly=True, samesite="strict", secure=secure
        )
        return answer

    async def log_out(_: Request) -> Response:
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE)
        return answer

    return [
        Route("/login", show, methods=["GET"]),
        Route("/login", log_in, methods=["POST"]),
        Route("/logout", log_out, methods=["POST"]),
    ]


def _inside(target: str) -> str:
    """Only an address on this server may be gone on to."""
    parts = urlsplit(target)
    safe = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc
    return target if safe else "/"


def _page(target: str, problem: str = "") -> str:
    return _PAGE.format(next=escape(_inside(target)), problem=f"<p>{escape(problem)}</p>" if problem else "")
