"""Where outgoing HTTP may not go: this machine itself, its link, and the clouds' metadata services.

An address in the settings, or a name that someone else's DNS points at such an address, would let a message reach
services that trust whoever can talk to them. Names are resolved here, checked, and the checked address is the one
connected to, so that a name cannot change its mind in between. Behind a proxy, the proxy decides.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import urllib.request
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

import httpcore
import httpx

from tocsin.model.errors import DeliveryFailed, SettingsError

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Resolves a host name and port to addresses; raises OSError if it cannot."""

METADATA_SERVICES = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "168.63.129.16", "fd00:ec2::254")))
"""Metadata services outside the link-local range: Alibaba Cloud, Azure, AWS over IPv6."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver, off the event loop's thread."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Guard:
    """Says which hosts may be connected to.

    Args:
        allow: Host names or addresses, as settings write them, that may lie at a forbidden address.
        resolve: How names become addresses.
    """

    def __init__(self, allow: Iterable[str] = (), resolve: Resolve = system_resolve) -> None:
        self._allow = frozenset(_bare(host) for host in allow)
        self._resolve = resolve

    def check_url(self, url: str, key: str) -> None:
        """Refuse, before anything is sent, a URL whose host is a forbidden address as it stands.

        Raises:
            SettingsError: It is; the error's key is `key`.
        """
        host = _bare(urlsplit(url).hostname or "")
        if host in self._allow:
            return
        if host == "localhost" or host.endswith(".localhost"):
            raise SettingsError(_refusal(host, "loopback"), key=key)
        kind = _forbidden(address) if (address := _as_address(host)) else ""
        if kind:
            raise SettingsError(_refusal(host, kind), key=key)

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """Resolve `host` to the addresses that may be connected to.

        Raises:
            DeliveryFailed: The name does not resolve (worth another try), or one of its addresses is forbidden (not).
        """
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError):
            raise DeliveryFailed(f"the name {host} does not resolve", retry=True, reason="connection") from None
        if _bare(host) not in self._allow:
            for text in found:
                kind = _forbidden(ipaddress.ip_address(text))
                if kind:
                    raise DeliveryFailed(_refusal(host, kind), retry=False, reason="invalid")
        return found


def guarded_client(guard: Guard) -> httpx.AsyncClient:
    """Return the HTTP client for notifiers: guarded connections, no redirects, proxies from the environment."""
    return httpx.AsyncClient(transport=GuardedTransport(guard), follow_redirects=False)


class GuardedTransport(httpx.AsyncBaseTransport):
    """An HTTP transport whose direct connections pass a `Guard`.

    `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are honoured; a proxy chooses where it connects to.
    """

    def __init__(self, guard: Guard) -> None:
        self._direct = _DirectTransport(guard)
        self._proxies = {
            scheme: httpx.AsyncHTTPTransport(proxy=proxy if "://" in proxy else f"http://{proxy}")
            for scheme, proxy in urllib.request.getproxies().items()
            if scheme in {"http", "https"}
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        proxy = self._proxies.get(request.url.scheme)
        if proxy is None or urllib.request.proxy_bypass(request.url.host):
            return await self._direct.handle_async_request(request)
        return await proxy.handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in (self._direct, *self._proxies.values()):
            await transport.aclose()


class _DirectTransport(httpx.AsyncHTTPTransport):
    def __init__(self, guard: Guard) -> None:
        super().__init__()
        # httpx offers no public way to choose how its pool connects; test_guard.py shows that this one takes effect.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(), keepalive_expiry=30.0, network_backend=_GuardedBackend(guard)
        )


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = httpcore.ConnectError("the name resolves to no address")
        for address in await self._guard.addresses(host, port):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


def _bare(host: str) -> str:
    return host.strip().strip("[]").rstrip(".").casefold()


def _as_address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _forbidden(address: Address) -> str:
    """The name of the forbidden range that `address` lies in; empty if it may be connected to."""
    inner = _embedded(address)
    if inner is not None:
        return _forbidden(inner)
    if address.is_loopback or address.is_unspecified:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    if address in METADATA_SERVICES:
        return "metadata service"
    return "multicast" if address.is_multicast else ""


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address only wraps."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _refusal(host: str, kind: str) -> str:
    return (
        f"{host} is a {kind} address, where messages are not sent; "
        f"if it is meant, add it to `allow_private_destinations`"
    )
