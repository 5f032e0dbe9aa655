"""Prometheus remote write, read by the engine as Protobuf.

1.0: https://prometheus.io/docs/specs/prw/remote_write_spec/
2.0: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
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

# A request of 2.0 holds each text once, in `symbols`; labels are positions in it. The symbols of all requests of a
# batch become one constant array, which the engine indexes without copying: 480,000 references take 33 ms of CPU, where
# joining them takes 141 ms. `base` is where a request's own symbols begin in it.
_SYMBOLS = """
WITH (SELECT groupArray(delivery) FROM (SELECT delivery FROM {staged} ORDER BY delivery)) AS numbers,
    (SELECT groupArray(toUInt64(size)) FROM
        (SELECT length(symbols) AS size FROM {staged} ORDER BY delivery)) AS sizes,
    (SELECT groupArrayArray(symbols) FROM (SELECT symbols FROM {staged} ORDER BY delivery)) AS texts,
    arrayMap((total, size) -> total - size, arrayCumSum(sizes), sizes) AS bases
"""
_PAIRS = (
    "arrayMap(i -> (texts[base + {refs}[2 * i + 1] + 1], texts[base + {refs}[2 * i + 2] + 1]), "
    "range(intDiv(length({refs}), 2)))"
)

REMOTE_WRITE_V2 = MetricFormat(
    name="remote_write_v2",
    proto=schema("remote_write_v2"),
    message="Request",
    columns={
        "symbols": "Array(String)",
        "timeseries.labels_refs": "Array(Array(UInt32))",
        "timeseries.samples": "Array(Array(Tuple(value Float64, timestamp Int64)))",
        "timeseries.exemplars": "Array(Array(Tuple(labels_refs Array(UInt32), value Float64, timestamp Int64)))",
        "timeseries.histograms": "Array(Array(Tuple(timestamp Int64)))",
        "timeseries.metadata": "Array(Tuple(type Int32, help_ref UInt32, unit_ref UInt32))",
    },
    series=f"""
{_SYMBOLS}
SELECT delivery, {_PAIRS.format(refs="refs")} AS labels,
    arrayMap(s -> (s.timestamp, s.value), wire_samples) AS samples,
    arrayMap(e -> ({_PAIRS.format(refs="e.labels_refs")}, e.timestamp, e.value), wire_exemplars) AS exemplars,
    toUInt32(length(wire_histograms)) AS histograms,
    multiIf(
        length(refs) % 2 = 1, 'its list of label references has an odd length',
        arrayMax(refs) >= size OR arrayExists(e -> arrayMax(e.labels_refs) >= size, wire_exemplars),
            'a label refers to a symbol that is not there',
        '') AS problem
FROM (
    SELECT delivery, refs, wire_samples, wire_exemplars, wire_histograms,
        bases[indexOf(numbers, delivery)] AS base, sizes[indexOf(numbers, delivery)] AS size
    FROM {{staged}}
    ARRAY JOIN `timeseries.labels_refs` AS refs, `timeseries.samples` AS wire_samples,
        `timeseries.exemplars` AS wire_exemplars, `timeseries.histograms` AS wire_histograms
)
""",
    metadata=f"""
{_SYMBOLS}
SELECT if(kind IN ('histogram', 'gaugehistogram', 'summary'),
        replaceRegexpOne(metric, '_(bucket|count|sum)$', ''), metric) AS name, kind AS type, unit, help
FROM (
    SELECT DISTINCT bases[indexOf(numbers, delivery)] AS base,
        {_TYPES.format(type="m.type")} AS kind, texts[base + m.unit_ref + 1] AS unit,
        texts[base + m.help_ref + 1] AS help,
        texts[base + refs[indexOf(arrayMap(r -> texts[base + r + 1], refs), '__name__') + 1] + 1] AS metric
    FROM {{staged}} ARRAY JOIN `timeseries.labels_refs` AS refs, `timeseries.metadata` AS m
    WHERE m.type != 0 OR m.unit_ref != 0 OR m.help_ref != 0
)
""",
)
