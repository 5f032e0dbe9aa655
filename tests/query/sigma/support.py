"""What the Sigma tests share: a rule from a few lines of YAML, and its predicate tried on events in the real engine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sigma.rule import SigmaRule

from tocsin.query.sigma.compile import Predicate, compile_rule
from tocsin.query.sigma.syntax import Rule, parse
from tocsin.store.base import Columns
from tocsin.store.sql import Sql, compose

Event = Mapping[str, Any]


def rules_of(*texts: str) -> tuple[Rule, ...]:
    """The rules of files that must be good."""
    parsed = parse([(f"rules-{number}.yml", text) for number, text in enumerate(texts)])
    assert parsed.errors == (), [str(error) for error in parsed.errors]
    return parsed.rules


def rule_for(detection: Mapping[str, Any], logsource: Mapping[str, str] | None = None) -> SigmaRule:
    """A rule with this detection section, over the audit log if not told otherwise."""
    content = {
        "title": "Test",
        "logsource": logsource or {"product": "kubernetes", "service": "audit"},
        "detection": {"condition": "selection", **detection},
    }
    return SigmaRule.from_dict(content)


def predicate_for(detection: Mapping[str, Any], logsource: Mapping[str, str] | None = None) -> Predicate:
    """The predicate of such a rule."""
    return compile_rule(rule_for(detection, logsource))


def store(columns: Columns, events: Sequence[Event]) -> None:
    """Put audit events into the table, with the columns filled from the event as the schema says."""
    rows = b"\n".join(json.dumps(audit_row(event, number)).encode() for number, event in enumerate(events))
    columns.insert("audit", list(audit_row({}, 0)), "JSONEachRow", rows)


def hits(columns: Columns, predicate: Predicate) -> list[int]:
    """Numbers of the stored events for which the predicate holds."""
    query = compose(
        "SELECT batch FROM {table} WHERE {where} ORDER BY batch", table=Sql(predicate.table), where=predicate.where
    )
    return [int(row["batch"]) for row in columns.fetch(query)]


def audit_row(event: Event, number: int) -> dict[str, Any]:
    """A row of `audit` for an event; `batch` is its number."""
    user, ref, status = event.get("user", {}), event.get("objectRef", {}), event.get("responseStatus", {})
    ips = event.get("sourceIPs", [])
    return {
        "batch": number,
        "time": event.get("stageTimestamp", "2026-03-04T05:06:07.000000Z"),
        "received": event.get("requestReceivedTimestamp", "2026-03-04T05:06:07.000000Z"),
        "audit_id": event.get("auditID", ""),
        "stage": event.get("stage", ""),
        "verb": event.get("verb", ""),
        "user": user.get("username", ""),
        "groups": user.get("groups", []),
        "credential_id": user.get("extra", {}).get("authentication.kubernetes.io/credential-id", [""])[0],
        "source_ips": ips,
        "source_ip": ips[-1] if ips else "",
        "user_agent": event.get("userAgent", ""),
        "request_uri": event.get("requestURI", ""),
        "resource": ref.get("resource", ""),
        "namespace": ref.get("namespace", ""),
        "name": ref.get("name", ""),
        "code": status.get("code", 0),
        "status_reason": status.get("reason", ""),
        "annotations": event.get("annotations", {}),
        "decision": event.get("annotations", {}).get("authorization.k8s.io/decision", ""),
        "request_object": json.dumps(event["requestObject"]) if "requestObject" in event else "",
        # The API server is written in Go, whose encoder escapes these three.
        "raw": json.dumps(event, separators=(",", ":")).translate({60: r"\u003c", 62: r"\u003e", 38: r"\u0026"}),
    }
