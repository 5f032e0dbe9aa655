"""Audit entries of Cloud Logging."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.intake.parsing import Parser


def _entry(insert_id: str, method: str, resource: str, **payload: Any) -> dict[str, Any]:
    return {
        "insertId": insert_id,
        "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity",
        "timestamp": "2026-11-23T08:50:51.123456Z",
        "resource": {"type": "k8s_cluster", "labels": {"cluster_name": "shop", "location": "europe-west1"}},
        "labels": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "RBAC: by x"},
        "operation": {"id": f"op-{insert_id}", "producer": "k8s.io", "first": True, "last": True},
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "serviceName": "k8s.io",
            "methodName": method,
            "resourceName": resource,
            "authenticationInfo": {"principalEmail": "alice@example.com"},
            "requestMetadata": {"callerIp": "192.0.2.7", "callerSuppliedUserAgent": "kubectl"},
            **payload,
        },
    }


def _parsed(parse: Parser, entry: dict[str, Any]) -> dict[str, Any]:
    return parse("gke", json.dumps(entry).encode()).row


def test_an_exec_that_was_denied(parse: Parser) -> None:
    entry = _entry(
        "exec",
        "io.k8s.core.v1.pods.exec.create",
        "core/v1/namespaces/prod/pods/web/exec",
        status={"code": 7, "message": "denied"},
        request={"command": ["sh"]},
    )
    entry["labels"]["authorization.k8s.io/decision"] = "forbid"
    row = _parsed(parse, entry)
    assert (row["verb"], row["api_group"], row["resource"], row["subresource"]) == ("create", "", "pods", "exec")
    assert (row["namespace"], row["name"], row["request_uri"]) == (
        "prod",
        "web",
        "/api/v1/namespaces/prod/pods/web/exec",
    )
    assert (row["code"], row["decision"], row["status_message"]) == (403, "forbid", "denied")
    assert (row["user"], row["source_ip"], row["cluster"]) == ("alice@example.com", "192.0.2.7", "shop")
    assert (row["audit_id"], row["stage"]) == ("op-exec", "ResponseComplete")
    assert row["request_object"] == '{"command":["sh"]}'
    assert row["raw"] == json.dumps(entry)


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("core/v1/namespaces/prod", ("", "namespaces", "prod", "prod", "")),
        ("core/v1/namespaces/prod/finalize", ("", "namespaces", "prod", "prod", "finalize")),
        ("core/v1/nodes/n1/proxy/run/x", ("", "nodes", "", "n1", "proxy/run/x")),
        ("core/v1/namespaces/prod/secrets", ("", "secrets", "prod", "", "")),
        (
            "rbac.authorization.k8s.io/v1/clusterrolebindings/x",
            ("rbac.authorization.k8s.io", "clusterrolebindings", "", "x", ""),
        ),
        ("apps/v1/namespaces/prod/deployments/web/scale", ("apps", "deployments", "prod", "web", "scale")),
        ("readyz", ("", "", "", "", "")),
    ],
)
def test_the_object_is_found_in_the_resource_path(parse: Parser, resource: str, expected: tuple[str, ...]) -> None:
    row = _parsed(parse, _entry(resource, "io.k8s.x.v1.things.patch", resource))
    assert tuple(row[n] for n in ("api_group", "resource", "namespace", "name", "subresource")) == expected
    assert row["verb"] == "patch"


@pytest.mark.parametrize(("status", "code"), [({}, 200), ({"code": 5}, 404), ({"code": 16}, 401), ({"code": 6}, 409)])
def test_statuses_are_http_codes(parse: Parser, status: dict[str, int], code: int) -> None:
    row = _parsed(parse, _entry(f"status-{code}", "io.k8s.core.v1.pods.get", "core/v1/pods", status=status))
    assert row["code"] == code


def test_the_servers_own_status_is_more_precise(parse: Parser) -> None:
    response = {"kind": "Status", "code": 422, "reason": "Invalid", "message": "no"}
    entry = _entry("own", "io.k8s.core.v1.pods.create", "core/v1/pods", status={"code": 3}, response=response)
    assert (_parsed(parse, entry)["code"], _parsed(parse, {**entry, "operation": {"id": "2"}})["status_reason"]) == (
        422,
        "Invalid",
    )


def test_a_watch_starts_and_ends(parse: Parser) -> None:
    start = _entry("w1", "io.k8s.core.v1.pods.watch", "core/v1/pods")
    start["operation"] = {"id": "w", "first": True}
    end = _entry("w2", "io.k8s.core.v1.pods.watch", "core/v1/pods")
    end["operation"] = {"id": "w", "last": True}
    rows = parse("gke", json.dumps([start, end]).encode()).rows
    assert {(row["audit_id"], row["stage"]) for row in rows} == {("w", "ResponseStarted"), ("w", "ResponseComplete")}


def test_without_labels_the_authorization_info_decides(parse: Parser) -> None:
    entry = _entry("auth", "io.k8s.core.v1.pods.get", "core/v1/pods", authorizationInfo=[{"permission": "x"}])
    entry["labels"] = {}
    assert _parsed(parse, entry)["decision"] == "forbid"


def test_entries_of_other_services_are_rejected(parse: Parser) -> None:
    entry = _entry(
        "other", "google.container.v1.ClusterManager.UpdateCluster", "x", serviceName="container.googleapis.com"
    )
    done = parse("gke", json.dumps(entry).encode() + b'\n{"insertId":')
    assert sorted(reason for reason, _ in done.rejected) == [
        "an entry of another service: only k8s.io is the API server",
        "not valid JSON; truncated?",
    ]
