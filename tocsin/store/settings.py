"""Settings of the store."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from tocsin.kit.units import ByteSize, Duration


class ClusterSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A ClickHouse cluster instead of the embedded engine."""

    url: Annotated[str, Meta(description="Address of one of its servers, such as `https://clickhouse:8443`.")]
    name: Annotated[str, Meta(description="The cluster's name in the servers' configuration.")]
    database: Annotated[str, Meta(description="Database for Tocsin's tables; made if missing.")] = "tocsin"
    user: Annotated[str, Meta(description="User name.")] = "default"
    password: Annotated[str, Meta(description="Password.")] = ""
    password_file: Annotated[str, Meta(description="File that holds the password.")] = ""
    ca_file: Annotated[str, Meta(description="Certificate authority to trust; the system's by default.")] = ""


class RetentionSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """How long rows are kept after they arrived, by priority class."""

    security: Annotated[Duration, Meta(description="Audit events, Falco alerts, detections.")] = Duration(days=400)
    operations: Annotated[Duration, Meta(description="Pod, node and application logs, rejected lines.")] = Duration(
        days=30
    )
    debug: Annotated[Duration, Meta(description="Lines at level debug or trace.")] = Duration(days=3)

    def seconds(self) -> dict[str, int]:
        """Seconds by priority class."""
        return {name: int(getattr(self, name).total_seconds()) for name in ("security", "operations", "debug")}


class WriterSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """How deliveries are gathered into batches."""

    name: Annotated[str, Meta(description="This writer's name; replicas that share a store need one each.")] = "local"
    batch_bytes: Annotated[ByteSize, Meta(description="A batch is closed at this size.")] = ByteSize(16 << 20)
    linger: Annotated[Duration, Meta(description="How long a batch under 4 MiB waits for company.")] = Duration(
        milliseconds=50
    )
    pause: Annotated[
        Duration,
        Meta(description="Small batches begin at least this far apart: one line costs nearly as much as thousands."),
    ] = Duration(milliseconds=250)
    queue_bytes: Annotated[
        ByteSize, Meta(description="Deliveries waiting beyond this are refused with 429 and Retry-After.")
    ] = ByteSize(128 << 20)
    queue_deliveries: Annotated[int, Meta(description="The same, by their number.", ge=1)] = 20_000


class StoreSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Where things are kept and for how long."""

    cluster: Annotated[
        ClusterSettings | None, Meta(description="A ClickHouse cluster; the embedded engine if left out.")
    ] = None
    state_url: Annotated[
        str,
        Meta(description="`postgresql+psycopg://user@host/db` for several replicas; by default SQLite."),
    ] = ""
    state_url_file: Annotated[str, Meta(description="File that holds `state_url`.")] = ""
    retention: Annotated[RetentionSettings, Meta(description="How long rows are kept.")] = RetentionSettings()
    writer: Annotated[WriterSettings, Meta(description="Group commit.")] = WriterSettings()
    disk_reserve: Annotated[
        ByteSize, Meta(description="Intake is refused while less than this is free on the data directory's disk.")
    ] = ByteSize(1 << 30)
    query_memory: Annotated[ByteSize, Meta(description="Memory that one query may use.")] = ByteSize(1 << 30)
    query_rows: Annotated[int, Meta(description="Rows that one query may read; 0 means no limit.", ge=0)] = 0
    query_time: Annotated[Duration, Meta(description="How long one query may run.")] = Duration(seconds=30)
