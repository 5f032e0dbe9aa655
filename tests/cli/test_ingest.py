"""Loading files into a real server."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.cli.conftest import Tool
from tocsin.cli.client import Client, Refused, Unreachable
from tocsin.cli.ingest import Sender, Sum, wait_until_seen
from tocsin.intake.bulk import Chunk
from tocsin.store.sql import Sql
from tocsin.store.state import watermarks


def event(number: int, **more: Any) -> bytes:
    return orjson.dumps(
        {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Metadata",
            "auditID": f"00000000-0000-0000-0000-{number:012}",
            "stage": "ResponseComplete",
            "verb": "get",
            "user": {"username": "alice"},
            "requestURI": "/api/v1/pods",
            "requestReceivedTimestamp": "2026-11-23T09:00:00.000000Z",
            "stageTimestamp": "2026-11-23T09:00:00.000000Z",
            **more,
        }
    )


@pytest.fixture
def audit_log(tmp_path: Path) -> Path:
    """Three events and a line that is none."""
    path = tmp_path / "audit.log"
    path.write_bytes(b"\n".join([event(1), event(2), b'{"broken', event(3)]) + b"\n")
    return path


def stored(tool: Tool, table: str) -> list[dict[str, Any]]:
    return tool.running.columns.fetch(Sql(f"SELECT * FROM {table} ORDER BY ingested"))


def test_a_file_is_loaded_and_summed_up(tool: Tool, audit_log: Path) -> None:
    result = tool("ingest", str(audit_log), "--cluster", "prod")
    assert result.exit_code == 0, result.exception
    assert result.stdout == "3 accepted, 0 duplicates, 1 rejected\n"
    assert "tocsin query --table rejected" in result.stderr
    assert {(row["user"], row["cluster"]) for row in stored(tool, "audit")} == {("alice", "prod")}


def test_a_file_loaded_again_is_recognised(tool: Tool, audit_log: Path) -> None:
    tool("ingest", str(audit_log))
    again = json.loads(tool("ingest", str(audit_log), "--json").stdout)
    assert again["accepted"] == again["rejected"] == 0
    assert len(stored(tool, "audit")) == 3


def test_compressed_files_and_standard_input(tool: Tool, tmp_path: Path) -> None:
    packed = tmp_path / "audit.log.gz"
    packed.write_bytes(gzip.compress(event(11) + b"\n"))
    assert tool("ingest", str(packed)).stdout.startswith("1 accepted")
    assert tool("ingest", "-", stdin=event(12) + b"\n").stdout.startswith("1 accepted")


def test_labels_and_source_go_with_the_lines(tool: Tool) -> None:
    arguments = ("--format", "json-lines", "--source", "pod", "-l", "namespace=shop", "--label", "team=red")
    result = tool("ingest", "-", *arguments, stdin=b'{"msg":"hello"}\n')
    assert result.exit_code == 0, result.exception
    (row,) = stored(tool, "logs")
    assert (row["source"], row["namespace"], row["stream"]["team"]) == ("pod", "shop", "red")
    assert tool("ingest", "-", "--label", "x").exit_code == 2


def test_what_cannot_be_read_is_named_and_the_rest_loaded(tool: Tool, audit_log: Path, tmp_path: Path) -> None:
    result = tool("ingest", str(tmp_path / "missing.log"), str(audit_log))
    assert result.exit_code == 1
    assert "missing.log" in result.stderr
    assert result.stdout.startswith("3 accepted")


def test_a_broken_archive_is_loaded_as_far_as_it_goes(tool: Tool, tmp_path: Path) -> None:
    lines = b"".join(event(100 + n) + b"\n" for n in range(2000))
    whole = gzip.compress(lines)
    path = tmp_path / "cut.gz"
    path.write_bytes(whole[: len(whole) // 2])
    result = tool("ingest", str(path))
    assert result.exit_code == 1
    assert "cut.gz" in result.stderr
    assert 0 < len(stored(tool, "audit")) < 2000


def test_an_unknown_format_is_refused(tool: Tool, audit_log: Path) -> None:
    result = tool("ingest", str(audit_log), "--format", "odd")
    assert result.exit_code == 1
    assert "odd" in result.stderr


def test_no_server_ends_it_at_once(tool: Tool, audit_log: Path) -> None:
    result = tool("ingest", str(audit_log), str(audit_log), "--server", "http://127.0.0.1:1")
    assert isinstance(result.exception, Unreachable)


class Busy(Client):
    """A server that is overloaded for a while."""

    def __init__(self, refusals: int, status: int = 429) -> None:
        self.local = True
        self.refusals = refusals
        self.status = status
        self.keys: list[str] = []

    def send(self, path: str, content: bytes, params: Any, headers: Any) -> Any:
        self.keys.append(headers["Idempotency-Key"])
        if len(self.keys) <= self.refusals:
            raise Refused("full", self.status, 7.0)
        return {"accepted": 1, "duplicates": 0, "rejected": 0, "batch": 5}


def test_an_overloaded_server_is_asked_again_with_the_same_key() -> None:
    busy, pauses, total = Busy(2), list[float](), Sum()
    sender = Sender(busy, {}, total, pauses.append)
    sender.send_all("x", [Chunk(b"a\n", "json-lines", 2, 2)], lambda _: None)
    assert len(set(busy.keys)) == 1
    assert len(busy.keys) == 3
    assert all(pause >= 7 for pause in pauses)
    assert (total.accepted, total.batch) == (1, 5)


def test_it_gives_up_on_what_will_not_change() -> None:
    busy = Busy(1, status=413)
    with pytest.raises(Refused):
        Sender(busy, {}, Sum()).send_all("x", [Chunk(b"a\n", "json-lines", 2, 2)], lambda _: None)
    assert len(busy.keys) == 1


def test_every_chunk_has_a_key_of_its_own_and_repeats_have_the_same() -> None:
    def keys(name: str) -> list[str]:
        busy = Busy(0)
        chunks = [Chunk(b"same\n", "json-lines", 5, None), Chunk(b"same\n", "json-lines", 5, None)]
        Sender(busy, {}, Sum()).send_all(name, chunks, lambda _: None)
        return sorted(busy.keys)

    assert len(set(keys("a.log"))) == 2
    assert keys("a.log") == keys("a.log") != keys("b.log")
    assert not set(keys("-")) & set(keys("-"))


def test_waiting_ends_when_the_rules_have_seen_the_batch(tool: Tool) -> None:
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        with tool.running.state.write() as connection:
            watermarks.advance(connection, {"local": len(waits)}, tool.running.clock.now())

    with Client(tool.server) as client:
        wait_until_seen(client, 3, pause)
    assert len(waits) == 3
