"""Prometheus remote write, read by the engine as Protobuf.

1.0: https://prometheus.io/docs/specs/prw/remote_write_spec/
"""

from __future__ import annotations

from tocsin.intake.proto import schema
from tocsin.store.metrics import MetricFormat

_LABEL = "Tuple(name String, value String)"
_TYPES = (
    "transform({type}, [1, 2, 3, 4, 5, 6, 7], "
    "['counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset'], 'unknown')"
)

REMOTE_WRITE_V1 = MetricFormat(
    name="remote_write_v1",
    proto=schema("remote_write_v1"),
    message="WriteRequest",
    columns={
        "timeseries.labels": f"Array(Array({_LABEL}))",
        "timeseries.samples": "Array(Array(Tuple(value Float64, timestamp Int64)))",
        "timeseries.exemplars": f"Array(Array(Tuple(labels Array({_LABEL}), value Float64, timestamp Int64)))",
        "timeseries.histograms": "Array(Array(Tuple(timestamp Int64)))",
        "metadata": "Array(Tuple(type Int32, metric_family_name String, help String, unit String))",
    },
    series="""
SELECT delivery, CAST(wire_labels, 'Array(Tuple(String, String))') AS labels,
    arrayMap(s -> (s.timestamp, s.value), wire_samples) AS samples,
    arrayMap(e -> (CAST(e.labels, 'Array(Tuple(String, String))'), e.timestamp, e.value), wire_exemplars) AS exemplars,
    toUInt32(length(wire_histograms)) AS histograms, '' AS problem
FROM {staged}
ARRAY JOIN `timeseries.labels` AS wire_labels, `timeseries.samples` AS wire_samples,
    `timeseries.exemplars` AS wire_exemplars, `timeseries.histograms` AS wire_histograms
""",
    metadata=f"""
SELECT m.metric_family_name AS name, {_TYPES.format(type="m.type")} AS type, m.unit AS unit, m.help AS help
FROM {{staged}} ARRAY JOIN metadata AS m
""",
)
