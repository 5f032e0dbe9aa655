"""Kubernetes Events."""

from __future__ import annotations

import json

from tests.intake.parsing import Parser

_CORE = {
    "kind": "Event",
    "apiVersion": "v1",
    "metadata": {"name": "web.17", "namespace": "prod", "creationTimestamp": "2026-11-23T08:00:00Z"},
    "involvedObject": {"kind": "Pod", "namespace": "prod", "name": "web-1", "fieldPath": "spec.containers{web}"},
    "reason": "BackOff",
    "message": "Back-off restarting failed container",
    "source": {"component": "kubelet", "host": "node-1"},
    "firstTimestamp": "2026-11-23T08:00:00Z",
    "lastTimestamp": "2026-11-23T08:10:00Z",
    "count": 5,
    "type": "Warning",
    "eventTime": None,
}
_NEW = {
    "kind": "Event",
    "apiVersion": "events.k8s.io/v1",
    "metadata": {"name": "node-1.18", "namespace": "default"},
    "regarding": {"kind": "Node", "name": "node-1"},
    "reason": "NodeNotReady",
    "note": "Node node-1 status is now: NodeNotReady",
    "reportingController": "node-controller",
    "eventTime": "2026-11-23T08:00:00.123456Z",
    "series": {"count": 3, "lastObservedTime": "2026-11-23T08:01:00.000001Z"},
    "type": "Normal",
}


def test_core_v1(parse: Parser) -> None:
    row = parse("kubernetes-events", json.dumps(_CORE).encode()).row
    assert row["time"] == "2026-11-23T08:10:00.000000Z"
    assert (row["source"], row["level"]) == ("kubernetes-event", "warning")
    assert (row["namespace"], row["pod"], row["container"], row["node"], row["app"]) == (
        "prod",
        "web-1",
        "web",
        "node-1",
        "kubelet",
    )
    assert row["fields"]["reason"] == "BackOff"
    assert row["fields"]["message"] == "Back-off restarting failed container"
    assert row["fields"]["count"] == "5"
    assert row["line"] == json.dumps(_CORE)


def test_events_k8s_io_v1_inside_a_watch(parse: Parser) -> None:
    row = parse("kubernetes-events", json.dumps({"type": "ADDED", "object": _NEW}).encode()).row
    assert row["time"] == "2026-11-23T08:01:00.000001Z"
    assert (row["namespace"], row["pod"], row["node"], row["level"]) == ("default", "", "node-1", "info")
    assert (row["fields"]["message"], row["fields"]["count"]) == ("Node node-1 status is now: NodeNotReady", "3")


def test_lists_arrays_and_objects_over_several_lines(parse: Parser) -> None:
    listed = json.dumps({"kind": "EventList", "items": [_CORE, _NEW]}, indent=1).encode()
    assert parse("kubernetes-events", listed).receipt.accepted == 2
    assert parse("kubernetes-events", json.dumps([_CORE, {"object": _NEW}]).encode()).receipt.accepted == 2


def test_what_is_no_event_is_rejected(parse: Parser) -> None:
    done = parse("kubernetes-events", b'{"kind":"Pod"}\n{"reason":\n')
    assert sorted(done.rejected) == [
        ("no reason and no message: not a Kubernetes Event", '{"kind":"Pod"}'),
        ("not valid JSON; truncated?", '{"reason":'),
    ]
