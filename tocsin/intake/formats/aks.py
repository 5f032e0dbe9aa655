"""Audit events of AKS from Azure Monitor's diagnostic records (categories `kube-audit` and `kube-audit-admin`).

Taken as Event Hubs and storage accounts give them (`{"records":[...]}` or a record a line, the event as text in
`properties.log`) and as Log Analytics exports them (`log_s`).
Specification: https://learn.microsoft.com/azure/aks/monitor-aks-reference
"""

from __future__ import annotations

from tocsin.intake.formats.expressions import literal
from tocsin.intake.formats.records import NOT_JSON, records
from tocsin.intake.formats.wrapped_audit import wrapped_audit

_ITEMS = "if(JSONType(document, 'records') = 'Array', JSONExtractArrayRaw(document, 'records'), [document])"
_CLUSTER = literal(r"(?i)/managedclusters/([^/]+)")
_RESOURCE = "coalesce(nullIf(JSONExtractString(line, 'resourceId'), ''), JSONExtractString(line, 'ResourceId'))"
# Some agents deliver `properties` as text, too.
_PROPERTIES = (
    "if(JSONType(line, 'properties') = 'String', JSONExtractString(line, 'properties'), "
    "JSONExtractRaw(line, 'properties'))"
)

AKS = wrapped_audit(
    "aks",
    rows=records(_ITEMS, cluster=f"lower(extract({_RESOURCE}, {_CLUSTER}))"),
    layers=(
        {
            "category": "if(JSONHas(line, 'category'), JSONExtractString(line, 'category'), "
            "JSONExtractString(line, 'Category'))",
            "properties": _PROPERTIES,
        },
    ),
    event="multiIf(JSONHas(line, 'log_s'), JSONExtractString(line, 'log_s'), JSONExtractString(properties, 'log'))",
    time="coalesce(nullIf(JSONExtractString(line, 'time'), ''), JSONExtractString(line, 'TimeGenerated'))",
    refuse=f"NOT isValidJSON(line), {NOT_JSON}, "
    "category NOT IN ('kube-audit', 'kube-audit-admin'), 'not a record of category kube-audit or kube-audit-admin', "
    "found = '', 'a record without properties.log', ",
)
