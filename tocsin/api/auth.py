"""Who asks, and whether they may: ASGI middleware before everything else.

With tokens in the settings, a request needs one: in `Authorization: Bearer`, in the session cookie of the pages, or as
the last part of the path of the audit webhook, whose sender drops query strings. Without tokens only this machine is
served: the peer and the Host header must be loopback (a web page cannot rebind a name of its own to us), and nothing
that a proxy forwarded is.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import secrets
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tocsin.api.access import Access, access_of
from tocsin.api.errors import answer
from tocsin.api.failures import FailureLimit
from tocsin.api.settings import AuthSettings, WebSettings
from tocsin.api.tokens import Principal, Role, TokenBook
from tocsin.kit.clock import Clock
from tocsin.model.errors import Forbidden, SettingsError, TocsinError, Unauthenticated

log = logging.getLogger(__name__)

COOKIE = "tocsin_session"
_AUDIT_WEBHOOK = "/intake/kubernetes/audit"
_PATH_TOKEN = "tocsin.token"  # noqa: S105 - a key of the ASGI scope
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def check_exposure(listen: str, auth: AuthSettings) -> None:
    """Refuse to listen beyond this machine without tokens. Raises SettingsError; also if a token is ill-formed."""
    book = TokenBook(auth)
    host = listen.rpartition(":")[0].strip("[]")
    if not book and not is_loopback(host):
        raise SettingsError(
            f"{listen} can be reached from other machines, so tokens are needed: run `tocsin token create` and put "
            "what it prints into auth.tokens, or listen on 127.0.0.1",
            key="listen",
        )


def is_loopback(host: str) -> bool:
    """True for `localhost` and below it, 127.0.0.0/8 and ::1."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


class Authenticator:
    """Says who asks.

    Args:
        auth: The tokens.
        web: The names that may stand in a Host header.
        clock: For the ends of sessions.
    """

    def __init__(self, auth: AuthSettings, web: WebSettings, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._failures = FailureLimit(auth.failures_per_minute, clock)
        self._checks: dict[str, asyncio.Task[Principal | None]] = {}
        self.replace(auth, web)

    def replace(self, auth: AuthSettings, web: WebSettings) -> None:
        """Take new settings. Raises SettingsError, and keeps the old ones, if a token is ill-formed."""
        self._book = TokenBook(auth)
        self._auth = auth
        self._hosts = frozenset(name.lower() for name in web.allowed_hosts)

    @property
    def open_to_this_machine(self) -> bool:
        """True while there are no tokens: whoever is on this machine may do all."""
        return not self._book

    async def authenticate(self, connection: HTTPConnection) -> Principal:
        """Return who asks. Raises Unauthenticated, Forbidden or Overloaded (too many failures)."""
        if not self._book:
            return self._local(connection)
        if token := _token(connection):
            return await self.check_token(token, _peer(connection))
        if cookie := _cookie(connection):
            principal = self._session(cookie)
            if principal is None:
                raise Unauthenticated("the login has expired; log in again")
            return principal
        raise Unauthenticated("a token is needed: Authorization: Bearer <token>")

    async def check_token(self, token: str, peer: str) -> Principal:
        """Return whose token this is. Raises Unauthenticated, or Overloaded after too many failures of that peer."""
        if known := self._book.known(token):
            return known
        under_way = self._checks.get(token) or self._begin_check(token, peer)
        # Shielded, as others may wait for the same check.
        found = await asyncio.shield(under_way)
        if found is None:
            log.warning("a token was refused", extra={"peer": peer})
            raise Unauthenticated("this token is not known here")
        return found

    def _begin_check(self, token: str, peer: str) -> asyncio.Task[Principal | None]:
        """Check a token once, however many requests bring it at the same time.

        It counts as a failure until it proves right, so that no burst of guesses gets more checks than allowed.
        """
        self._failures.admit(peer)
        self._failures.count(peer)
        task = asyncio.create_task(asyncio.to_thread(self._book.check, token))
        self._checks[token] = task

        def done(ended: asyncio.Task[Principal | None]) -> None:
            del self._checks[token]
            if not ended.cancelled() and ended.exception() is None and ended.result() is not None:
                self._failures.forgive(peer)

        task.add_done_callback(done)
        return task

    def start_session(self, principal: Principal) -> str:
        """Return the value of the session cookie for someone who has just shown a token."""
        expires = int(self._clock.now().timestamp() + self._auth.session.total_seconds())
        return self._signed(f"{expires}.{principal.name.encode().hex()}")

    def _session(self, cookie: str) -> Principal | None:
        content, _, _ = cookie.rpartition(".")
        if not content or not hmac.compare_digest(self._signed(content).encode(), cookie.encode()):
            return None
        expires, _, name = content.partition(".")
        if int(expires) <= self._clock.now().timestamp():
            return None
        principal = self._book.named(bytes.fromhex(name).decode())
        return principal and Principal(principal.name, principal.role, ambient=True)

    def _signed(self, content: str) -> str:
        # The tokens are part of the key: taking a token out of the settings ends the sessions begun with it.
        key = self._book.sign(self._key)
        return f"{content}.{hmac.new(key, content.encode(), 'sha256').hexdigest()}"

    def _local(self, connection: HTTPConnection) -> Principal:
        hint = "; configure auth.tokens to serve others"
        if not is_loopback(_peer(connection)):
            raise Forbidden(f"only this machine is served{hint}")
        if any(name in connection.headers for name in _FORWARDED):
            raise Forbidden(f"requests that a proxy forwards are not served{hint}")
        host = _host(connection.headers.get("host", ""))
        if not is_loopback(host) and host not in self._hosts:
            raise Forbidden(f"the Host header is neither loopback nor one of web.allowed_hosts{hint}")
        return Principal("local", Role.ADMIN, ambient=True)


class AuthMiddleware:
    """Lets through who may pass; the principal is then in `scope["state"]["principal"]`.

    Args:
        app: What is behind.
        authenticator: Says who asks.
        refused: Called with `unauthenticated` or `forbidden` for every refusal, for metrics.
    """

    def __init__(
        self, app: ASGIApp, authenticator: Authenticator, refused: Callable[[str], None] = lambda _: None
    ) -> None:
        self._app = app
        self._authenticator = authenticator
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        _take_path_token(scope)
        connection = HTTPConnection(scope)
        method = scope["method"] if scope["type"] == "http" else "WEBSOCKET"
        try:
            principal = await self._admit(connection, method)
        except TocsinError as error:
            self._refused("forbidden" if isinstance(error, Forbidden) else "unauthenticated")
            await self._refuse(error, connection, scope, receive, send)
            return
        if principal is not None:
            scope.setdefault("state", {})["principal"] = principal
        await self._app(scope, receive, send)

    async def _admit(self, connection: HTTPConnection, method: str) -> Principal | None:
        path = connection.scope["path"]
        access = access_of(method, path)
        if access is Access.PUBLIC and not self._authenticator.open_to_this_machine:
            return None
        if path in {"/-/healthy", "/-/ready"}:
            return None
        principal = await self._authenticator.authenticate(connection)
        if principal.ambient and method not in _SAFE and not _same_origin(connection.headers):
            raise Forbidden("another site's page may not do this")
        if not access.allows(principal.role):
            raise Forbidden(f"the role {principal.role} may not do this; {access.value} is needed")
        return principal

    async def _refuse(
        self, error: TocsinError, connection: HTTPConnection, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4401, "reason": str(error)[:120]})
            return
        wants_page = "text/html" in connection.headers.get("accept", "") and scope["method"] == "GET"
        if isinstance(error, Unauthenticated) and wants_page:
            await RedirectResponse(f"/login?next={quote(scope['path'])}", status_code=303)(scope, receive, send)
            return
        await answer(error)(scope, receive, send)


def _token(connection: HTTPConnection) -> str:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return str(connection.scope.get(_PATH_TOKEN, ""))


def _take_path_token(scope: Scope) -> None:
    """Cut the token off the webhook's path, so that nothing behind this, an access log least of all, can show it."""
    path = scope["path"]
    if path.startswith(f"{_AUDIT_WEBHOOK}/"):
        scope[_PATH_TOKEN] = path.removeprefix(f"{_AUDIT_WEBHOOK}/")
        scope["path"], scope["raw_path"] = _AUDIT_WEBHOOK, _AUDIT_WEBHOOK.encode()


def _cookie(connection: HTTPConnection) -> str:
    try:
        morsel = SimpleCookie(connection.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _peer(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client else ""


def _host(header: str) -> str:
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""


def _same_origin(headers: Headers) -> bool:
    """False if a browser says that another site's page is behind the request."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    except ValueError:
        return False
