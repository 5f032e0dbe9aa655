"""Audit events of GKE as Cloud Logging's `LogEntry` objects with an `AuditLog` in `protoPayload`.

These are not audit.k8s.io/v1 events, so each column is found anew: the verb ends the method's name, the object is the
resource's path, a status is a gRPC code, and the decision is in the labels. Groups and stages are not told.
Specifications: https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry,
https://cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog
"""

from __future__ import annotations

from tocsin.intake.formats.expressions import layered, literal
from tocsin.intake.formats.records import NOT_JSON, records
from tocsin.store.base import RowFormat

_PAYLOAD = (
    "Tuple(authenticationInfo Tuple(principalEmail String, principalSubject String, authoritySelector String), "
    "authorizationInfo Array(Tuple(granted Bool, permission String, resource String)), methodName String, "
    "requestMetadata Tuple(callerIp String, callerSuppliedUserAgent String), resourceName String, serviceName String, "
    "status Tuple(code Int32, message String), response Tuple(kind String, code UInt16, reason String, message String))"
)
_ENTRY = (
    f"Tuple(insertId String, protoPayload {_PAYLOAD}, timestamp String, labels Map(String, String), "
    "operation Tuple(id String, first Bool, last Bool), resource Tuple(type String, labels Map(String, String)))"
)
# https://cloud.google.com/apis/design/errors#error_codes, told apart as the API server does: taken is a conflict.
_STATUSES = {
    1: 499,
    2: 500,
    3: 400,
    4: 504,
    5: 404,
    6: 409,
    7: 403,
    8: 429,
    9: 409,
    10: 409,
    11: 400,
    12: 501,
    13: 500,
    14: 503,
    15: 500,
    16: 401,
}
# group/version/[namespaces/<ns>/]resource[/name[/subresource]]
_PATH = literal(r"^([^/]+)/([^/]+)(?:/namespaces/([^/]+))?/([^/]+)(?:/([^/]+)(?:/(.+))?)?$")
# A namespace is itself an object: core/v1/namespaces/<name>[/subresource]
_NAMESPACE = literal(r"^core/([^/]+)/namespaces/([^/]+)(?:/(finalize|status))?$")
_ITEMS = "if(JSONType(document, 'entries') = 'Array', JSONExtractArrayRaw(document, 'entries'), [document])"
_CODES = f"transform((p.status).code, {list(_STATUSES)}, {list(_STATUSES.values())}, 200)"
_DECISION = (
    "multiIf(entry.labels['authorization.k8s.io/decision'] != '', entry.labels['authorization.k8s.io/decision'], "
    "empty(p.authorizationInfo), '', (p.authorizationInfo[1]).granted, 'allow', 'forbid')"
)

GKE = RowFormat(
    "gke",
    "audit",
    {
        "source": "context['source']",
        "time": "entry_time",
        "received": "entry_time",
        "audit_id": "if((entry.operation).id != '', (entry.operation).id, entry.insertId)",
        # A long request is told of twice, at its start and at its end.
        "stage": "if((entry.operation).first AND NOT (entry.operation).last, 'ResponseStarted', 'ResponseComplete')",
        "verb": "arrayElement(method, -1)",
        "user": "if((p.authenticationInfo).principalEmail != '', (p.authenticationInfo).principalEmail, "
        "(p.authenticationInfo).principalSubject)",
        "impersonated_user": "(p.authenticationInfo).authoritySelector",
        "source_ips": "if(ip = '', [], [ip])",
        "source_ip": "ip",
        "user_agent": "(p.requestMetadata).callerSuppliedUserAgent",
        "request_uri": "if(notEmpty(object), concat(if(object[1] = 'core', '/api', concat('/apis/', object[1])), "
        "substring(p.resourceName, position(p.resourceName, '/'))), p.resourceName)",
        "api_group": "if(object[1] = 'core', '', object[1])",
        "api_version": "object[2]",
        "namespace": "object[3]",
        "resource": "object[4]",
        "name": "object[5]",
        "subresource": "object[6]",
        "code": "if((p.response).kind = 'Status' AND (p.response).code > 0, (p.response).code, "
        f"if((p.status).code > 99, toUInt16((p.status).code), {_CODES}))",
        "status_reason": "(p.response).reason",
        "status_message": "if((p.status).message != '', (p.status).message, (p.response).message)",
        "decision": _DECISION,
        "decision_reason": "entry.labels['authorization.k8s.io/reason']",
        "annotations": "entry.labels",
        "request_object": "JSONExtractRaw(line, 'protoPayload', 'request')",
        "response_object": "JSONExtractRaw(line, 'protoPayload', 'response')",
        "raw": "line",
    },
    f"multiIf(NOT isValidJSON(line), {NOT_JSON}, p.serviceName NOT IN ('k8s.io', ''), "
    "'an entry of another service: only k8s.io is the API server', p.methodName = '', "
    "'no protoPayload.methodName: not an audit entry', entry.insertId = '' AND (entry.operation).id = '', "
    "'no insertId and no operation.id', entry_time = toDateTime64(0, 6, 'UTC'), "
    "'timestamp is missing or not an RFC 3339 time', '')",
    rows=layered(
        records(_ITEMS, cluster="JSONExtractString(line, 'resource', 'labels', 'cluster_name')"),
        (
            {"entry": f"JSONExtract(line, '{_ENTRY}')"},
            {"p": "entry.protoPayload"},
            {
                "entry_time": "parseDateTime64BestEffortOrZero(entry.timestamp, 6, 'UTC')",
                "method": "splitByChar('.', p.methodName)",
                "ip": "(p.requestMetadata).callerIp",
                "itself": f"extractGroups(p.resourceName, {_NAMESPACE})",
            },
            {
                "object": "if(notEmpty(itself), ['core', itself[1], itself[2], 'namespaces', itself[2], itself[3]], "
                f"extractGroups(p.resourceName, {_PATH}))",
            },
        ),
    ),
)
