"""Puts a Tocsin together: the only file that names concrete classes and says who talks to whom."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.routing import BaseRoute

from tocsin.alerting.destinations import Receivers
from tocsin.alerting.metrics import DeliveryMetrics
from tocsin.alerting.outbox import OutboxSender
from tocsin.alerting.pipeline import AlertPipeline
from tocsin.alerting.routing import Routing
from tocsin.api.app import build_app
from tocsin.api.auth import Authenticator
from tocsin.api.services import Life, Services
from tocsin.api.work import Workers
from tocsin.app import meta
from tocsin.app.detection import DetectionLoop, Heads, Seams
from tocsin.app.metrics import Metrics
from tocsin.app.settings import Settings
from tocsin.intake.collectors.files import FileCollector
from tocsin.intake.collectors.positions import FilePositions
from tocsin.intake.receivers import kubernetes_audit, lines
from tocsin.kit.clock import Clock
from tocsin.kit.resources import packs_directory
from tocsin.notify.guard import Guard, guarded_client
from tocsin.notify.table import make_receiver
from tocsin.rules.book import RuleBook
from tocsin.rules.detector import Detector
from tocsin.rules.loading import load
from tocsin.rules.ranges import committed
from tocsin.store.base import Budget, Columns
from tocsin.store.columns.cluster import ClusterColumns
from tocsin.store.columns.ddl import Cluster, Dialect, Embedded
from tocsin.store.columns.embedded import EmbeddedColumns
from tocsin.store.columns.migrate import migrate, set_retention
from tocsin.store.disk import DiskGuard, free_bytes
from tocsin.store.settings import StoreSettings
from tocsin.store.state.engine import State
from tocsin.store.state.migrations import migrate as upgrade
from tocsin.store.writer import Writer, WriterHooks

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Current:
    """What a reload replaces; everything reads it at the moment of use.

    Attributes:
        settings: The settings in force.
        book: The rules in force.
        detector: Evaluates them.
        receivers: The notifiers of every receiver, by name.
        routing: The routes in force.
        sender: Sends to them.
        http: The client that they share.
        trouble: Why the rules' evaluation failed last; empty if it did not.
    """

    settings: Settings
    book: RuleBook
    detector: Detector
    receivers: Receivers
    routing: Routing
    sender: OutboxSender
    http: httpx.AsyncClient
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Tocsin:
    """All the parts of a process, made but not started; `lifecycle.py` starts and stops them."""

    current: Current
    base: Path
    clock: Clock
    metrics: Metrics
    columns: Columns
    state: State
    writer: Writer
    disk: DiskGuard
    pipeline: AlertPipeline
    make_sender: Callable[[Settings, Receivers], OutboxSender]
    loop: DetectionLoop
    collector: FileCollector
    watch: meta.Watch
    authenticator: Authenticator
    workers: Workers
    services: Services
    app: FastAPI


def open_columns(settings: StoreSettings, data: Path) -> Columns:
    """Open the columnar store, bring it to this version's schema, and set retention."""
    columns: Columns
    dialect: Dialect
    if settings.cluster is None:
        columns, dialect = EmbeddedColumns(data / "columns"), Embedded()
    else:
        columns = ClusterColumns(settings.cluster)
        dialect = Cluster(settings.cluster.name, settings.cluster.database)
    migrate(columns, dialect)
    set_retention(columns, dialect, settings.retention.seconds())
    return columns


def make_receivers(settings: Settings, http: httpx.AsyncClient) -> Receivers:
    """Return the notifiers of every receiver. Raises SettingsError."""
    guard = Guard(settings.allow_private_destinations)
    return {
        receiver.name: make_receiver(receiver, http, guard, f"receivers[{number}]")
        for number, receiver in enumerate(settings.receivers)
    }


def make_http(settings: Settings) -> httpx.AsyncClient:
    """Return the client that all HTTP destinations share."""
    return guarded_client(Guard(settings.allow_private_destinations))


def external_url(settings: Settings) -> str:
    """Return the base address for links, without a trailing slash: the one given, or where we listen."""
    host, _, port = settings.listen.rpartition(":")
    listening = "" if host in {"0.0.0.0", "[::]", ""} else f"http://{host}:{port}"  # noqa: S104 - compared, not bound to
    return (settings.external_url or listening).rstrip("/")


def make_routing(settings: Settings, receivers: Receivers) -> Routing:
    """Return the routes in force. Raises SettingsError, also for a receiver that does not exist."""
    return Routing(settings.alerting, receivers)


def build(
    settings: Settings,
    clock: Clock,
    base: Path,
    reload: Callable[[], Any],
    unready: Callable[[], Sequence[str]],
    lifespan: Any = None,
) -> Tocsin:
    """Make all parts. Nothing runs yet.

    This is one straight function on purpose: each part needs earlier ones, and here is where to see which.

    Args:
        settings: The settings.
        clock: The time.
        base: Directory that relative rule paths start from.
        reload: Reads the settings again.
        unready: Reasons why requests cannot be served.
        lifespan: Run around the HTTP application's life.

    Raises:
        SettingsError: Something in the settings is wrong.
        StoreFailed: A store cannot be opened.
    """
    data = Path(settings.data)
    data.mkdir(parents=True, exist_ok=True)
    metrics = Metrics()
    http = make_http(settings)
    receivers = make_receivers(settings, http)
    routing = make_routing(settings, receivers)
    authenticator = Authenticator(settings.auth, settings.web, clock)
    book = load(settings.rules, base)

    columns = open_columns(settings.store, data)
    state = State(settings.store.state_url or f"sqlite:///{(data / 'state.db').absolute()}")
    upgrade(state, clock.now())
    disk = DiskGuard(data, settings.store.disk_reserve, clock)
    writer = Writer(columns, settings.store.writer, clock, WriterHooks(metrics.committed, disk.admit))

    def wake() -> None:
        current.sender.wake()

    pipeline = AlertPipeline(state, routing, external_url(settings), wake)
    delivery = DeliveryMetrics(metrics.registry)

    def make_sender(settings: Settings, receivers: Receivers) -> OutboxSender:
        return OutboxSender(
            state,
            receivers,
            clock,
            settings.alerting.delivery,
            report=pipeline.report,
            holder=settings.store.writer.name,
            metrics=delivery,
        )

    current = Current(
        settings=settings,
        book=book,
        detector=make_detector(columns, settings, book),
        receivers=receivers,
        routing=routing,
        sender=make_sender(settings, receivers),
        http=http,
    )

    alone = settings.store.cluster is None

    def heads(seen: Mapping[str, int]) -> Heads:
        last = writer.committed
        if alone and seen.get(writer.name, 0) >= last:
            return Heads({})
        upto = committed(columns, seen, current.settings.rules.rows_per_tick)
        return Heads(upto, all=upto.get(writer.name, last) >= last)

    loop = DetectionLoop(
        Seams(
            heads=heads,
            watermarks=pipeline.watermarks,
            evaluate=lambda: current.detector.evaluate,
            accept=pipeline.accept,
            evaluated=metrics.evaluated,
            wake=wake,
        ),
        clock,
        settings.rules.tick.total_seconds(),
    )
    collector = FileCollector(
        settings.intake.files, writer, FilePositions(data / "positions.json"), clock, cluster=settings.cluster
    )
    watch = meta.Watch(
        (
            meta.storage_full(lambda: disk.full),
            meta.rules_failing(lambda: current.trouble),
            meta.rule_errors(lambda: [str(error) for error in current.book.errors]),
        )
    )
    workers = Workers(settings.web.query_workers, settings.web.query_queue)
    services = Services(
        columns=columns,
        state=state,
        clock=clock,
        workers=workers,
        authenticator=authenticator,
        book=lambda: current.book,
        receivers=lambda: current.receivers,
        routing=lambda: current.routing,
        life=Life(unready=unready, details=lambda: _details(writer, disk, data), reload=reload),
        registry=metrics.registry,
        budget=Budget(
            settings.store.query_memory, settings.store.query_rows, settings.store.query_time.total_seconds()
        ),
        max_rows=settings.web.max_rows,
        runbooks=(packs_directory() / "runbooks",),
        external_url=external_url(settings),
        wake=wake,
    )
    routes: list[BaseRoute] = [
        *kubernetes_audit.routes(writer, settings.intake, clock, settings.cluster),
        *lines.routes(writer, settings.intake, clock, settings.cluster),
    ]
    app = build_app(services, settings.web, routes, lifespan=lifespan, refused=metrics.refused)
    _gauges(metrics, writer, disk, data, loop)
    metrics.gauge("tocsin_files_followed", "Files that are followed.", lambda: collector.followed)
    metrics.gauge("tocsin_files_unread_bytes", "Bytes in them that are not stored yet.", lambda: collector.unread)
    metrics.gauge("tocsin_files_troubled", "Files that cannot be read.", lambda: collector.troubled)
    return Tocsin(
        current,
        base,
        clock,
        metrics,
        columns,
        state,
        writer,
        disk,
        pipeline,
        make_sender,
        loop,
        collector,
        watch,
        authenticator,
        workers,
        services,
        app,
    )


def make_detector(columns: Columns, settings: Settings, book: RuleBook) -> Detector:
    """Return what evaluates `book`."""
    return Detector(columns, book, label_sets=settings.rules.label_sets)


def _details(writer: Writer, disk: DiskGuard, data: Path) -> dict[str, Any]:
    deliveries, size = writer.waiting
    return {
        "queue": {"deliveries": deliveries, "bytes": size},
        "disk": {"free": free_bytes(data), "full": disk.full},
        "writer": {"name": writer.name, "batch": writer.committed},
    }


def _gauges(metrics: Metrics, writer: Writer, disk: DiskGuard, data: Path, loop: DetectionLoop) -> None:
    metrics.gauge("tocsin_intake_queue_deliveries", "Deliveries that wait to be stored.", lambda: writer.waiting[0])
    metrics.gauge("tocsin_intake_queue_bytes", "Their bytes.", lambda: writer.waiting[1])
    metrics.gauge("tocsin_disk_free_bytes", "Free space for the data directory.", lambda: free_bytes(data))
    metrics.gauge("tocsin_disk_full", "1 while intake is refused for want of space.", lambda: float(disk.full))
    metrics.gauge(
        "tocsin_rules_lag_batches",
        "Committed batches that rules have not seen yet.",
        lambda: writer.committed - loop.seen.get(writer.name, 0),
    )
