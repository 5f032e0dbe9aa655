"""A real `tocsin run` as a process, to be stopped politely or killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from tocsin.testing.catcher import Catcher, free_port

_READY_WITHIN = 90.0


class Server:
    """A process over a data directory; it can be started again after it ended.

    Args:
        directory: Where settings, data and log are.
        settings: Content of `tocsin.yaml`.
    """

    def __init__(self, directory: Path, settings: Mapping[str, Any] | None = None) -> None:
        self._directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = directory / "tocsin.yaml"
        self.settings.write_text(json.dumps(settings or {}))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it is ready."""
        command = [sys.executable, "-m", "tocsin", "run", "--config", str(self.settings)]
        command += ["--data", str(self._directory / "data"), "--listen", f"127.0.0.1:{self.port}"]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + _READY_WITHIN
        while time.monotonic() < deadline:
            assert self._process.poll() is None, f"the server ended:\n{self.log()[-3000:]}"
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/-/ready", timeout=5).status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"not ready:\n{self.log()[-3000:]}")

    def kill(self) -> None:
        """`kill -9`."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def signal(self, number: int) -> None:
        """Send a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> int:
        """Stop politely; return the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(60)

    def log(self) -> str:
        """Everything it said."""
        return (self._directory / "log").read_text()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def wait_evaluated(self, seconds: float = 60.0) -> None:
        """Wait until rules have seen everything that was committed."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            batches = httpx.get(f"{self.url}/api/tocsin/v1/status", timeout=30).json()["batches"]
            if batches["committed"] == batches["evaluated"]:
                return
            time.sleep(0.1)
        raise AssertionError(f"rules did not catch up: {batches}\n{self.log()[-2000:]}")

    def end(self) -> None:
        """Stop if it runs."""
        if self._process is not None and self._process.poll() is None:
            self.stop()


@contextlib.contextmanager
def serving(directory: Path, settings: Mapping[str, Any] | None = None) -> Iterator[Server]:
    """A started server that is stopped in the end."""
    server = Server(directory, settings)
    try:
        server.start()
        yield server
    finally:
        server.end()


def told(catcher: Catcher, **settings: Any) -> dict[str, Any]:
    """Settings of a server whose messages go to `catcher`."""
    return {"receivers": [catcher.settings()], "allow_private_destinations": ["127.0.0.1"], **settings}
