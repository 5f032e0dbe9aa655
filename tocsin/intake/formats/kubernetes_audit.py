"""Kubernetes audit events (audit.k8s.io/v1), one JSON object a line; an `EventList` on a line is taken apart.

Specification: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tocsin.store.base import RowFormat

_EVENT = (
    "Tuple(level String, auditID String, stage String, requestURI String, verb String, "
    "user Tuple(username String, uid String, groups Array(String), extra Map(String, Array(String))), "
    "impersonatedUser Tuple(username String, groups Array(String)), "
    "sourceIPs Array(String), userAgent String, "
    "objectRef Tuple(resource String, namespace String, name String, apiGroup String, apiVersion String, "
    "subresource String), "
    "responseStatus Tuple(code UInt16, reason String, message String), "
    "requestReceivedTimestamp String, stageTimestamp String, annotations Map(String, String))"
)
_EXTRA = "(e.user).extra['authentication.kubernetes.io/{}'][1]"


def audit_let(event: str) -> Sequence[tuple[str, str]]:
    """Return the common expressions over `event`, an SQL expression of one audit event's JSON text."""
    return (
        ("event", event),
        ("e", f"JSONExtract(event, '{_EVENT}')"),
        ("stage_time", "parseDateTime64BestEffortOrZero(e.stageTimestamp, 6, 'UTC')"),
    )


def audit_columns() -> Mapping[str, str]:
    """Return the `audit` table's columns over the names that `audit_let` defines."""
    return {
        "source": "context['source']",
        "time": "stage_time",
        "received": "parseDateTime64BestEffortOrZero(e.requestReceivedTimestamp, 6, 'UTC')",
        "level": "e.level",
        "audit_id": "e.auditID",
        "stage": "e.stage",
        "verb": "e.verb",
        "user": "(e.user).username",
        "user_uid": "(e.user).uid",
        "groups": "(e.user).groups",
        "credential_id": _EXTRA.format("credential-id"),
        "user_pod": _EXTRA.format("pod-name"),
        "user_node": _EXTRA.format("node-name"),
        "impersonated_user": "(e.impersonatedUser).username",
        "impersonated_groups": "(e.impersonatedUser).groups",
        "source_ips": "e.sourceIPs",
        "source_ip": "(e.sourceIPs)[-1]",
        "user_agent": "e.userAgent",
        "request_uri": "decodeURLFormComponent(e.requestURI)",
        "api_group": "(e.objectRef).apiGroup",
        "api_version": "(e.objectRef).apiVersion",
        "resource": "(e.objectRef).resource",
        "subresource": "(e.objectRef).subresource",
        "namespace": "(e.objectRef).namespace",
        "name": "(e.objectRef).name",
        "code": "(e.responseStatus).code",
        "status_reason": "(e.responseStatus).reason",
        "status_message": "(e.responseStatus).message",
        "decision": "e.annotations['authorization.k8s.io/decision']",
        "decision_reason": "e.annotations['authorization.k8s.io/reason']",
        "annotations": "e.annotations",
        "request_object": "JSONExtractRaw(event, 'requestObject')",
        "response_object": "JSONExtractRaw(event, 'responseObject')",
        "raw": "event",
    }


AUDIT_REJECT = (
    "multiIf(e.auditID != '' AND e.stage != '' AND stage_time != toDateTime64(0, 6, 'UTC'), '', "
    "NOT isValidJSON(event), 'not valid JSON; truncated?', "
    "e.auditID = '', 'no auditID: not an audit.k8s.io/v1 event', "
    "e.stage = '', 'no stage: not an audit.k8s.io/v1 event', "
    "'stageTimestamp is missing or not an RFC 3339 time')"
)

KUBERNETES_AUDIT = RowFormat(
    name="kubernetes-audit",
    table="audit",
    let=audit_let("line"),
    columns=audit_columns(),
    reject=AUDIT_REJECT,
    # The kind of an EventList stands at its beginning, as the API server writes it; an event has no such word there.
    rows=(
        "SELECT delivery, received, context, arrayJoin(if(position(substring(text, 1, 120), '\"EventList\"') > 0 AND "
        "isValidJSON(text), JSONExtractArrayRaw(text, 'items'), [text])) AS line FROM (SELECT delivery, received, "
        "context, arrayJoin(splitByChar('\\n', body)) AS text FROM {staged}) WHERE NOT match(text, '^[ \\t\\r]*$')"
    ),
)
