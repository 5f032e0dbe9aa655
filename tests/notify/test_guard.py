"""No message leaves for this machine, its link or a metadata service, whatever name is given to them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest

from tocsin.model.errors import DeliveryFailed, SettingsError
from tocsin.notify.guard import Guard, guarded_client, system_resolve
from tocsin.notify.http import Poster

FORBIDDEN = [
    *("127.0.0.1", "127.8.9.10", "0.0.0.0", "169.254.169.254", "169.254.0.1", "100.100.100.200", "168.63.129.16"),
    *("::1", "::", "fe80::1", "fd00:ec2::254", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1"),
    *("2002:7f00:1::", "224.0.0.1", "ff02::1"),
]
FREE = ["10.0.0.7", "192.168.1.1", "203.0.113.7", "2001:db8::1", "fd12::1", "::ffff:10.0.0.7"]


def naming(*answers: Sequence[str]) -> Guard:
    """A guard whose resolver gives these answers, one after the other."""
    left = list(answers)

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return left.pop(0)

    return Guard(resolve=resolve)


def written(address: str) -> str:
    return f"http://[{address}]:8080/x" if ":" in address else f"http://{address}:8080/x"


@pytest.mark.parametrize("address", FORBIDDEN)
async def test_forbidden_addresses_are_refused_in_the_settings_and_behind_names(address: str) -> None:
    with pytest.raises(SettingsError, match="allow_private_destinations") as wrong:
        Guard().check_url(written(address), "url")
    assert wrong.value.key == "url"
    with pytest.raises(DeliveryFailed, match="allow_private_destinations") as failed:
        await naming(["203.0.113.7", address]).addresses("hook.example", 443)
    assert (failed.value.retry, failed.value.reason) == (False, "invalid")


@pytest.mark.parametrize("address", FREE)
async def test_other_addresses_pass(address: str) -> None:
    Guard().check_url(written(address), "url")
    assert await naming([address]).addresses("hook.example", 443) == [address]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "api.localhost"])
def test_the_names_of_this_machine_are_refused(host: str) -> None:
    with pytest.raises(SettingsError, match="loopback"):
        Guard().check_url(f"http://{host}/x", "url")


async def test_what_is_allowed_by_name_passes() -> None:
    guard = Guard(allow=["localhost", "[::1]", "Sidecar.Example."])
    guard.check_url("http://LOCALHOST:1/x", "url")
    guard.check_url("http://[::1]/x", "url")
    with pytest.raises(SettingsError):
        guard.check_url("http://127.0.0.1/x", "url")


async def test_a_name_that_does_not_resolve_is_worth_another_try() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror("no such name")

    with pytest.raises(DeliveryFailed, match="nowhere does not resolve") as failed:
        await Guard(resolve=resolve).addresses("nowhere", 443)
    assert (failed.value.retry, failed.value.reason) == (True, "connection")


async def test_the_system_resolver_knows_this_machine() -> None:
    assert "127.0.0.1" in await system_resolve("127.0.0.1", 80)


@dataclass
class Listener:
    """An HTTP server on loopback that answers everything alike, and keeps the first line of each request."""

    port: int = 0
    lines: list[bytes] = field(default_factory=list)
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines.append((await reader.readuntil(b"\r\n\r\n")).splitlines()[0])
        writer.write(self.answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def listener(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Listener]:
    """A running listener; no proxy is set."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    here = Listener()
    server = await asyncio.start_server(here.serve, "127.0.0.1", 0)
    here.port = server.sockets[0].getsockname()[1]
    yield here
    server.close()
    await server.wait_closed()


async def test_a_name_that_points_here_is_not_connected_to(listener: Listener) -> None:
    async with guarded_client(naming(["127.0.0.1"])) as http:
        with pytest.raises(DeliveryFailed, match="a loopback address"):
            await Poster(http, 5).post(f"http://hook.example:{listener.port}/x", b"{}")


async def test_the_checked_address_is_the_one_connected_to(listener: Listener) -> None:
    async def resolve(host: str, _port: int) -> Sequence[str]:
        assert host == "hook.example"
        return ["127.0.0.1"]

    async with guarded_client(Guard(allow=["hook.example"], resolve=resolve)) as http:
        await Poster(http, 5).post(f"http://hook.example:{listener.port}/x", b"{}")
    assert listener.lines == [b"POST /x HTTP/1.1"]


async def test_the_next_address_is_tried_if_one_does_not_answer(listener: Listener) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["::1", "127.0.0.1"]

    async with guarded_client(Guard(allow=["hook.example"], resolve=resolve)) as http:
        assert (await Poster(http, 5).post(f"http://hook.example:{listener.port}/x", b"{}")).status == 200


async def test_a_redirect_to_this_machine_is_not_followed(listener: Listener) -> None:
    there = b"http://127.0.0.1:%d/there" % listener.port
    listener.answer = b"HTTP/1.1 307 Go\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % there
    async with guarded_client(Guard(allow=["127.0.0.1"])) as http:
        with pytest.raises(DeliveryFailed, match="answered 307"):
            await Poster(http, 5).post(f"http://127.0.0.1:{listener.port}/x", b"{}")
    assert listener.lines == [b"POST /x HTTP/1.1"]


async def test_a_proxy_from_the_environment_is_used_and_resolves_names_itself(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{listener.port}")
    monkeypatch.setenv("no_proxy", "direct.example")

    async def resolve(host: str, _port: int) -> Sequence[str]:
        assert host == "direct.example"
        return ["169.254.169.254"]

    async with guarded_client(Guard(resolve=resolve)) as http:
        await Poster(http, 5).post("http://hook.example/x", b"{}")
        assert listener.lines == [b"POST http://hook.example/x HTTP/1.1"]
        with pytest.raises(DeliveryFailed, match="link-local"):
            await Poster(http, 5).post("http://direct.example/", b"{}")
