"""Audit events made for tests."""

from __future__ import annotations

import json
from typing import Any

from tocsin.intake.formats.kubernetes_audit import KUBERNETES_AUDIT
from tocsin.store.base import Delivery
from tocsin.testing.clock import VirtualClock


def event(audit_id: str, stage: str = "ResponseComplete", **changes: Any) -> dict[str, Any]:
    """A complete, ordinary event: alice reads a pod."""
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": audit_id,
        "stage": stage,
        "requestURI": "/api/v1/namespaces/web/pods/front",
        "verb": "get",
        "user": {"username": "alice", "groups": ["system:authenticated"]},
        "sourceIPs": ["203.0.113.7", "198.51.100.4"],
        "objectRef": {"resource": "pods", "namespace": "web", "name": "front", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": "2026-11-23T09:06:36.994006Z",
        "stageTimestamp": "2026-11-23T09:06:37.012546Z",
        "annotations": {"authorization.k8s.io/decision": "allow"},
        **changes,
    }


def delivery(*events: dict[str, Any] | bytes, token: str = "", cluster: str = "") -> Delivery:
    """A delivery of events, or of raw lines."""
    lines = [item if isinstance(item, bytes) else json.dumps(item).encode() for item in events]
    return Delivery(KUBERNETES_AUDIT, b"\n".join(lines), VirtualClock().now(), {"cluster": cluster}, token)
