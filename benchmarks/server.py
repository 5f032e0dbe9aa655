"""A real `tocsin run` in a process and data directory of its own, for benchmarks."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Running:
    """A running server: its port, process id and data directory."""

    port: int
    pid: int
    data: Path

    def peak_memory(self) -> float:
        """Highest resident size so far, MB."""
        return self._status("VmHWM")

    def memory(self) -> float:
        """Resident size now, MB."""
        return self._status("VmRSS")

    def _status(self, key: str) -> float:
        text = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith(key))


@contextmanager
def running(settings: str = "") -> Iterator[Running]:
    """Start a server with the given YAML settings, wait until it is ready, and stop it in the end."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-", ignore_cleanup_errors=True) as directory:
        port = free_port()
        config = Path(directory) / "tocsin.yaml"
        config.write_text(settings or "{}")
        command = [sys.executable, "-m", "tocsin", "run", "--config", str(config), "--data", f"{directory}/data"]
        with (Path(directory) / "log").open("wb") as log:
            process = subprocess.Popen([*command, "--listen", f"127.0.0.1:{port}"], stdout=log, stderr=log)
        try:
            _wait_ready(port, process, Path(directory) / "log")
            yield Running(port, process.pid, Path(directory) / "data")
        finally:
            process.terminate()
            process.wait(60)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended:\n{log.read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError("the server did not become ready within a minute")
