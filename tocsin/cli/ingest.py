"""`tocsin ingest`: load files into a running server."""

from __future__ import annotations

import hashlib
import secrets
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.client import Client, Refused, Session, client_command
from tocsin.cli.output import note, printable
from tocsin.cli.progress import transferred
from tocsin.kit.backoff import Backoff
from tocsin.model.errors import TocsinError

if TYPE_CHECKING:
    from tocsin.intake.bulk import Chunk

STDIN = "-"
AUTO = "auto"
_AT_ONCE = 3
"""Chunks under way: one is being stored while the next ones are read and sent."""
_PATIENCE = 300.0
_TRY_LATER = {429, 503, 507}


@dataclass
class Sum:
    """What became of the lines.

    Attributes:
        accepted, duplicates, rejected: Rows.
        batch: The last batch that holds some of them.
        bytes: Bytes sent, before compression.
    """

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    batch: int = 0
    bytes: int = 0

    def add(self, receipt: dict[str, int], size: int) -> None:
        """Count one answer of the server."""
        self.accepted += receipt["accepted"]
        self.duplicates += receipt["duplicates"]
        self.rejected += receipt["rejected"]
        self.batch = max(self.batch, receipt["batch"])
        self.bytes += size


@dataclass(frozen=True)
class Sender:
    """Sends chunks, several at once, each again until the server has taken it.

    Attributes:
        client: Speaks to the server.
        params: Query parameters of every request.
        total: Counts what became of them.
        pause: Waits for some seconds.
    """

    client: Client
    params: dict[str, str]
    total: Sum
    pause: Callable[[float], None] = time.sleep
    _waits: Backoff = field(default_factory=lambda: Backoff(first=0.5, cap=15.0))

    def send_all(self, name: str, chunks: Iterable[Chunk], advance: Callable[[Chunk], None]) -> None:
        """Send every chunk of one file. Raises Refused, Unreachable, or what reading the file raises."""
        identity = "" if name == STDIN else str(Path(name).absolute())
        run = secrets.token_hex(8) if name == STDIN else ""
        under_way: deque[tuple[Future[dict[str, int]], Chunk]] = deque()
        offset = 0
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            try:
                for chunk in chunks:
                    if len(under_way) == _AT_ONCE:
                        self._settle(under_way, advance)
                    key = _key(f"{identity}\0{run}\0{offset}", chunk.lines)
                    offset += len(chunk.lines)
                    under_way.append((pool.submit(self._send, chunk, key), chunk))
            finally:
                while under_way:
                    self._settle(under_way, advance)

    def _settle(self, under_way: deque[tuple[Future[dict[str, int]], Chunk]], advance: Callable[[Chunk], None]) -> None:
        future, chunk = under_way.popleft()
        self.total.add(future.result(), len(chunk.lines))
        advance(chunk)

    def _send(self, chunk: Chunk, key: str) -> dict[str, int]:
        body, encoding = _packed(chunk.lines, self.client.local)
        params = self.params | {"format": chunk.format}
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": key} | encoding
        waited, attempts = 0.0, 0
        while True:
            try:
                answer: dict[str, int] = self.client.send("/intake/lines", body, params, headers)
            except Refused as error:
                if error.status not in _TRY_LATER or waited > _PATIENCE:
                    raise
                attempts += 1
                delay = self._waits.delay(attempts, error.retry_after)
                waited += delay
                self.pause(delay)
            else:
                return answer


@client_command
def ingest(
    session: Session,
    *,
    files: Annotated[list[str], typer.Argument(help="Files (plain, .gz, .zst), or - for standard input.")],
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            "-F",
            help="Format of the lines; `auto` looks at the first ones of each file.",
            autocompletion=lambda: _formats(),  # noqa: PLW0108 - defined below
        ),
    ] = AUTO,
    source: Annotated[str | None, typer.Option(help="Where they come from, as `tocsin sources` shows it.")] = None,
    label: Annotated[list[str] | None, typer.Option("--label", "-l", help="Label NAME=VALUE; repeatable.")] = None,
    cluster: Annotated[str | None, typer.Option(help="Name of the cluster they come from.")] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Return only when the rules have seen them, and their alerts are listed.")
    ] = False,
) -> None:
    """Load files into a running server: audit logs, pod logs, cloud exports.

    What is acknowledged is on disk. A file that is loaded again is recognised, and audit events are known by their ids,
    so an interrupted load can simply be repeated.

    Examples:

    `tocsin ingest /var/log/kubernetes/audit.log --wait`

    `tocsin ingest export-*.json.gz --format eks --cluster prod`

    `kubectl logs -n shop deploy/web | tocsin ingest - --source pod --label namespace=shop`
    """
    params = _labels(label or ())
    params |= {name: value for name, value in (("source", source), ("cluster", cluster)) if value}
    total = Sum()
    sender = Sender(session.client, params, total)
    failures = [name for name in files if not _load(sender, name, format_)]
    if total.bytes or not failures:
        _report(session, total)
    if wait and total.batch:
        wait_until_seen(session.client, total.batch, time.sleep)
    if failures:
        raise typer.Exit(1)


def wait_until_seen(client: Client, batch: int, pause: Callable[[float], None]) -> None:
    """Return when the rules have evaluated a batch of the server's own writer."""
    while True:
        status = client.get("/status")
        if status["batches"]["evaluated"].get(status["writer"]["name"], 0) >= batch:
            return
        pause(0.2)


def _formats() -> list[str]:
    from tocsin.intake.formats.table import FORMATS

    return [AUTO, *FORMATS]


def _load(sender: Sender, name: str, row_format: str) -> bool:
    """Load one file; False, with a word on standard error, if it could not be read to its end."""
    from tocsin.intake.bulk import chunks

    try:
        with transferred(name) as shown:
            source = sys.stdin.buffer if name == STDIN else Path(name)
            sender.send_all(name, chunks(source, row_format=row_format), lambda c: shown(c.read, c.total))
    except (Refused, OSError) as error:
        if isinstance(error, Refused) and error.status in {401, 403, *_TRY_LATER}:
            raise
        note(printable(f"{name}: {error.strerror or error if isinstance(error, OSError) else error}"))
        return False
    except TocsinError as error:
        if hasattr(error, "exit_code"):
            raise
        note(printable(f"{name}: {error}"))
        return False
    return True


def _report(session: Session, total: Sum) -> None:
    counts = {"accepted": total.accepted, "duplicates": total.duplicates, "rejected": total.rejected}
    if session.out.as_json:
        session.out.objects([counts])
        return
    session.out.text(f"{total.accepted:,} accepted, {total.duplicates:,} duplicates, {total.rejected:,} rejected")
    if total.rejected:
        note("`tocsin query --table rejected` shows what was rejected, and why")


def _labels(given: Iterable[str]) -> dict[str, str]:
    labels = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise typer.BadParameter(f"{text!r}: expected NAME=VALUE", param_hint="--label")
        labels[f"label.{name}"] = value
    return labels


def _key(place: str, lines: bytes) -> str:
    """The same for the same piece of the same file, whenever it is sent; standard input is new each time."""
    digest = hashlib.blake2b(lines, digest_size=20)
    digest.update(place.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _packed(lines: bytes, local: bool) -> tuple[bytes, dict[str, str]]:
    """Compress what goes over a network; on this machine that would only cost time."""
    if local:
        return lines, {}
    import cramjam

    return bytes(cramjam.zstd.compress(lines, level=3)), {"Content-Encoding": "zstd"}
