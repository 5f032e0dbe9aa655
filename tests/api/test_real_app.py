"""The application as `tocsin run` puts it together: every address has a role, and hostile requests do no harm.

Both need processes of their own, as each has an engine.
"""

from __future__ import annotations

import gzip
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from tests.acceptance.server import Server, serving
from tocsin.api.access import NATIVE, TABLE, Access, access_of

_ROUTES = """
import json, sys
from pathlib import Path
from starlette.routing import Mount, Route, WebSocketRoute
from tocsin.app.settings import Settings
from tocsin.app.wiring import build
from tocsin.kit.clock import SystemClock
from tocsin.web.pages import mount

parts = build(Settings(data=sys.argv[1]), SystemClock(), Path(), lambda: None, tuple)
mount(parts.app, parts.services)
found = [[method.upper(), path] for path, item in parts.app.openapi()["paths"].items() for method in item]

def walk(routes, prefix=""):
    for route in routes:
        path = prefix + getattr(route, "path", "")
        if isinstance(route, Mount):
            walk(route.routes or [], path) if route.routes else found.append(["GET", path + "/x"])
        elif isinstance(route, WebSocketRoute):
            found.append(["WEBSOCKET", path])
        elif isinstance(route, Route):
            found.extend([method, path] for method in sorted((route.methods or set()) - {"HEAD"}))

walk(parts.app.routes)
json.dump({"routes": found, "openapi": parts.app.openapi()}, sys.stdout)
parts.workers.close()
parts.columns.close()
parts.state.close()
"""

_RESPONDER = {("POST", f"{NATIVE}/notifications/{{id}}/retry"), ("POST", f"{NATIVE}/receivers/{{name}}/test")}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Routes and description of the application."""
    command = [sys.executable, "-c", _ROUTES, str(tmp_path_factory.mktemp("data"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_address_has_a_line_in_the_table(built: dict[str, Any]) -> None:
    routes = [(method, path.replace(":path}", "}")) for method, path in built["routes"]]
    assert len(routes) > 30
    missing = [route for route in routes if not any(entry.covers(*route) for entry in TABLE)]
    assert missing == []


def test_whatever_changes_something_takes_more_than_a_viewer(built: dict[str, Any]) -> None:
    changing = {(m, p) for m, p in built["routes"] if m not in {"GET", "WEBSOCKET"}}
    allowed = {Access.RESPONDER, Access.ADMIN, Access.INTAKE}
    open_ = {route for route in changing if access_of(*route) not in allowed and not route[1].startswith("/_nicegui")}
    assert open_ == {("POST", "/login"), ("POST", "/logout")}
    assert {route for route in changing if access_of(*route) is Access.RESPONDER} == _RESPONDER


def test_the_description_covers_every_native_address(built: dict[str, Any]) -> None:
    described = built["openapi"]["paths"]
    for entry in TABLE:
        if entry.path.startswith(NATIVE) and not entry.path.endswith("openapi.json"):
            assert entry.allowed == {method.upper() for method in described[entry.path]}, entry.path
    for path, item in described.items():
        for operation in item.values():
            assert operation["description"], path
            for parameter in operation.get("parameters", []):
                assert parameter["schema"], (path, parameter["name"])


def test_new_addresses_are_described_with_their_parameters(built: dict[str, Any]) -> None:
    paths = built["openapi"]["paths"]
    evidence = paths[f"{NATIVE}/alerts/{{fingerprint}}/evidence"]["get"]
    assert [p["name"] for p in evidence["parameters"]] == ["fingerprint", "episode", "after", "limit"]
    assert evidence["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/EvidencePage")
    retry = paths[f"{NATIVE}/notifications/{{id}}/retry"]["post"]
    assert [(p["name"], p["in"], p["required"]) for p in retry["parameters"]] == [("id", "path", True)]
    assert retry["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/Message")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server; it is still well when all of this is over."""
    with serving(tmp_path_factory.mktemp("server")) as found:
        yield found
        assert httpx.get(f"{found.url}/-/ready", timeout=10).status_code == 200
        assert '"level":"error"' not in found.log()


def ask(
    server: Server,
    method: str,
    target: str,
    body: bytes | None = None,
    headers: Mapping[str, str | bytes] | None = None,
) -> tuple[int, dict[str, Any]]:
    """Send a request as it stands; return the status and, of an error, what our own form holds."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest(method, target, skip_host="Host" in (headers or {}))
    for name, value in (headers or {}).items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    if response.status < 400:
        return response.status, {}
    error: dict[str, Any] = json.loads(content)["error"]
    assert set(error) <= {"type", "message", "where"}
    return response.status, error


@pytest.mark.parametrize(
    "target",
    [
        *(f"{path}?offset={n}" for path in ("/alerts", "/notifications") for n in (-1, 2**63 - 1, 2**63, 10**30, "x")),
        *(
            f"{path}?limit={n}"
            for path in ("/alerts", "/notifications", "/search", "/sources")
            for n in (0, -1, 10**30)
        ),
        *(
            f"/alerts/0000000000000000{sub}?episode={n}"
            for sub in ("", "/evidence")
            for n in (0, 2**31, 2**63, -(2**70))
        ),
        "/search?q=%00%28",
        "/search?q=user:%ff%28",
        "/search?table=%ff%00",
        "/search?q=" + "%28" * 4000,
        "/search?q=user:~%28a",
        "/search?after=AAAA",
        "/search?after=%ff",
        "/search?by=%00",
        "/search?since=0000-01-01",
        "/search?since=" + "9" * 400 + "d",
        "/detections?limit=" + "9" * 400,
        "/detections?kind=%00",
        "/alerts?match=%00",
        "/alerts?match=a%3D~%22%28%22",
        "/alerts?match=a%3D~%22" + "%28a%7Cb%29" * 1500 + "%22",
    ],
)
def test_parameters_that_make_no_sense_are_the_askers_fault(server: Server, target: str) -> None:
    status, error = ask(server, "GET", NATIVE + target)
    assert (status, bool(error["message"])) == (400, True)


@pytest.mark.parametrize(
    "target",
    [
        "/runbooks/..%2f..%2f..%2fetc%2fpasswd",
        "/runbooks/%2e%2e",
        "/runbooks/../../../../etc/passwd",
        "/runbooks/a%00b",
        "/runbooks/%ff%fe",
        "/runbooks/" + "a" * 5000,
        "/runbooks/README.md",
        "/alerts/" + "a" * 5000,
        "/alerts/%00/evidence",
        "/nothing",
        "/notifications/7/nothing",
    ],
)
def test_what_is_not_there_is_not_found(server: Server, target: str) -> None:
    status, error = ask(server, "GET", NATIVE + target)
    assert status == 404
    assert "passwd" not in error["message"] or "there is no" in error["message"]


@pytest.mark.parametrize("path", ["/api/nothing", "/intake/nothing", "/-/nothing", "/metrics/nothing"])
def test_programs_are_answered_in_json_where_nothing_is(server: Server, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert ask(server, method, path, b"")[0] == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/intake/lines"), ("DELETE", f"{NATIVE}/alerts"), ("PUT", "/-/reload"), ("POST", f"{NATIVE}/search")],
)
def test_a_wrong_method_is_named(server: Server, method: str, path: str) -> None:
    assert ask(server, method, path, b"")[0] == 405


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "[::1"},
        {"Host": "evil.example"},
        {"Host": b"\xff"},
        {"Origin": "http://[evil"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"X-Forwarded-For": "127.0.0.1"},
    ],
)
def test_headers_that_are_none_of_ours_are_refused(server: Server, headers: dict[str, str | bytes]) -> None:
    assert ask(server, "POST", "/-/reload", b"", headers)[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "application/openmetrics-text; version=x"},
        {"Accept": ";;;q=x,"},
        {"Authorization": b"Bearer \xff\xfe"},
        {"Cookie": b'tocsin_session=\xff;;=;"'},
        {"Accept-Encoding": b"\xff, gzip;q=x"},
    ],
)
def test_odd_headers_do_no_harm(server: Server, headers: dict[str, str | bytes]) -> None:
    assert ask(server, "GET", "/metrics", None, headers)[0] == 200


_INTAKES = ("/intake/lines", "/intake/kubernetes/audit", "/intake/falco", "/intake/kubernetes/events")
_GZIP = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize("path", _INTAKES)
class TestIntake:
    def test_a_bomb_is_too_large(self, server: Server, path: str) -> None:
        bomb = gzip.compress(bytes(100 << 20), 9)
        status, error = ask(server, "POST", path, bomb, _GZIP)
        assert (status, error["type"]) == (413, "TooLarge")
        assert "intake.decompressed_limit" in error["message"]

    def test_a_body_over_the_limit_is_too_large(self, server: Server, path: str) -> None:
        assert ask(server, "POST", path, b"x" * ((16 << 20) + 1))[0] == 413

    @pytest.mark.parametrize(
        ("body", "headers", "status"),
        [
            (gzip.compress(b'{"a":1}\n' * 1000)[:-9], _GZIP, 400),
            (b"hello", _GZIP, 400),
            (gzip.compress(b""), _GZIP, 400),
            (b"", {}, 400),
            (b"hello", {"Content-Encoding": "br"}, 415),
            (b"hello", {"Content-Encoding": "gzip, gzip, gzip"}, 415),
        ],
        ids=["cut short", "not compressed", "nothing compressed", "nothing", "unknown encoding", "many encodings"],
    )
    def test_bodies_that_are_none(
        self, server: Server, path: str, body: bytes, headers: dict[str, str | bytes], status: int
    ) -> None:
        assert ask(server, "POST", path, body, headers)[0] == status

    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 100_000 + b"]" * 100_000,
            b'{"items":[' * 900 + b"]}" * 900,
            b'{"kind":"EventList","items":[{"auditID":"x","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
            b'{"kind":"EventList","items":[{"auditID":"\xff\xfe","stage":"ResponseComplete"}]}',
            b'{"kind":"EventList","items":[{"auditID":"\\ud800","stage":"ResponseComplete"}]}',
            b'{"kind":"EventList","items":[{"auditID":"a\\u0000b","stage":"ResponseComplete","verb":"\\u0000"}]}',
            b'{"kind":"EventList","items":[1,null,"a",[],{}]}',
            b'{"kind":"EventList","items":{}}',
            b"\xff\xfe\xfd",
            b"\0\0\0",
        ],
        ids=[
            "deep",
            "deep items",
            "deep event",
            "no UTF-8",
            "surrogate",
            "NUL",
            "no events",
            "no list",
            "bytes",
            "zeros",
        ],
    )
    def test_odd_bodies_are_kept_as_rejected_or_refused(self, server: Server, path: str, body: bytes) -> None:
        assert ask(server, "POST", path, body)[0] in {200, 400}


def test_ten_thousand_parameters(server: Server) -> None:
    many = "&".join(f"a{n:x}" for n in range(10_000))
    assert ask(server, "GET", f"{NATIVE}/status?{many}")[0] in {200, 400, 431}
    labels = "&".join(f"label.{n}=1" for n in range(3000))
    assert ask(server, "POST", f"/intake/lines?{labels}", b"x")[0] == 400


@pytest.mark.parametrize("kind", ["multipart/form-data", "application/x-protobuf", "image/png", "application/msgpack"])
def test_types_that_hold_no_lines(server: Server, kind: str) -> None:
    assert ask(server, "POST", "/intake/lines", b"x", {"Content-Type": kind})[0] == 415


def test_forms_of_the_login_that_are_none(server: Server) -> None:
    for kind, body in (
        ("application/x-www-form-urlencoded", b"token=" + b"%ff" * 1000),
        ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * 50_000)),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"--x\r\nbad\r\n\xff"),
    ):
        response = httpx.post(f"{server.url}/login", content=body, headers={"Content-Type": kind}, timeout=30)
        assert 400 <= response.status_code < 500
