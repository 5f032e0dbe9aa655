"""Which role each address needs: ONE table. What is not in it needs `admin`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

from tocsin.api.tokens import Role

NATIVE = "/api/tocsin/v1"


class Access(Enum):
    """What it takes to use an address."""

    PUBLIC = "public"
    INTAKE = "intake"
    VIEWER = "viewer"
    RESPONDER = "responder"
    ADMIN = "admin"

    def allows(self, role: Role) -> bool:
        """True if `role` may use it."""
        return role in _ALLOWED[self]


_READERS = frozenset({Role.VIEWER, Role.RESPONDER, Role.ADMIN})
_ALLOWED: dict[Access, frozenset[Role]] = {
    Access.PUBLIC: frozenset(Role),
    Access.INTAKE: frozenset({Role.INTAKE, Role.ADMIN}),
    Access.VIEWER: _READERS,
    Access.RESPONDER: frozenset({Role.RESPONDER, Role.ADMIN}),
    Access.ADMIN: frozenset({Role.ADMIN}),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table.

    Attributes:
        methods: HTTP methods, `WEBSOCKET` for a websocket; HEAD goes with GET.
        path: The address, in which `{...}` stands for one part and `/*` at the end for everything below.
        access: What it takes.
    """

    methods: str
    path: str
    access: Access
    pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)
    allowed: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "allowed", frozenset(self.methods.split()))
        text = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(self.path))
        object.__setattr__(self, "pattern", re.compile(re.sub(r"/\\\*$", "/.+", text)))

    def covers(self, method: str, path: str) -> bool:
        """True if this line speaks of the request."""
        return method in self.allowed and self.pattern.fullmatch(path) is not None


TABLE: tuple[Entry, ...] = (
    Entry("GET", "/-/healthy", Access.PUBLIC),
    Entry("GET", "/-/ready", Access.PUBLIC),
    Entry("POST", "/-/reload", Access.ADMIN),
    Entry("GET", "/metrics", Access.VIEWER),
    Entry("POST", "/intake/*", Access.INTAKE),
    Entry("GET", f"{NATIVE}/status", Access.VIEWER),
    Entry("GET", f"{NATIVE}/search", Access.VIEWER),
    Entry("GET", f"{NATIVE}/alerts", Access.VIEWER),
    Entry("GET", f"{NATIVE}/alerts/{{fingerprint}}", Access.VIEWER),
    Entry("GET", f"{NATIVE}/alerts/{{fingerprint}}/evidence", Access.VIEWER),
    Entry("GET", f"{NATIVE}/detections", Access.VIEWER),
    Entry("GET", f"{NATIVE}/rules", Access.VIEWER),
    Entry("GET", f"{NATIVE}/rules/errors", Access.VIEWER),
    Entry("GET", f"{NATIVE}/notifications", Access.VIEWER),
    Entry("POST", f"{NATIVE}/notifications/{{id}}/retry", Access.RESPONDER),
    Entry("GET", f"{NATIVE}/sources", Access.VIEWER),
    Entry("GET", f"{NATIVE}/runbooks/{{slug}}", Access.VIEWER),
    Entry("POST", f"{NATIVE}/receivers/{{name}}/test", Access.RESPONDER),
    Entry("GET", f"{NATIVE}/openapi.json", Access.VIEWER),
    Entry("GET", "/api/v2/alerts", Access.VIEWER),
    Entry("GET", "/api/v2/status", Access.VIEWER),
    # The pages. What they are made of holds no data and is needed by the login page too.
    Entry("GET POST", "/login", Access.PUBLIC),
    Entry("POST", "/logout", Access.PUBLIC),
    Entry("GET", "/favicon.ico", Access.PUBLIC),
    Entry("GET", "/_nicegui/*", Access.PUBLIC),
    Entry("GET POST WEBSOCKET", "/_nicegui_ws/*", Access.VIEWER),
    Entry("GET", "/", Access.VIEWER),
    Entry("GET", "/alerts/{fingerprint}", Access.VIEWER),
    Entry("GET", "/runbooks/{slug}", Access.VIEWER),
)
"""The first line that covers a request decides."""


def access_of(method: str, path: str) -> Access:
    """Return what it takes to use an address; ADMIN for what the table does not know."""
    method = "GET" if method == "HEAD" else method
    return next((entry.access for entry in TABLE if entry.covers(method, path)), Access.ADMIN)


def methods_at(path: str) -> frozenset[str]:
    """Return the methods that the table knows at a path by a line of its own; HEAD goes with GET."""
    lines = (entry for entry in TABLE if not entry.path.endswith("/*") and entry.pattern.fullmatch(path))
    found = {method for entry in lines for method in entry.allowed}
    return frozenset(found | ({"HEAD"} if "GET" in found else set()))
