"""Audit events for the tests of the wrappers."""

from __future__ import annotations

import json
from typing import Any


def audit_event(audit_id: str, request: dict[str, Any] | None = None) -> str:
    """Return one event as the API server writes it, bodies after the facts."""
    event = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Request",
        "auditID": audit_id,
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/prod/pods",
        "verb": "create",
        "user": {"username": "alice", "groups": ["dev"]},
        "sourceIPs": ["192.0.2.7"],
        "userAgent": "kubectl",
        "objectRef": {"resource": "pods", "namespace": "prod", "name": "web", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 201},
        "requestObject": request or {"kind": "Pod"},
        "requestReceivedTimestamp": "2026-11-23T08:50:53.400000Z",
        "stageTimestamp": "2026-11-23T08:50:53.410000Z",
        "annotations": {"authorization.k8s.io/decision": "allow"},
    }
    return json.dumps(event, separators=(",", ":"))
