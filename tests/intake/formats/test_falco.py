"""Falco's alerts."""

from __future__ import annotations

import json

from tests.intake.parsing import Parser

_ALERT = {
    "uuid": "1",
    "output": "A shell was spawned (proc=bash)",
    "priority": "Notice",
    "rule": "Terminal shell in container",
    "time": "2026-11-23T09:46:00.123456789Z",
    "source": "syscall",
    "tags": ["container", "T1059"],
    "hostname": "node-1",
    "output_fields": {
        "k8s.ns.name": "prod",
        "k8s.pod.name": "web-1",
        "container.name": "web",
        "proc.pid": 7,
        "x": None,
    },
}


def test_an_alert(parse: Parser) -> None:
    row = parse("falco", json.dumps(_ALERT).encode()).row
    assert row["time"] == "2026-11-23T09:46:00.123456Z"
    assert (row["source"], row["level"], row["priority"]) == ("falco", "info", "security")
    assert (row["namespace"], row["pod"], row["container"], row["node"]) == ("prod", "web-1", "web", "node-1")
    assert row["fields"]["rule"] == "Terminal shell in container"
    assert row["fields"]["proc.pid"] == "7"
    assert row["fields"]["tags"] == '["container", "T1059"]' or row["fields"]["tags"] == '["container","T1059"]'
    assert "x" not in row["fields"]
    assert json.loads(row["line"]) == _ALERT


def test_priorities_become_levels(parse: Parser) -> None:
    alerts = [{**_ALERT, "priority": p} for p in ("Emergency", "ERROR", "Warning", "Informational", "Debug")]
    rows = parse("falco", json.dumps(alerts).encode()).rows
    assert {row["fields"]["priority"]: row["level"] for row in rows} == {
        "Emergency": "critical",
        "ERROR": "error",
        "Warning": "warning",
        "Informational": "info",
        "Debug": "debug",
    }
    assert {row["priority"] for row in rows} == {"security"}


def test_what_is_no_alert_is_rejected(parse: Parser) -> None:
    assert parse("falco", b'{"output":"x"}').rejected == [("no rule: not a Falco alert", '{"output":"x"}')]
