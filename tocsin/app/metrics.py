"""Our own metrics, in one registry that `/metrics` shows; every name begins with `tocsin_`."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, PlatformCollector, ProcessCollector

from tocsin import __version__
from tocsin.model.alerts import Tick
from tocsin.store.committer import Committed

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Counts what happens; the rooms that do the work call its methods through hooks."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        Info("tocsin_build", "Version of the program.", registry=registry).info({"version": __version__})
        self._events = Counter("tocsin_events", "Rows stored, by table.", ["table"], registry=registry)
        self._bytes = Counter("tocsin_intake_bytes", "Bytes of payload stored.", registry=registry)
        self._batches = Counter("tocsin_batches", "Batches committed.", registry=registry)
        self._duplicates = Counter(
            "tocsin_duplicates", "Rows dropped because they were stored before.", registry=registry
        )
        self._commit = Histogram(
            "tocsin_commit_seconds", "Time to parse a batch and bring it to disk.", buckets=_SECONDS, registry=registry
        )
        self._evaluation = Histogram(
            "tocsin_rules_evaluation_seconds",
            "Time of one evaluation of all stream rules.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._matches = Counter(
            "tocsin_rule_matches", "Events that matched, by rule.", ["rule_id", "severity"], registry=registry
        )
        self._failures = Counter(
            "tocsin_task_failures", "Failures of background tasks, which were restarted.", ["task"], registry=registry
        )
        self._refused = Counter(
            "tocsin_requests_refused", "Requests refused, by reason.", ["reason"], registry=registry
        )
        self._reloads = Counter("tocsin_reloads", "Reloads of the settings.", ["outcome"], registry=registry)

    def gauge(self, name: str, about: str, read: Callable[[], float]) -> None:
        """Show the value of `read` at the time of each scrape."""
        Gauge(name, about, registry=self.registry).set_function(read)

    def committed(self, _number: int, done: Committed, size: int, seconds: float) -> None:
        """A batch is on disk."""
        self._batches.inc()
        self._bytes.inc(size)
        self._commit.observe(seconds)
        self._duplicates.inc(sum(receipt.duplicates for receipt in done.receipts))
        for table, rows in done.rows.items():
            self._events.labels(table).inc(rows)

    def evaluated(self, tick: Tick, seconds: float) -> None:
        """The stream rules were evaluated."""
        self._evaluation.observe(seconds)
        for signal in tick.signals:
            self._matches.labels(signal.rule_id, signal.severity).inc(signal.count)

    def refused(self, reason: str) -> None:
        """A request was refused: `unauthenticated` or `forbidden`."""
        self._refused.labels(reason).inc()

    def task_failed(self, task: str, _error: Exception) -> None:
        """A background task failed and will be restarted."""
        self._failures.labels(task).inc()

    def reloaded(self, outcome: str) -> None:
        """The settings were read again: `taken` or `refused`."""
        self._reloads.labels(outcome).inc()
