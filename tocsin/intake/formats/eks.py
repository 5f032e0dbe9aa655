"""Audit events of EKS from CloudWatch Logs, in any of the shapes they leave it.

Subscriptions (`logEvents`), `filter-log-events` and `get-log-events` output (`events`, or its entries one a line),
`aws logs tail` and S3 exports (a time before the event), and bare events.
Specification: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilteredLogEvent.html
"""

from __future__ import annotations

from tocsin.intake.formats.expressions import literal
from tocsin.intake.formats.records import NOT_JSON, records
from tocsin.intake.formats.wrapped_audit import wrapped_audit

_BARE = literal(r'^[^{]{0,200}\{"kind":"Event","apiVersion":"audit\.k8s\.io/')
_PREFIX = literal(r"^\d{4}-\d\d-\d\dT\S+ +(?:\S+ +)?\{")
_BEFORE = literal(r"^(\d{4}-\d\d-\d\dT\S+)")
_CLUSTER = literal(r"^/aws/eks/([^/]+)/cluster$")

# A control message asks whether we are there; it holds no data.
_ITEMS = (
    f"multiIf(match(document, {_BARE}), [document], "
    "JSONType(document, 'logEvents') = 'Array', if(JSONExtractString(document, 'messageType') = 'CONTROL_MESSAGE', "
    "emptyArrayString(), JSONExtractArrayRaw(document, 'logEvents')), "
    "JSONType(document, 'events') = 'Array', JSONExtractArrayRaw(document, 'events'), [document])"
)
_MILLIS = "JSONExtractUInt(line, 'timestamp')"
_ENTRY_TIME = (
    f"multiIf({_MILLIS} > 0, formatDateTime(fromUnixTimestamp64Milli(toInt64({_MILLIS} % 10000000000000), 'UTC'), "
    f"'%Y-%m-%dT%H:%i:%S.%fZ'), extract(line, {_BEFORE}))"
)

EKS = wrapped_audit(
    "eks",
    rows=records(
        _ITEMS,
        cluster=f"if(match(document, {_BARE}), '', extract(JSONExtractString(document, 'logGroup'), {_CLUSTER}))",
    ),
    layers=(
        {"bare": f"match(line, {_BARE})"},
        {"wrapper": "NOT bare AND JSONHas(line, 'message') AND NOT JSONHas(line, 'auditID')"},
    ),
    event="if(wrapper, JSONExtractString(line, 'message'), "
    f"if(match(line, {_PREFIX}), substring(line, position(line, '{{')), line))",
    time=_ENTRY_TIME,
    refuse=f"NOT wrapper AND startsWith(line, '{{') AND NOT isValidJSON(event), {NOT_JSON}, "
    "NOT startsWith(found, '{'), 'a message of another log stream: only kube-apiserver-audit holds audit events', ",
)
