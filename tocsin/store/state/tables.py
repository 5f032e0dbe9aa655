"""The state's tables as they are today; `migrations.py` says how a database gets there, and a test that both agree."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table, Text

from tocsin.model.alerts import Evidence, Notification
from tocsin.store.state.columns import FreeText, Json, UtcTime

metadata = MetaData()

# SQLite numbers rows by itself only for a column of exactly this type.
_SERIAL = BigInteger().with_variant(Integer, "sqlite")

schema = Table(
    "state_schema",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("applied_at", UtcTime, nullable=False),
)

# One row per episode of an alert; `latest` marks the current one.
alerts = Table(
    "alerts",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("episode", Integer, primary_key=True, autoincrement=False),
    Column("latest", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("rule_id", FreeText, nullable=False),
    Column("title", FreeText, nullable=False),
    Column("severity", Text, nullable=False),
    Column("labels", Json(dict[str, str]), nullable=False),
    Column("annotations", Json(dict[str, str]), nullable=False),
    Column("techniques", Json(tuple[str, ...]), nullable=False),
    Column("runbook_url", FreeText, nullable=False),
    Column("starts_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("last_event", UtcTime, nullable=False),
    Column("ends_at", UtcTime),
    # When the last match reached us, by our clock: the quiet period counts from here.
    Column("arrived_at", UtcTime, nullable=False),
    Column("resolves_at", UtcTime, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("evidence", Json(tuple[Evidence, ...]), nullable=False),
    Index("alerts_by_end", "status", "resolves_at"),
    Index("alerts_by_change", "updated_at"),
)

# What each destination was last told of each group.
notified = Table(
    "notified",
    metadata,
    Column("destination", FreeText, primary_key=True),
    Column("group_key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("episode", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("told_at", UtcTime, nullable=False),
    Column("repeat_at", UtcTime, nullable=False),
    Index("notified_by_group", "group_key"),
    Index("notified_by_repeat", "status", "repeat_at"),
)

# Messages, waiting and done. A message is kept as it was when it became due.
outbox = Table(
    "outbox",
    metadata,
    Column("id", _SERIAL, primary_key=True),
    Column("destination", FreeText, nullable=False),
    Column("receiver", FreeText, nullable=False),
    Column("kind", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    Column("attempts", Integer, nullable=False),
    # How many messages this one stands for: more than one in a digest.
    Column("stands_for", Integer, nullable=False),
    Column("merged_into", BigInteger),
    Column("answer", FreeText, nullable=False),
    Column("error", FreeText, nullable=False),
    Column("error_reason", Text, nullable=False),
    # Milliseconds from `created_at` to the destination's answer.
    Column("latency_ms", BigInteger),
    Column("notification", Json(Notification), nullable=False),
    Index("outbox_by_key", "idempotency_key", unique=True),
    Index("outbox_by_destination", "destination", "state", "id"),
    Index("outbox_by_group", "group_key", "id"),
    sqlite_autoincrement=True,
)

# Per writer, the last batch whose consequences are stored.
watermarks = Table(
    "watermarks",
    metadata,
    Column("writer", FreeText, primary_key=True),
    Column("batch", BigInteger, nullable=False),
    Column("advanced_at", UtcTime, nullable=False),
)

# Who may do what only one replica may do at a time.
leases = Table(
    "leases",
    metadata,
    Column("name", FreeText, primary_key=True),
    Column("holder", FreeText, nullable=False),
    Column("held_until", UtcTime, nullable=False),
)

# What became of each alert, in order.
history = Table(
    "history",
    metadata,
    Column("id", _SERIAL, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("episode", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("change", Text, nullable=False),
    Column("detail", FreeText, nullable=False),
    Index("history_by_alert", "fingerprint", "id"),
    sqlite_autoincrement=True,
)

# What people did, each entry sealed by a hash over itself and the one before.
trail = Table(
    "trail",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("actor", FreeText, nullable=False),
    Column("action", FreeText, nullable=False),
    Column("subject", FreeText, nullable=False),
    Column("detail", Json(dict[str, str]), nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
