"""Where the fields of an audit event are kept: paths as audit.k8s.io/v1 writes them, to columns of the `audit` table.

Every other path is read out of `request_object`, `response_object` or `raw`. The query languages share this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

AUDIT_PATHS: Mapping[str, str] = MappingProxyType(
    {
        "stageTimestamp": "time",
        "requestReceivedTimestamp": "received",
        "level": "level",
        "auditID": "audit_id",
        "stage": "stage",
        "verb": "verb",
        "user.username": "user",
        "user.uid": "user_uid",
        "user.groups": "groups",
        "user.extra.authentication.kubernetes.io/credential-id": "credential_id",
        "user.extra.authentication.kubernetes.io/pod-name": "user_pod",
        "user.extra.authentication.kubernetes.io/node-name": "user_node",
        "impersonatedUser.username": "impersonated_user",
        "impersonatedUser.groups": "impersonated_groups",
        "sourceIPs": "source_ips",
        "sourceIP": "source_ip",
        "userAgent": "user_agent",
        "requestURI": "request_uri",
        "objectRef.apiGroup": "api_group",
        "objectRef.apiVersion": "api_version",
        "objectRef.resource": "resource",
        "objectRef.subresource": "subresource",
        "objectRef.namespace": "namespace",
        "objectRef.name": "name",
        "responseStatus.code": "code",
        "responseStatus.reason": "status_reason",
        "responseStatus.message": "status_message",
        "annotations.authorization.k8s.io/decision": "decision",
        "annotations.authorization.k8s.io/reason": "decision_reason",
    }
)

AUDIT_ROOTS = frozenset(
    {
        "annotations",
        "apiVersion",
        "auditID",
        "authenticationMetadata",
        "impersonatedUser",
        "kind",
        "level",
        "objectRef",
        "requestObject",
        "requestReceivedTimestamp",
        "requestURI",
        "responseObject",
        "responseStatus",
        "sourceIPs",
        "stage",
        "stageTimestamp",
        "user",
        "userAgent",
        "verb",
    }
)
"""The top-level names of an audit.k8s.io/v1 event: a path that starts with none of them is a misspelling."""

OPEN_MAPS = ("annotations", "user.extra", "impersonatedUser.extra")
"""Objects of an event whose keys hold dots themselves: what follows them in a path is one key."""
