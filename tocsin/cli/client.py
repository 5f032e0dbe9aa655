"""Commands that speak to a running server: their common options, and the HTTP behind them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from tocsin import __version__
from tocsin.cli.output import Output
from tocsin.model.errors import TocsinError

if TYPE_CHECKING:
    import httpx

DEFAULT_SERVER = "http://127.0.0.1:9319"
NATIVE = "/api/tocsin/v1"
_PANEL = "Connection and output"

ServerOption = Annotated[
    str, typer.Option("--server", envvar="TOCSIN_SERVER", help="Address of the server.", rich_help_panel=_PANEL)
]
TokenOption = Annotated[
    str,
    typer.Option(
        "--token",
        envvar="TOCSIN_TOKEN",
        show_envvar=True,
        help="API token; better given by file or variable, as others on this machine can see arguments.",
        rich_help_panel=_PANEL,
    ),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option("--token-file", envvar="TOCSIN_TOKEN_FILE", help="File that holds the token.", rich_help_panel=_PANEL),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.", rich_help_panel=_PANEL)]
UtcOption = Annotated[bool, typer.Option("--utc", help="Times in UTC, not in local time.", rich_help_panel=_PANEL)]

_COMMON = {
    "server": (ServerOption, DEFAULT_SERVER),
    "token": (TokenOption, ""),
    "token_file": (TokenFileOption, None),
    "json": (JsonOption, False),
    "utc": (UtcOption, False),
}


class Unreachable(TocsinError):
    """The server cannot be reached."""

    exit_code = 3


class Refused(TocsinError):
    """The server answered with an error.

    Args:
        message: What it said.
        status: The HTTP status.
        retry_after: Seconds after which it wants to be asked again; None if it did not say.
    """

    def __init__(self, message: str, status: int, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.exit_code = 4 if status in {401, 403} else 1


@dataclass(frozen=True, slots=True)
class Session:
    """What a client command works with.

    Attributes:
        client: Speaks to the server.
        out: Where results go.
    """

    client: Client
    out: Output


def client_command(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the common options; its first parameter, `session`, is made from them."""
    own = inspect.signature(function, eval_str=True)
    parameters = [parameter for name, parameter in own.parameters.items() if name != "session"]

    @functools.wraps(function)
    def command(**given: Any) -> None:
        common = {name: given.pop(name) for name in _COMMON}
        token = _token(common["token"], common["token_file"])
        with Client(common["server"], token) as client:
            function(Session(client, Output(as_json=common["json"], utc=common["utc"])), **given)

    common_parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in _COMMON.items()
    ]
    keyword_only = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    command.__signature__ = own.replace(parameters=[*keyword_only, *common_parameters])  # type: ignore[attr-defined]
    command.__annotations__ = {}
    return command


class Client:
    """HTTP to one server; closes it as a context manager.

    All methods raise Unreachable, or Refused with what the server said.

    Args:
        server: Its address.
        token: An API token; empty for none.
    """

    def __init__(self, server: str, token: str = "") -> None:
        import httpx

        parts = urlsplit(server)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise TocsinError(f"{server!r} is no address of a server; write it such as {DEFAULT_SERVER}")
        self.server = server.rstrip("/")
        self.local = parts.hostname in {"127.0.0.1", "localhost", "::1"}
        headers = {"User-Agent": f"tocsin/{__version__}"} | ({"Authorization": f"Bearer {token}"} if token else {})
        # A proxy out of the environment is of no use on the way to this machine.
        self._http = httpx.Client(base_url=self.server, headers=headers, timeout=120, trust_env=not self.local)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON answer of a native address."""
        return self._request("GET", NATIVE + path, params=_given(params)).json()

    def post(self, path: str) -> Any:
        """Post to a native address and return its JSON answer."""
        return self._request("POST", NATIVE + path).json()

    def send(self, path: str, content: bytes, params: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        """Post bytes to any address and return its JSON answer."""
        return self._request("POST", path, params=_given(params), content=content, headers=dict(headers)).json()

    def lines(self, path: str, **params: Any) -> Iterator[bytes]:
        """Yield the lines of a native address that answers JSON lines. An error in the stream is raised as Refused."""
        with self._translated(), self._http.stream("GET", NATIVE + path, params=_given(params)) as response:
            if response.is_error:
                response.read()
                raise _refused(response)
            yield from _checked_lines(response.iter_bytes())

    def page(self, path: str, **params: Any) -> tuple[list[bytes], Mapping[str, str]]:
        """Return all lines of such an answer, and its headers."""
        response = self._request("GET", NATIVE + path, params=_given(params))
        return response.content.splitlines(), response.headers

    def _request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        with self._translated():
            response = self._http.request(method, path, **arguments)
        if response.is_error:
            raise _refused(response)
        if "json" not in response.headers.get("content-type", ""):
            raise Unreachable(f"what answers at {self.server} is not Tocsin")
        return response

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import httpx

        try:
            yield
        except httpx.TimeoutException:
            raise Unreachable(f"{self.server} did not answer in time") from None
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise Unreachable(
                f"cannot reach Tocsin at {self.server} ({error}); start it with `tocsin run`, "
                "or say where it is with --server or TOCSIN_SERVER"
            ) from None


def _checked_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line.startswith(b'{"error":'):
                raise Refused(_message(line), 500)
            yield line
    if rest:
        yield rest


def _refused(response: httpx.Response) -> Refused:
    wait = response.headers.get("retry-after", "")
    message = _message(response.content) or f"the server answered {response.status_code}"
    if response.status_code == 401:
        message += " (--token-file, TOCSIN_TOKEN)"
    return Refused(message, response.status_code, float(wait) if wait.isdigit() else None)


def _message(body: bytes) -> str:
    import json

    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return ""


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _token(token: str, file: Path | None) -> str:
    if not token and file is not None:
        try:
            token = file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise TocsinError(f"the token file {file} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise TocsinError(f"the token file {file} is not text") from None
    if not token.isascii() or not token.isprintable():
        raise TocsinError("the token holds characters that no token has (--token-file, TOCSIN_TOKEN)")
    return token
