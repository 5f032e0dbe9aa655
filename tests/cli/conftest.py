"""A real server on loopback, and the command line as its user."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import uvicorn
from typer.testing import CliRunner, Result

from tests.api.serving import Running, fresh_state
from tocsin.cli import main
from tocsin.intake.receivers import lines
from tocsin.intake.settings import IntakeSettings
from tocsin.kit.clock import SystemClock
from tocsin.kit.units import Duration
from tocsin.store.schema.tables import TABLES
from tocsin.store.settings import WriterSettings
from tocsin.store.sql import Sql
from tocsin.store.writer import Writer
from tocsin.testing.clock import VirtualClock
from tocsin.testing.stores import fresh_columns


@dataclass
class Tool:
    """The command line, pointed at the server."""

    server: str
    running: Running

    def __call__(self, *arguments: str, stdin: bytes | None = None) -> Result:
        """Run a command; its output is in the result, errors as `main` prints them in `stderr`."""
        environment = {"TOCSIN_SERVER": self.server, "TZ": "UTC", "COLUMNS": "200", "NO_COLOR": "1"}
        return CliRunner(env=environment).invoke(main.app, list(arguments), input=stdin, catch_exceptions=True)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    """A server for the tests of a module."""
    clock = VirtualClock()
    columns, state = fresh_columns(), fresh_state(tmp_path_factory.mktemp("state"), clock)
    writer = Writer(columns, WriterSettings(linger=Duration()), SystemClock())
    writer.start()
    running = Running(
        columns,
        state,
        clock,
        extra=list(lines.routes(writer, IntakeSettings(), SystemClock(), "")),
        details={"writer": {"name": writer.name}},
    )
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(running.app(), log_config=None, ws="none", lifespan="off"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
        thread.start()
        yield Tool(f"http://127.0.0.1:{listening.getsockname()[1]}", running)
        server.should_exit = True
        thread.join(10)
    writer.stop()
    running.services.workers.close()
    state.close()
    columns.close()


@pytest.fixture
def tool(served: Tool) -> Tool:
    """That server over empty tables."""
    running = served.running
    for table in TABLES:
        running.columns.run(Sql(f"TRUNCATE TABLE {table}"))
    running.rules, running.correlations, running.errors, running.receivers, running.unready = [], [], [], {}, []
    return served
