"""The tables of the columnar store, as values: dialects render them (`store/columns/ddl.py`).

Rows are partitioned by the day they *arrived* and kept for a time after they arrived: a sender's clock can then neither
spread one batch over hundreds of partitions nor keep or destroy data. Event time is the sort key, so a search over a
time range still reads only that range.
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
    """

    name: str
    columns: tuple[Column, ...]
    about: str
    order_by: str
    partition_by: str = "toYYYYMMDD(ingested)"
    indexes: tuple[str, ...] = ()
    shard_by: str = "rand()"
    ttl: str = ""

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

TABLES = {table.name: table for table in (AUDIT, LOGS, REJECTED, BATCHES, DETECTIONS)}
