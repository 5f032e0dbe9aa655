"""The alert pipeline: what the rules found goes in, alerts and due messages come out, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import reduce

from sqlalchemy import Connection

from tocsin.alerting.folding import is_over
from tocsin.alerting.routing import Routing
from tocsin.alerting.stages import (
    Batch,
    Stage,
    deciding,
    folding,
    queueing,
    recording,
    reminding,
    resolving,
)
from tocsin.model.alerts import Signal, Tick
from tocsin.store.state import alerts, notified, watermarks
from tocsin.store.state.engine import State


def _nobody() -> None:
    """Nobody waits for messages."""


class AlertPipeline:
    """Folds signals into alerts and puts the messages that are due into the outbox.

    Its methods block and are called from worker threads, one tick at a time per process; several replicas may call at
    once.

    Args:
        state: Where alerts, outbox and watermarks are kept.
        routing: The routes in force.
        external_url: Base address of the UI, for links in messages; empty if unknown.
        on_queued: Called, in the calling thread, after new messages were stored: `OutboxSender.wake`.
    """

    def __init__(
        self, state: State, routing: Routing, external_url: str = "", on_queued: Callable[[], None] = _nobody
    ) -> None:
        self._state = state
        self._routing = routing
        self._external_url = external_url.rstrip("/")
        self._on_queued = on_queued
        self._watching_since: datetime | None = None

    def use(self, routing: Routing, external_url: str) -> None:
        """Go on with other settings, from the next tick on."""
        self._routing, self._external_url = routing, external_url.rstrip("/")

    def accept(self, tick: Tick) -> bool:
        """Store the consequences of one evaluation and its watermarks.

        A tick that was stored before (repeated after a crash) changes nothing; its watermarks tell. A tick without
        watermarks, which is about Tocsin itself, is always taken.

        Returns:
            Whether the tick was taken.

        Raises:
            StoreFailed: The state database failed, and nothing was stored: repeat the tick.
        """
        self._watch(tick.at)
        if not tick.signals and not tick.watermarks:
            return True
        with self._state.write() as connection:
            if tick.watermarks and not watermarks.advance(connection, tick.watermarks, tick.at):
                return False
            done = self._run(connection, Batch(tick.at, tick.signals), self._stages(folding))
        self._announce(done)
        return True

    def report(self, connection: Connection, signals: Sequence[Signal], now: datetime) -> None:
        """Take signals about Tocsin itself within a transaction that is already open for writing.

        The caller sees to it that the sender is woken after the transaction.
        """
        self._watch(now)
        self._run(connection, Batch(now, tuple(signals)), self._stages(folding))

    def sweep(self, now: datetime) -> None:
        """Resolve the alerts that have been quiet, and repeat the messages that are due again.

        Called every second or so, but not while evaluation fails or lags: silence of a rule that does not run is no
        all-clear.

        Raises:
            StoreFailed: The state database failed, and nothing was stored.
        """
        watching_since = self._watch(now)
        if not self._anything_due(watching_since, now):
            return
        with self._state.write() as connection:
            done = self._run(connection, Batch(now), self._stages(resolving(watching_since), reminding))
        self._announce(done)

    def watermarks(self) -> dict[str, int]:
        """Per writer, the last batch whose consequences are stored: where evaluation goes on after a start."""
        with self._state.read() as connection:
            return watermarks.read(connection)

    def _stages(self, *first: Stage) -> tuple[Stage, ...]:
        return (*first, recording, deciding(self._routing, self._external_url), queueing)

    @staticmethod
    def _run(connection: Connection, batch: Batch, stages: Sequence[Stage]) -> Batch:
        return reduce(lambda handed, stage: stage(connection, handed), stages, batch)

    def _anything_due(self, watching_since: datetime, now: datetime) -> bool:
        with self._state.read() as connection:
            if notified.repeats_due(connection, now):
                return True
            return any(is_over(each, watching_since, now) for each in alerts.overdue(connection, now))

    def _watch(self, now: datetime) -> datetime:
        if self._watching_since is None:
            self._watching_since = now
        return self._watching_since

    def _announce(self, done: Batch) -> None:
        if done.messages:
            self._on_queued()
