"""Audit events as CloudWatch delivers them."""

from __future__ import annotations

import json
from typing import Any

from tests.intake.formats.events import audit_event
from tests.intake.parsing import Parser

_MILLIS = 1795423853417


def _entry(message: str) -> dict[str, Any]:
    return {"id": "1", "timestamp": _MILLIS, "message": message}


def test_every_shape_gives_the_event(parse: Parser) -> None:
    events = [audit_event(f"shape-{n}") for n in range(6)]
    lines = [
        json.dumps(
            {"logGroup": "/aws/eks/shop/cluster", "messageType": "DATA_MESSAGE", "logEvents": [_entry(events[0])]}
        ),
        json.dumps({"events": [_entry(events[1])], "searchedLogStreams": []}),
        json.dumps(_entry(events[2])),
        f"2026-11-23T08:50:53.417Z {events[3]}",
        f"2026-11-23T08:50:53.417000+00:00 kube-apiserver-audit-0a1b {events[4]}",
        events[5],
    ]
    done = parse("eks", "\n".join(lines).encode())
    assert done.rejected == []
    assert {row["audit_id"]: row["cluster"] for row in done.rows} == {
        "shape-0": "shop",
        **{f"shape-{n}": "" for n in range(1, 6)},
    }
    assert {row["raw"] for row in done.rows} == set(events)


def test_an_event_that_cloudwatch_cut_keeps_who_did_what(parse: Parser) -> None:
    whole = audit_event("cut", request={"spec": {"pad": "x" * 500}})
    row = parse("eks", json.dumps(_entry(whole[:-300])).encode()).row
    assert (row["audit_id"], row["user"], row["verb"], row["resource"], row["code"]) == (
        "cut",
        "alice",
        "create",
        "pods",
        201,
    )
    assert row["time"] == "2026-11-23T08:50:53.417000Z"
    assert row["annotations"] == {"tocsin.dev/truncated": "true"}
    assert row["request_object"] == ""
    assert json.loads(row["raw"])["objectRef"]["namespace"] == "prod"


def test_other_streams_and_broken_lines_are_rejected_with_their_reason(parse: Parser) -> None:
    lines = [json.dumps(_entry("I1123 klog line")), audit_event("broken")[:90], "text", audit_event("fine")]
    done = parse("eks", "\n".join(lines).encode())
    assert done.row["audit_id"] == "fine"
    other = "a message of another log stream: only kube-apiserver-audit holds audit events"
    assert sorted(reason for reason, _ in done.rejected) == [other, other, "not valid JSON; truncated?"]


def test_control_messages_are_no_data(parse: Parser) -> None:
    message = {"messageType": "CONTROL_MESSAGE", "logEvents": [_entry("CWL CONTROL MESSAGE: Checking health")]}
    done = parse("eks", json.dumps(message).encode())
    assert (done.rows, done.rejected) == ([], [])
