"""Falco's alerts as JSON objects (`json_output: true`, `http_output`, or falcosidekick's webhook).

Specification: https://falco.org/docs/concepts/outputs/channels/
"""

from __future__ import annotations

from tocsin.intake.formats.content import log_columns, log_format
from tocsin.intake.formats.records import NOT_JSON, records

_ALERT = "Tuple(rule String, priority String, output String, time String, source String, hostname String, uuid String)"
# Fields such as `proc.name` are rules' own words, so they stand without `output_fields.` before them.
_FIELDS = (
    "arrayConcat([('rule', a.rule), ('priority', a.priority), ('output', a.output), ('source', a.source), "
    "('tags', JSONExtractRaw(line, 'tags')), ('uuid', a.uuid)], "
    "arrayMap(p -> (p.1, multiIf(startsWith(p.2, '\"'), JSONExtractString(p.2), p.2 = 'null', '', p.2)), "
    "JSONExtractKeysAndValuesRaw(line, 'output_fields')))"
)

FALCO = log_format(
    "falco",
    "line",
    log_columns(
        source="'falco'",
        time="parseDateTime64BestEffortOrNull(a.time, 6, 'UTC')",
        level="multiIf(lower(a.priority) IN ('emergency', 'alert', 'critical'), 'critical', "
        "lower(a.priority) = 'error', 'error', lower(a.priority) = 'warning', 'warning', "
        "lower(a.priority) = 'debug', 'debug', 'info')",
        pairs="said",
        labels={
            "namespace": "known.1",
            "pod": "known.2",
            "container": "known.3",
            "node": "a.hostname",
            "app": "'falco'",
        },
        priority="security",
    ),
    layers=(
        {
            "a": f"JSONExtract(line, '{_ALERT}')",
            "known": "JSONExtract(line, 'output_fields', 'Tuple(`k8s.ns.name` String, `k8s.pod.name` String, "
            "`container.name` String)')",
        },
        {"said": _FIELDS},
    ),
    rows=records(),
    reject=f"multiIf(NOT isValidJSON(line), {NOT_JSON}, a.rule = '', 'no rule: not a Falco alert', '')",
)
