"""`tocsin demo`: a recorded attack, replayed into a live server, and what people are told of it."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tocsin.kit.resources import packs_directory
from tocsin.testing.catcher import Catcher, free_port

_PORT = 9319
_PER_BODY = 400
_NATIVE = "/api/tocsin/v1"
_COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "informational": "dim"}


def demo(
    port: Annotated[int, typer.Option(help="Port of the server; another one is taken if it is in use.")] = _PORT,
    leave: Annotated[
        bool, typer.Option("--exit", help="Stop the server at the end instead of leaving it running.")
    ] = False,
) -> None:
    """Replay a recorded attack on a real API server into a live server, and show the alerts and messages it raises.

    Everything stays on this machine: the server listens on loopback, and mail, Slack, Teams, PagerDuty and webhook
    messages go to a local catcher. Data goes to a temporary directory.

    Examples:

      tocsin demo

      tocsin demo --exit
    """
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, _interrupt)
    with ExitStack() as stack:
        catcher = Catcher()
        stack.callback(catcher.close)
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-demo-", ignore_cleanup_errors=True))
        address = stack.enter_context(_server(Path(directory), _free(port), catcher))
        client = stack.enter_context(httpx.Client(base_url=address, timeout=60))
        console.print(f"[bold]Tocsin[/] runs at [link={address}]{address}[/link]; data in {directory}\n")
        _replay(client, console)
        alerts = _settled(client, catcher)
        _show_alerts(console, alerts, address)
        _show_evidence(console, client, alerts)
        _show_messages(console, catcher)
        if leave:
            return
        console.print(f"\nThe server is running: open [bold]{address}/[/] for the alerts and their evidence.")
        console.print(
            f"Ask it: tocsin alerts, or tocsin query 'verb:create resource:clusterrolebindings' (--server {address})"
        )
        console.print("Ctrl-C stops it.")
        try:
            signal.pause()
        except KeyboardInterrupt:
            console.print("stopping")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _free(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return free_port()
    return port


@contextmanager
def _server(directory: Path, port: int, catcher: Catcher) -> Iterator[str]:
    address = f"http://127.0.0.1:{port}"
    settings = {
        "external_url": address,
        "cluster": "demo",
        "receivers": [catcher.settings()],
        "allow_private_destinations": ["127.0.0.1"],
    }
    config = directory / "tocsin.yaml"
    config.write_text(json.dumps(settings, indent=2))  # JSON is YAML.
    command = [sys.executable, "-m", "tocsin", "run", "--config", str(config)]
    command += ["--data", str(directory / "data"), "--listen", f"127.0.0.1:{port}"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_")}
    with (directory / "server.log").open("wb") as log:
        # A session of its own, so that Ctrl-C reaches the server through us, once.
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)  # noqa: S603 - our own program
    try:
        _wait_ready(address, process, directory / "server.log")
        yield address
    finally:
        process.terminate()
        process.wait(60)


def _wait_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            typer.echo(f"The server ended; its last words:\n{log.read_text()[-2000:]}", err=True)
            raise typer.Exit(1)
        try:
            if httpx.get(f"{address}/-/ready", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    typer.echo("The server did not become ready within a minute.", err=True)
    raise typer.Exit(1)


def _replay(client: httpx.Client, console: Console) -> None:
    recording = packs_directory() / "recordings" / "attack.ndjson.gz"
    lines = gzip.decompress(recording.read_bytes()).splitlines()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("events"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Replaying an attack on a real API server", total=len(lines))
        for batch in _batches(lines):
            body = b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[' + b",".join(batch) + b"]}"
            client.post("/intake/kubernetes/audit", content=body).raise_for_status()
            progress.advance(task, len(batch))
    console.print()


def _batches(lines: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(lines), _PER_BODY):
        yield lines[start : start + _PER_BODY]


def _settled(client: httpx.Client, catcher: Catcher) -> list[dict[str, Any]]:
    """Wait until rules have seen everything and messages have stopped coming; return the alerts."""
    quiet_since, count = time.monotonic(), -1
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status = client.get(f"{_NATIVE}/status").raise_for_status().json()["batches"]
        now = len(catcher.messages)
        if now != count or status["committed"] != status["evaluated"]:
            quiet_since, count = time.monotonic(), now
        elif time.monotonic() - quiet_since > 2:
            break
        time.sleep(0.2)
    answer = client.get(f"{_NATIVE}/alerts", params={"limit": 200}).raise_for_status().json()
    found: list[dict[str, Any]] = answer["alerts"] if isinstance(answer, dict) else answer
    return found


def _show_alerts(console: Console, alerts: list[dict[str, Any]], address: str) -> None:
    table = Table(title=f"{len(alerts)} alerts", title_justify="left", expand=True)
    table.add_column("severity")
    table.add_column("alert", ratio=3)
    table.add_column("who, where", ratio=3, overflow="fold")
    table.add_column("events", justify="right")
    for alert in alerts:
        severity = alert["severity"]
        labels = {k: v for k, v in alert["labels"].items() if k not in ("alertname", "severity", "cluster")}
        where = " ".join(f"{k}={v}" for k, v in labels.items())
        link = f"[link={address}/alerts/{alert['fingerprint']}]{escape(alert['title'])}[/link]"
        table.add_row(f"[{_COLOURS[severity]}]{severity}[/]", link, escape(where), str(alert["count"]))
    console.print(table)


def _show_evidence(console: Console, client: httpx.Client, alerts: list[dict[str, Any]]) -> None:
    if not alerts:
        return
    answer = client.get(f"{_NATIVE}/alerts/{alerts[0]['fingerprint']}").raise_for_status().json()
    alert = answer.get("alert", answer)
    console.print(f"\n[bold]The events behind the first:[/] {escape(alert['title'])}")
    for item in alert["evidence"][:5]:
        console.print(f"  {item['time']}  {escape(item['summary'])}  [dim]auditID {item['event_id']}[/]")


def _show_messages(console: Console, catcher: Catcher) -> None:
    messages = catcher.messages
    counts = Counter(message.kind for message in messages)
    table = Table(
        title=f"\n{len(messages)} messages, as the local catcher received them", title_justify="left", expand=True
    )
    table.add_column("receiver")
    table.add_column("messages", justify="right")
    table.add_column("the first one", ratio=1, overflow="ellipsis", no_wrap=True)
    for kind, count in sorted(counts.items()):
        first = next(message for message in messages if message.kind == kind)
        table.add_row(kind, str(count), escape(" ".join(first.title.split())))
    console.print(table)
