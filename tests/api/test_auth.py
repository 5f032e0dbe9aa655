"""Who gets in, asked of the whole application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

from tests.api.serving import SECRET, Running
from tocsin.api.access import NATIVE
from tocsin.api.auth import COOKIE, Authenticator, check_exposure, is_loopback
from tocsin.api.settings import AuthSettings, TokenSettings, WebSettings
from tocsin.api.tokens import Principal, Role, TokenBook, make_token
from tocsin.model.errors import SettingsError
from tocsin.testing.clock import VirtualClock

TOKENS = AuthSettings(
    tokens=[
        TokenSettings(name=role, role=role, token=SECRET + role) for role in ("viewer", "responder", "admin", "intake")
    ]
)
STATUS = f"{NATIVE}/status"
Connect = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def connect(running: Running) -> Connect:
    @asynccontextmanager
    async def opened(
        auth: AuthSettings | None = None,
        *,
        peer: str = "127.0.0.1",
        base: str = "http://127.0.0.1:9319",
        web: WebSettings | None = None,
    ) -> AsyncIterator[httpx.AsyncClient]:
        running.services.authenticator.replace(auth or AuthSettings(), web or WebSettings())
        transport = httpx.ASGITransport(running.app(), client=(peer, 40000))
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            yield client

    return opened


def bearer(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {SECRET}{role}"}


class TestWithoutTokens:
    async def test_this_machine_may_do_all(self, connect: Connect) -> None:
        for base in ("http://127.0.0.1:9319", "http://localhost", "http://[::1]:9319", "http://tocsin.localhost"):
            async with connect(base=base) as http:
                assert (await http.get(STATUS)).status_code == 200
                assert (await http.post("/-/reload")).status_code == 200

    @pytest.mark.parametrize("peer", ["192.0.2.7", "::ffff:192.0.2.7", "fe80::1"])
    async def test_other_machines_are_refused(self, connect: Connect, peer: str) -> None:
        async with connect(peer=peer) as http:
            response = await http.get(STATUS)
            assert response.status_code == 403
            assert "auth.tokens" in response.json()["error"]["message"]
            assert (await http.get("/-/healthy")).status_code == 200

    @pytest.mark.parametrize(
        "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "0.0.0.0"]
    )
    async def test_a_name_rebound_to_us_is_refused(self, connect: Connect, host: str) -> None:
        async with connect() as http:
            assert (await http.get(STATUS, headers={"Host": host})).status_code == 403

    async def test_a_name_that_the_settings_allow_is_served(self, connect: Connect) -> None:
        async with connect(web=WebSettings(allowed_hosts=["Tocsin.internal"])) as http:
            assert (await http.get(STATUS, headers={"Host": "tocsin.internal:9319"})).status_code == 200

    async def test_what_a_proxy_forwards_is_refused(self, connect: Connect) -> None:
        async with connect() as http:
            assert (await http.get(STATUS, headers={"X-Forwarded-For": "192.0.2.7"})).status_code == 403

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "same-site"},
        ],
    )
    async def test_another_sites_page_cannot_act_through_a_browser_here(
        self, connect: Connect, headers: dict[str, str]
    ) -> None:
        async with connect() as http:
            assert (await http.post("/-/reload", headers=headers)).status_code == 403
            assert (await http.post("/intake/lines", headers=headers)).status_code == 403

    async def test_our_own_page_can(self, connect: Connect) -> None:
        async with connect() as http:
            headers = {"Origin": "http://127.0.0.1:9319", "Sec-Fetch-Site": "same-origin"}
            assert (await http.post("/-/reload", headers=headers)).status_code == 200


class TestWithTokens:
    async def test_without_a_token_nothing_but_probes_is_served(self, connect: Connect, running: Running) -> None:
        async with connect(TOKENS) as http:
            response = await http.get(STATUS)
            assert response.status_code == 401
            assert response.headers["www-authenticate"].startswith("Bearer")
            assert (await http.get("/metrics")).status_code == 401
            assert (await http.get("/-/ready")).status_code == 200
        assert running.refusals == ["unauthenticated", "unauthenticated"]

    @pytest.mark.parametrize(
        ("role", "method", "path", "served"),
        [
            ("viewer", "GET", STATUS, True),
            ("viewer", "POST", f"{NATIVE}/receivers/x/test", False),
            ("viewer", "POST", "/-/reload", False),
            ("viewer", "POST", "/intake/lines", False),
            ("responder", "GET", STATUS, True),
            ("responder", "POST", f"{NATIVE}/receivers/x/test", True),
            ("responder", "POST", "/-/reload", False),
            ("responder", "POST", "/intake/lines", False),
            ("admin", "POST", "/-/reload", True),
            ("admin", "POST", "/intake/lines", True),
            ("intake", "POST", "/intake/lines", True),
            ("intake", "GET", STATUS, False),
            ("intake", "GET", "/metrics", False),
            ("viewer", "GET", "/not/in/the/table", False),
            ("viewer", "DELETE", STATUS, False),
        ],
    )
    async def test_a_role_may_do_what_it_may(
        self, connect: Connect, role: str, method: str, path: str, served: bool
    ) -> None:
        async with connect(TOKENS, peer="192.0.2.7", base="https://tocsin.example") as http:
            response = await http.request(method, path, headers=bearer(role))
        assert (response.status_code == 403) is not served

    async def test_the_audit_webhook_may_carry_its_token_in_the_path(self, connect: Connect) -> None:
        async with connect(TOKENS) as http:
            # No such route is mounted here: 404 comes from behind the check.
            assert (await http.post(f"/intake/kubernetes/audit/{SECRET}intake")).status_code == 404
            assert (await http.post("/intake/kubernetes/audit/wrong")).status_code == 401
            assert (await http.post("/intake/kubernetes/audit")).status_code == 401
            assert (await http.post(f"/intake/lines/{SECRET}intake")).status_code == 401

    async def test_guessing_is_slowed_down_for_who_guesses_only(
        self, connect: Connect, clock: VirtualClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.WARNING)
        async with connect(TOKENS, peer="192.0.2.7") as http:
            answers = [
                (await http.get(STATUS, headers={"Authorization": f"Bearer guess-{n}"})).status_code for n in range(12)
            ]
            assert answers == [401] * 10 + [429] * 2
            assert (await http.get(STATUS, headers=bearer("viewer"))).status_code == 200
            await clock.advance(6.1)
            assert (await http.get(STATUS, headers={"Authorization": "Bearer x"})).status_code == 401
        assert "guess-" not in caplog.text

    @pytest.mark.parametrize("scheme", ["Basic", "bearer", "BEARER"])
    async def test_only_the_bearer_scheme_counts(self, connect: Connect, scheme: str) -> None:
        async with connect(TOKENS) as http:
            response = await http.get(STATUS, headers={"Authorization": f"{scheme} {SECRET}viewer"})
        assert response.status_code == (401 if scheme == "Basic" else 200)

    async def test_a_browser_is_led_to_the_login_page(self, connect: Connect) -> None:
        async with connect(TOKENS) as http:
            response = await http.get("/alerts/1f", headers={"Accept": "text/html"})
        assert (response.status_code, response.headers["location"]) == (303, "/login?next=/alerts/1f")

    async def test_a_session_works_until_it_ends_and_not_for_other_sites(
        self, connect: Connect, running: Running, clock: VirtualClock
    ) -> None:
        async with connect(TOKENS) as http:
            cookie = running.services.authenticator.start_session(Principal("admin", Role.ADMIN))
            headers = {"Cookie": f"{COOKIE}={cookie}"}
            assert (await http.get(STATUS, headers=headers)).status_code == 200
            assert (await http.post("/-/reload", headers=headers)).status_code == 200
            foreign = headers | {"Origin": "https://evil.example"}
            assert (await http.post("/-/reload", headers=foreign)).status_code == 403
            forged = {"Cookie": f"{COOKIE}={cookie[:-1]}{'0' if cookie[-1] != '0' else '1'}"}
            assert (await http.get(STATUS, headers=forged)).status_code == 401
            await clock.advance(12 * 3600)
            assert (await http.get(STATUS, headers=headers)).status_code == 401

    async def test_a_token_taken_out_of_the_settings_ends_its_sessions(
        self, connect: Connect, running: Running
    ) -> None:
        async with connect(TOKENS) as http:
            cookie = running.services.authenticator.start_session(Principal("viewer", Role.VIEWER))
            headers = {"Cookie": f"{COOKIE}={cookie}"}
            assert (await http.get(STATUS, headers=headers)).status_code == 200
            running.services.authenticator.replace(AuthSettings(tokens=TOKENS.tokens[1:]), WebSettings())
            assert (await http.get(STATUS, headers=headers)).status_code == 401

    async def test_a_hashed_token_works(self, connect: Connect) -> None:
        token, line = make_token("ci", Role.VIEWER)
        hashed = line.partition("hash: ")[2].rstrip("}")
        auth = AuthSettings(tokens=[TokenSettings(name="ci", role="viewer", hash=hashed)])
        async with connect(auth) as http:
            for _ in range(2):
                assert (await http.get(STATUS, headers={"Authorization": f"Bearer {token}"})).status_code == 200
            assert (await http.get(STATUS, headers={"Authorization": f"Bearer {token[:-1]}"})).status_code == 401

    async def test_a_burst_pays_for_one_check_of_a_right_token_and_ten_of_wrong_ones(
        self, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token, line = make_token("ci", Role.VIEWER)
        hashed = line.partition("hash: ")[2].rstrip("}")
        checks: list[str] = []
        check = TokenBook.check

        def counted(book: TokenBook, given: str) -> Principal | None:
            checks.append(given)
            return check(book, given)

        monkeypatch.setattr(TokenBook, "check", counted)
        auth = AuthSettings(tokens=[TokenSettings(name="ci", role="viewer", hash=hashed)])
        async with connect(auth) as http:

            async def ask(given: str) -> int:
                return (await http.get(STATUS, headers={"Authorization": f"Bearer {given}"})).status_code

            assert set(await asyncio.gather(*(ask(token) for _ in range(30)))) == {200}
            assert len(checks) == 1
            guesses = [f"{token[:16]}{number:043}" for number in range(30)]
            answers = await asyncio.gather(*map(ask, guesses))
            assert (answers.count(401), answers.count(429)) == (10, 20)
            assert len(checks) == 11
            assert await ask(token) == 200


@pytest.mark.parametrize("cookie", ["", "x", "a.b", "1.zz.00", "99999999999.6c.00", "ß.1.2", "..."])
async def test_a_made_up_cookie_is_no_session(cookie: str) -> None:
    from starlette.requests import HTTPConnection

    from tocsin.model.errors import Unauthenticated

    authenticator = Authenticator(TOKENS, WebSettings(), VirtualClock())
    scope = {"type": "http", "path": "/", "headers": [(b"cookie", f"{COOKIE}={cookie}".encode("latin-1"))]}
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(HTTPConnection(scope))


@pytest.mark.parametrize("listen", ["0.0.0.0:9319", "[::]:9319", "192.0.2.1:9319", "tocsin:9319", ":9319"])
def test_listening_beyond_this_machine_needs_tokens(listen: str) -> None:
    with pytest.raises(SettingsError, match="token create"):
        check_exposure(listen, AuthSettings())
    check_exposure(listen, TOKENS)


def test_loopback_needs_none() -> None:
    for listen in ("127.0.0.1:9319", "[::1]:9319", "localhost:9319", "127.1.2.3:1"):
        check_exposure(listen, AuthSettings())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "LOCALHOST", "a.localhost."])
def test_loopback_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "::", "10.0.0.1", "localhost.example", "127.0.0.1.example", "128.0.0.1"]
)
def test_names_that_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)
