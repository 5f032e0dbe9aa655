"""Kubernetes audit events."""

from __future__ import annotations

import json

from tests.intake.formats.events import audit_event
from tests.intake.parsing import Parser


def test_an_event_fills_its_columns(parse: Parser) -> None:
    event = json.loads(audit_event("exec"))
    event |= {
        "verb": "get",
        "requestURI": "/api/v1/namespaces/prod/pods/web/exec?command=sh&command=-c&command=id%20-a",
        "sourceIPs": ["203.0.113.9", "192.0.2.7"],
        "impersonatedUser": {"username": "root", "groups": ["system:masters"]},
    }
    event["objectRef"]["subresource"] = "exec"
    event["user"]["extra"] = {"authentication.kubernetes.io/credential-id": ["JTI=1"]}
    row = parse("kubernetes-audit", json.dumps(event).encode()).row
    assert (row["verb"], row["resource"], row["subresource"], row["namespace"]) == ("get", "pods", "exec", "prod")
    assert row["request_uri"].endswith("command=sh&command=-c&command=id -a")
    assert (row["source_ip"], row["source_ips"]) == ("192.0.2.7", ["203.0.113.9", "192.0.2.7"])
    assert (row["user"], row["impersonated_user"], row["credential_id"]) == ("alice", "root", "JTI=1")
    assert (row["time"], row["received"]) == ("2026-11-23T08:50:53.410000Z", "2026-11-23T08:50:53.400000Z")
    assert json.loads(row["request_object"]) == {"kind": "Pod"}


def test_lists_are_taken_apart_and_an_event_is_its_id_and_stage(parse: Parser) -> None:
    started = audit_event("list").replace("ResponseComplete", "ResponseStarted")
    events = f"[{audit_event('list')},{started},{started}]"
    body = '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":' + events + "}"
    done = parse("kubernetes-audit", body.encode())
    assert (done.receipt.accepted, done.receipt.duplicates) == (2, 1)
    assert {row["stage"] for row in done.rows} == {"ResponseStarted", "ResponseComplete"}


def test_broken_events_are_rejected_and_the_others_go_in(parse: Parser) -> None:
    lines = [
        audit_event("cut")[:-30],
        '{"kind":"Pod"}',
        audit_event("late").replace("stageTimestamp", "x"),
        audit_event("ok"),
    ]
    done = parse("kubernetes-audit", "\n".join(lines).encode())
    assert done.row["audit_id"] == "ok"
    assert sorted(reason for reason, _ in done.rejected) == [
        "no auditID: not an audit.k8s.io/v1 event",
        "not valid JSON; truncated?",
        "stageTimestamp is missing or not an RFC 3339 time",
    ]
