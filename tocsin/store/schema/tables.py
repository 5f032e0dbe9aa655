"""The tables of the columnar store, as values: dialects render them (`store/columns/ddl.py`).

Rows of events and logs are partitioned by the day they *arrived* and kept for a time after they arrived: a sender's
clock can then neither spread one batch over hundreds of partitions nor keep or destroy data. Event time is the sort
key, so a search over a time range still reads only that range.

Samples are partitioned and kept by their own time, as Prometheus keeps them: late ones are ordinary there (a sender
that caught up, a backfill). What bounds the partitions of one batch is that times outside the retention are refused.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, ClickHouse type, what it holds, and a codec or default where the usual ones are not best."""

    name: str
    type: str
    about: str
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A columnar table.

    Attributes:
        name, columns, about: As they say.
        order_by: The sort key.
        partition_by: An expression; rows of different partitions never merge.
        indexes: `INDEX` clauses.
        shard_by: What decides the shard in a cluster.
        ttl: The expression of the row's end of life, with `{security}`, `{operations}` and `{debug}` for
            seconds; empty: kept for ever.
        engine: What merges do with rows of one sort key: `MergeTree` keeps them all, `ReplacingMergeTree` the last
            one, `AggregatingMergeTree` folds them.
        version: The column by which `ReplacingMergeTree` tells the last row; by default the order of arrival.
        whole_parts: True if a part goes when all its rows have ended, False if single rows are to go.
    """

    name: str
    columns: tuple[Column, ...]
    about: str
    order_by: str
    partition_by: str = "toYYYYMMDD(ingested)"
    indexes: tuple[str, ...] = ()
    shard_by: str = "rand()"
    ttl: str = ""
    engine: str = "MergeTree"
    version: str = ""
    whole_parts: bool = True

    def column_names(self) -> list[str]:
        """Names in table order."""
        return [column.name for column in self.columns]


_LOW = "LowCardinality(String)"
_TIME = "DateTime64(6, 'UTC')"
_ZSTD = "CODEC(ZSTD(1))"
_DELTA = "CODEC(Delta, ZSTD(1))"

ORIGIN = (
    Column("writer", _LOW, "The writer that stored the row."),
    Column("batch", "UInt64", "Number of the writer's batch; stream rules read batches after their watermark.", _DELTA),
    Column("ingested", _TIME, "When the row arrived here.", _DELTA),
    Column("cluster", _LOW, "The cluster it comes from, as the receiver or sender named it."),
)
_BATCH_INDEX = "INDEX batch_range batch TYPE minmax GRANULARITY 1"

AUDIT = Table(
    "audit",
    (
        *ORIGIN,
        Column("source", _LOW, "How it came: the receiver, or what the file's group is called."),
        Column("time", _TIME, "`stageTimestamp`.", _DELTA),
        Column("received", _TIME, "`requestReceivedTimestamp`; minutes older for a long watch.", _DELTA),
        Column("level", _LOW, "`Metadata`, `Request` or `RequestResponse`: what the audit policy let through."),
        Column("audit_id", "String", "`auditID`; one request, up to two stages.", _ZSTD),
        Column("stage", _LOW, "`ResponseComplete` counts; 401s exist only at `ResponseStarted`."),
        Column("verb", _LOW, "`get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`..."),
        Column("user", _LOW, "`user.username`: who really called."),
        Column("user_uid", _LOW, "`user.uid`."),
        Column("groups", f"Array({_LOW})", "`user.groups`."),
        Column("credential_id", _LOW, "`user.extra`'s credential id, such as `JTI=...`."),
        Column("user_pod", _LOW, "`user.extra`'s pod name: the pod the token was bound to."),
        Column("user_node", _LOW, "`user.extra`'s node name."),
        Column("impersonated_user", _LOW, "`impersonatedUser.username`: who they acted as."),
        Column("impersonated_groups", f"Array({_LOW})", "`impersonatedUser.groups`."),
        Column("source_ips", f"Array({_LOW})", "`sourceIPs`; all but the last are client-controlled."),
        Column("source_ip", _LOW, "The last of `sourceIPs`: the real peer."),
        Column("user_agent", _LOW, "`userAgent`; client-controlled."),
        Column("request_uri", "String", "`requestURI`, percent-decoded.", _ZSTD),
        Column("api_group", _LOW, "`objectRef.apiGroup`; empty for core."),
        Column("api_version", _LOW, "`objectRef.apiVersion`."),
        Column("resource", _LOW, "`objectRef.resource`."),
        Column("subresource", _LOW, "`objectRef.subresource`: `exec`, `status`, `token`..."),
        Column("namespace", _LOW, "`objectRef.namespace`."),
        Column("name", "String", "`objectRef.name`.", _ZSTD),
        Column("code", "UInt16", "`responseStatus.code`; 101 for exec."),
        Column("status_reason", _LOW, "`responseStatus.reason`."),
        Column("status_message", "String", "`responseStatus.message`.", _ZSTD),
        Column("decision", _LOW, "`allow` or `forbid` (RBAC); a 403 with `allow` is admission's."),
        Column("decision_reason", _LOW, "The binding that allowed it."),
        Column("annotations", f"Map({_LOW}, String)", "`annotations`.", _ZSTD),
        Column("request_object", "String", "`requestObject` as JSON text; a patch's body is the patch.", _ZSTD),
        Column("response_object", "String", "`responseObject` as JSON text.", _ZSTD),
        Column("raw", "String", "The whole event as it arrived.", _ZSTD),
    ),
    "Kubernetes audit events (audit.k8s.io/v1), one row per (auditID, stage).",
    order_by="time",
    indexes=(
        _BATCH_INDEX,
        "INDEX audit_id_bloom audit_id TYPE bloom_filter(0.01) GRANULARITY 1",
        "INDEX raw_text raw TYPE text(tokenizer = 'splitByNonAlpha')",
    ),
    shard_by="sipHash64(audit_id)",
    ttl="toDateTime(ingested) + toIntervalSecond({security})",
)

LOGS = Table(
    "logs",
    (
        *ORIGIN,
        Column("time", _TIME, "When the line was written, by its own account; arrival time if it gives none.", _DELTA),
        Column("priority", _LOW, "Retention class: `security`, `operations` or `debug`.", "DEFAULT 'operations'"),
        Column("source", _LOW, "`pod`, `node`, `control-plane`, `kubernetes-event`, `falco`..."),
        Column("stream", f"Map({_LOW}, {_LOW})", "Stream labels: everything known of where the line comes from."),
        Column("namespace", _LOW, "Namespace of the pod, or of the object an event speaks of."),
        Column("pod", _LOW, "Pod name."),
        Column("container", _LOW, "Container name."),
        Column("node", _LOW, "Node name."),
        Column("app", _LOW, "Application or program: label `app`, syslog's program, klog's component."),
        Column("level", _LOW, "`critical`, `error`, `warning`, `info`, `debug`, or empty if the line shows none."),
        Column("line", "String", "The line.", _ZSTD),
        Column("fields", f"Map({_LOW}, String)", "Fields found in it (JSON, logfmt, klog), dotted paths.", _ZSTD),
    ),
    "Log lines of pods, nodes, the control plane and applications; Kubernetes Events; Falco alerts.",
    order_by="(source, namespace, app, time)",
    partition_by="(toYYYYMMDD(ingested), priority)",
    indexes=(
        _BATCH_INDEX,
        "INDEX time_range time TYPE minmax GRANULARITY 1",
        "INDEX line_text line TYPE text(tokenizer = 'splitByNonAlpha')",
    ),
    ttl="toDateTime(ingested) + toIntervalSecond(multiIf(priority = 'security', {security}, "
    "priority = 'debug', {debug}, {operations}))",
)

REJECTED = Table(
    "rejected",
    (
        *ORIGIN,
        Column("format", _LOW, "The format it was to be."),
        Column("source", _LOW, "Where it came from."),
        Column("reason", _LOW, "Why it was refused."),
        Column("line", "String", "What arrived, at most 64 KiB of it.", _ZSTD),
    ),
    "What could not be read, with the reason.",
    order_by="ingested",
    ttl="toDateTime(ingested) + toIntervalSecond({operations})",
)

BATCHES = Table(
    "batches",
    (
        *ORIGIN,
        Column("rows", "Map(LowCardinality(String), UInt64)", "Rows stored, by table."),
        Column("tokens", "Array(String)", "The senders' deduplication tokens in it."),
        Column("first_time", _TIME, "Earliest event time in it."),
        Column("last_time", _TIME, "Latest event time in it."),
    ),
    "One row per committed batch: written last, so what it names is complete.",
    order_by="(writer, batch)",
    ttl="toDateTime(ingested) + toIntervalSecond({operations})",
)

DETECTIONS = Table(
    "detections",
    (
        *ORIGIN,
        Column("rule_id", _LOW, "The rule's stable id."),
        Column("rule_version", _LOW, "Hash of the rule's content when it matched."),
        Column("title", _LOW, "The rule's title."),
        Column("severity", _LOW, "Sigma level."),
        Column("kind", _LOW, "`match`; `base` (only feeds a correlation); `correlation`."),
        Column("time", _TIME, "When the (latest) event happened.", _DELTA),
        Column("event_table", _LOW, "`audit` or `logs`."),
        Column(
            "event_id", "String", "Key of the match: an audit id, a log line's hash, or a correlation's key.", _ZSTD
        ),
        Column("event_ids", "Array(String)", "Ids of the events (audit ids), earliest first.", _ZSTD),
        Column("summary", "String", "One line for a person: who did what to what.", _ZSTD),
        Column("labels", f"Map({_LOW}, String)", "The alert's labels.", _ZSTD),
        Column("fields", f"Map({_LOW}, String)", "Fields that correlations group by or count.", _ZSTD),
        Column("techniques", f"Array({_LOW})", "ATT&CK ids."),
        Column("event", "String", "The event as it arrived, cut to 16 KiB; empty for `correlation`.", _ZSTD),
    ),
    "Every match of a stream rule: the evidence behind an alert, kept as long as security data.",
    order_by="(rule_id, time)",
    indexes=(_BATCH_INDEX, "INDEX event_id_bloom event_id TYPE bloom_filter(0.01) GRANULARITY 1"),
    shard_by="sipHash64(rule_id)",
    ttl="toDateTime(ingested) + toIntervalSecond({security})",
)

_MILLIS = "DateTime64(3, 'UTC')"
_LABELS = "Map(String, String)"
_SAMPLE_TIME = "CODEC(DoubleDelta, ZSTD(1))"
_SAMPLE_TTL = "toDateTime(time) + toIntervalSecond({operations})"

SERIES = Table(
    "series",
    (
        Column("name", _LOW, "The metric's name, which is the label `__name__`."),
        Column("id", "UInt64", "SipHash of the label pairs, sorted by name (`store/metrics.py`)."),
        Column("labels", f"SimpleAggregateFunction(any, {_LABELS})", "All labels, `__name__` included.", _ZSTD),
        Column("first_seen", f"SimpleAggregateFunction(min, {_MILLIS})", "No sample is older; a full hour.", _DELTA),
        Column("last_seen", f"SimpleAggregateFunction(max, {_MILLIS})", "All samples are older; a full hour.", _DELTA),
    ),
    "Time series: what has samples, and when. A series has a row for each hour of samples, until merges fold them.",
    order_by="(name, id)",
    partition_by="tuple()",
    shard_by="id",
    ttl="toDateTime(last_seen) + toIntervalSecond({operations})",
    engine="AggregatingMergeTree",
    whole_parts=False,
)

SAMPLES = Table(
    "samples",
    (
        Column("id", "UInt64", "The series.", _ZSTD),
        Column("time", _MILLIS, "When it was measured.", _SAMPLE_TIME),
        Column(
            "value", "Float64", "The value; the NaN 0x7ff0000000000002 marks a stale series.", "CODEC(Gorilla, ZSTD(1))"
        ),
    ),
    "Float samples. A repeated (id, time) replaces the earlier one when parts merge: readers must expect both.",
    order_by="(id, time)",
    partition_by="toYYYYMMDD(time)",
    shard_by="id",
    ttl=_SAMPLE_TTL,
    engine="ReplacingMergeTree",
)

EXEMPLARS = Table(
    "exemplars",
    (
        Column("id", "UInt64", "The series.", _ZSTD),
        Column("time", _MILLIS, "When it was measured.", _SAMPLE_TIME),
        Column("value", "Float64", "The measured value."),
        Column("labels", _LABELS, "The exemplar's own labels, such as `trace_id`.", _ZSTD),
    ),
    "Exemplars: single measurements behind a sample, with a trace id.",
    order_by="(id, time)",
    partition_by="toYYYYMMDD(time)",
    shard_by="id",
    ttl=_SAMPLE_TTL,
    engine="ReplacingMergeTree",
)

METRIC_METADATA = Table(
    "metric_metadata",
    (
        Column("name", _LOW, "The metric family's name."),
        Column(
            "type", _LOW, "`counter`, `gauge`, `histogram`, `gaugehistogram`, `summary`, `info`, `stateset`, `unknown`."
        ),
        Column("unit", _LOW, "Its unit."),
        Column("help", "String", "What it means.", _ZSTD),
        Column("seen", _MILLIS, "When it was last told, to a day.", _DELTA),
    ),
    "What senders and targets say of their metrics; senders that disagree have a row each.",
    order_by="(name, type, unit, help)",
    partition_by="tuple()",
    shard_by="sipHash64(name)",
    ttl="toDateTime(seen) + toIntervalSecond({operations})",
    engine="ReplacingMergeTree",
    version="seen",
    whole_parts=False,
)

METRIC_TABLES = (SERIES, SAMPLES, EXEMPLARS, METRIC_METADATA)

TABLES = {table.name: table for table in (AUDIT, LOGS, REJECTED, BATCHES, DETECTIONS, *METRIC_TABLES)}
