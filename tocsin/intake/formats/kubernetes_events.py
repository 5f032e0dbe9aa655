"""Kubernetes Events (core/v1 and events.k8s.io/v1) as JSON objects: bare, as a watch sends them, or in an `EventList`.

Specification: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from __future__ import annotations

from tocsin.intake.formats.content import log_columns, log_format
from tocsin.intake.formats.expressions import literal
from tocsin.intake.formats.records import NOT_JSON, records

_OBJECT = "Tuple(kind String, namespace String, name String, uid String, apiVersion String, fieldPath String)"
_EVENT = (
    "Tuple(metadata Tuple(name String, namespace String, uid String, creationTimestamp String), "
    f"involvedObject {_OBJECT}, regarding {_OBJECT}, "
    "reason String, message String, note String, type String, action String, count String, "
    "source Tuple(component String, host String), deprecatedSource Tuple(component String, host String), "
    "reportingComponent String, reportingController String, reportingInstance String, "
    "series Tuple(count String, lastObservedTime String), "
    "firstTimestamp String, lastTimestamp String, deprecatedFirstTimestamp String, deprecatedLastTimestamp String, "
    "deprecatedCount String, eventTime String)"
)
# A watch wraps each event, a list has items; a resource's own `type` is Normal or Warning.
_ITEMS = (
    "multiIf(NOT isValidJSON(document), [document], JSONType(document, 'items') = 'Array', "
    "JSONExtractArrayRaw(document, 'items'), JSONType(document, 'object') = 'Object', "
    "[JSONExtractRaw(document, 'object')], [document])"
)
_CONTAINER = literal(r"^spec\.(?:initContainers|containers|ephemeralContainers)\{(.+)\}$")


def _either(*expressions: str) -> str:
    """The first of the expressions that is not empty."""
    return f"arrayFirst(v -> v != '', [{', '.join(expressions)}])"


_ABOUT = "if((e.regarding).kind != '' OR (e.regarding).name != '', e.regarding, e.involvedObject)"
_TIME = _either(
    "(e.series).lastObservedTime",
    "e.lastTimestamp",
    "e.deprecatedLastTimestamp",
    "e.eventTime",
    "(e.metadata).creationTimestamp",
)
_COUNT = _either("(e.series).count", "e.count", "e.deprecatedCount")
_COMPONENT = _either(
    "(e.source).component", "(e.deprecatedSource).component", "e.reportingComponent", "e.reportingController"
)
_HOST = _either("(e.source).host", "(e.deprecatedSource).host")

KUBERNETES_EVENTS = log_format(
    "kubernetes-events",
    "line",
    log_columns(
        source="'kubernetes-event'",
        time=f"parseDateTime64BestEffortOrNull({_TIME}, 6, 'UTC')",
        level="multiIf(e.type = 'Warning', 'warning', e.type = 'Normal', 'info', '')",
        pairs="[('reason', e.reason), ('message', said), ('type', e.type), ('kind', about.kind), "
        f"('name', about.name), ('uid', about.uid), ('apiVersion', about.apiVersion), "
        f"('fieldPath', about.fieldPath), ('count', {_COUNT}), "
        f"('action', e.action), ('component', {_COMPONENT}), ('instance', e.reportingInstance), "
        "('event', (e.metadata).name)]",
        labels={
            "namespace": "if(about.namespace != '', about.namespace, (e.metadata).namespace)",
            "pod": "if(about.kind = 'Pod', about.name, '')",
            "container": f"extract(about.fieldPath, {_CONTAINER})",
            "node": f"if(about.kind = 'Node', about.name, {_HOST})",
            "app": _COMPONENT,
        },
    ),
    layers=(
        {"e": f"JSONExtract(line, '{_EVENT}')"},
        {"about": _ABOUT, "said": "if(e.note != '', e.note, e.message)"},
    ),
    rows=records(_ITEMS),
    reject=f"multiIf(NOT isValidJSON(line), {NOT_JSON}, e.reason = '' AND said = '', "
    "'no reason and no message: not a Kubernetes Event', '')",
)
