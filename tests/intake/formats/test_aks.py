"""Audit events as Azure Monitor delivers them."""

from __future__ import annotations

import json
from typing import Any

from tests.intake.formats.events import audit_event
from tests.intake.parsing import Parser

_RESOURCE = "/SUBSCRIPTIONS/1/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/SHOP"


def _record(log: str, **more: Any) -> dict[str, Any]:
    properties = {"log": log + "\n", "stream": "stdout", "pod": "kube-apiserver-1"}
    return {
        "time": "2026-11-23T08:50:53.5Z",
        "resourceId": _RESOURCE,
        "category": "kube-audit",
        "properties": properties,
        **more,
    }


def test_every_shape_gives_the_event(parse: Parser) -> None:
    nested = _record(audit_event("shape-2"))
    lines = [
        {"records": [_record(audit_event("shape-0")), _record(audit_event("shape-1"), category="kube-audit-admin")]},
        {**nested, "properties": json.dumps(nested["properties"])},
        {"TimeGenerated": "x", "Category": "kube-audit", "ResourceId": _RESOURCE, "log_s": audit_event("shape-3")},
    ]
    done = parse("aks", "\n".join(json.dumps(line) for line in lines).encode())
    assert done.rejected == []
    assert sorted(row["audit_id"] for row in done.rows) == [f"shape-{n}" for n in range(4)]
    assert {row["cluster"] for row in done.rows} == {"shop"}
    assert {row["decision"] for row in done.rows} == {"allow"}
    assert {row["time"] for row in done.rows} == {"2026-11-23T08:50:53.410000Z"}


def test_an_event_that_azure_cut_keeps_who_did_what_and_the_rest_goes_in(parse: Parser) -> None:
    cut = audit_event("cut", request={"spec": {"pad": "x" * 40_000}})[:32_766]
    records = {"records": [_record(cut), _record(audit_event("whole"))]}
    rows = {row["audit_id"]: row for row in parse("aks", json.dumps(records).encode()).rows}
    assert set(rows) == {"cut", "whole"}
    assert rows["cut"]["annotations"] == {"tocsin.dev/truncated": "true"}
    assert (rows["cut"]["user"], rows["cut"]["time"]) == ("alice", "2026-11-23T08:50:53.500000Z")


def test_what_cannot_be_read_is_rejected_with_its_reason(parse: Parser) -> None:
    lines = [
        json.dumps(_record("{}", category="kube-scheduler")),
        json.dumps(_record(audit_event("x")))[:200],
        json.dumps({"category": "kube-audit", "properties": {}}),
        json.dumps(_record('{"kind":"Pod"}')),
    ]
    done = parse("aks", "\n".join(lines).encode())
    assert done.rows == []
    assert sorted(reason for reason, _ in done.rejected) == [
        "a record without properties.log",
        "no auditID: not an audit.k8s.io/v1 event",
        "not a record of category kube-audit or kube-audit-admin",
        "not valid JSON; truncated?",
    ]
