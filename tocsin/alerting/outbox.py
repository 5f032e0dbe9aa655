"""Sends what is in the outbox: in order for each alert, destinations side by side, again until it is taken.

A message is sent at least once. After a crash between the destination's answer and our note of it, it is sent again
with the same idempotency key, by which the destination can tell (PagerDuty's `dedup_key`, a webhook's header).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from prometheus_client import CollectorRegistry
from sqlalchemy import Connection

from tocsin.alerting.delivery import backoff, judge
from tocsin.alerting.destinations import Destination, Receivers, destinations
from tocsin.alerting.digest import digest
from tocsin.alerting.meta import notification_failed
from tocsin.alerting.metrics import DeliveryMetrics
from tocsin.alerting.settings import DeliverySettings
from tocsin.kit.clock import Clock
from tocsin.kit.tasks import supervise
from tocsin.kit.waiting import signalled, within
from tocsin.model.alerts import Notification, Signal
from tocsin.model.errors import DeliveryFailed, StorageFull, StoreFailed
from tocsin.notify.base import Notifier
from tocsin.store.state import leases, outbox
from tocsin.store.state.engine import State
from tocsin.store.state.outbox import Message

log = logging.getLogger(__name__)

T = TypeVar("T")

_TIDY = 60.0
"""Seconds between looks for messages to destinations that are gone."""

_LEASE_MARGIN = timedelta(seconds=30)
"""A lease outlives the longest attempt by this."""


class Report(Protocol):
    """Takes signals about Tocsin itself within an open transaction: `AlertPipeline.report`."""

    def __call__(self, connection: Connection, signals: Sequence[Signal], now: datetime) -> None:
        """Store the consequences of the signals."""
        ...


class Blocking(Protocol):
    """Runs a function that blocks, away from the event loop."""

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        """Return what `work` returns."""
        ...


async def in_thread(work: Callable[[], T]) -> T:
    """Run `work` in a worker thread."""
    return await asyncio.to_thread(work)


class OutboxSender:
    """Sends the messages of all destinations.

    Args:
        state: Where the outbox is.
        receivers: Receiver name to its destinations, in the order of the settings.
        clock: The time.
        settings: How stubbornly to deliver.
        report: Where to report that messages do not get through.
        holder: This process's name among the replicas; the same one after a restart, so that it need not wait for its
            own lease to end. The writer's name will do.
        metrics: Where to count; a sender that follows another after a reload goes on with its metrics.
        blocking: How to run the blocking calls to the state.
    """

    def __init__(
        self,
        state: State,
        receivers: Receivers,
        clock: Clock,
        settings: DeliverySettings | None = None,
        *,
        report: Report,
        holder: str = "local",
        metrics: DeliveryMetrics | None = None,
        blocking: Blocking = in_thread,
    ) -> None:
        settings = settings or DeliverySettings()
        metrics = metrics or DeliveryMetrics(CollectorRegistry())
        self._state, self._clock, self._blocking, self._holder = state, clock, blocking, holder
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._office = _Office(state, settings, report, holder, metrics, clock)
        self._workers = [
            _Worker(self._office, destination, notifier, settings, self._stopping, blocking, self.wake)
            for destination, notifier in destinations(receivers).items()
        ]

    async def run(self) -> None:
        """Send until `stop` is called. A failing destination or state database is tried again, for ever."""
        self._loop = asyncio.get_running_loop()
        tasks = [
            asyncio.create_task(supervise(f"sending to {worker.name}", worker.run, self._clock))
            for worker in self._workers
        ]
        tasks.append(asyncio.create_task(supervise("tidying the outbox", self._tidy, self._clock)))
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._loop = None
            await self._blocking(self._office.leave)

    def wake(self) -> None:
        """Tell the sender that there are new messages. May be called from any thread, at any time."""
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._ring)
        except RuntimeError:
            # The loop was closed meanwhile: nobody is left to be woken, and the messages are in the outbox.
            log.debug("the sender has ended; new messages wait for the next start")

    def stop(self) -> None:
        """Begin no further message; `run` returns when those being sent are answered or timed out."""
        self._stopping.set()
        self._ring()

    def _ring(self) -> None:
        for worker in self._workers:
            worker.bell.set()

    async def _tidy(self) -> None:
        known = [worker.name for worker in self._workers]
        while not await signalled(self._stopping, self._clock, _TIDY):
            if await self._blocking(lambda: self._office.drop_orphans(known)):
                self._ring()


class _Worker:
    """Sends the messages of one destination, one at a time.

    Messages of one alert keep their order. One that fails waits, and lets those of other alerts pass; but while the
    destination fails altogether, the pauses between attempts grow, whichever message it is.
    """

    def __init__(
        self,
        office: _Office,
        destination: Destination,
        notifier: Notifier,
        settings: DeliverySettings,
        stopping: asyncio.Event,
        blocking: Blocking,
        wake: Callable[[], None],
    ) -> None:
        self.name = destination.name
        self.bell = asyncio.Event()
        self._office, self._notifier, self._stopping, self._blocking = office, notifier, stopping, blocking
        self._wake = wake
        self._timeout = settings.timeout.total_seconds()
        self._backoff = backoff(settings)
        self._failures = 0

    async def run(self) -> None:
        while not self._stopping.is_set():
            self.bell.clear()
            found = await self._blocking(lambda: self._office.take(self.name))
            if isinstance(found, float):
                await signalled(self.bell, self._office.clock, found)
            else:
                await self._deliver(*found)

    async def _deliver(self, message: Message, notification: Notification) -> None:
        try:
            answer = await self._send(notification)
        except DeliveryFailed as failure:
            failed = failure
            self._failures += 1
            await self._blocking(lambda: self._office.not_sent(message, failed))
            self._wake()
            if failure.retry:
                await self._pause(failure.retry_after)
        else:
            self._failures = 0
            await self._blocking(lambda: self._office.sent(message, answer))

    async def _send(self, notification: Notification) -> str:
        try:
            return await within(self._office.clock, self._timeout, self._notifier.send(notification))
        except DeliveryFailed:
            raise
        except TimeoutError:
            raise DeliveryFailed(f"no answer within {self._timeout:g} s", retry=True, reason="timeout") from None
        except Exception as error:
            # A fault in one destination's code must neither lose the message nor stop those behind it.
            log.exception("a notifier failed", extra={"destination": self.name})
            raise DeliveryFailed(
                f"internal error ({type(error).__name__}); see the log", retry=True, reason="internal"
            ) from error

    async def _pause(self, asked: float | None) -> None:
        clock = self._office.clock
        until = clock.monotonic() + self._backoff.delay(self._failures, asked)
        await signalled(self._stopping, clock, until - clock.monotonic())


class _Office:
    """The blocking half of sending: takes messages out of the state and notes what became of them."""

    def __init__(
        self,
        state: State,
        settings: DeliverySettings,
        report: Report,
        holder: str,
        metrics: DeliveryMetrics,
        clock: Clock,
    ) -> None:
        self.clock = clock
        self._poll = settings.poll.total_seconds()
        self._state, self._settings, self._report, self._holder = state, settings, report, holder
        self._metrics = metrics
        self._lease = settings.timeout + _LEASE_MARGIN
        self._quiet = max(timedelta(minutes=15), 3 * settings.longest_retry)

    def take(self, destination: str) -> tuple[Message, Notification] | float:
        """The next message to send, or the seconds to wait for one."""
        now = self.clock.now()
        with self._state.read() as connection:
            due = outbox.next_time(connection, destination)
        if due is None or due > now:
            return min(self._poll, (due - now).total_seconds()) if due else self._poll
        with self._state.write() as connection:
            if not leases.acquire(connection, f"outbox/{destination}", self._holder, now, self._lease):
                return self._poll
            self._collapse(connection, destination, now)
            return outbox.next_due(connection, destination, now) or self._poll

    def sent(self, message: Message, answer: str) -> None:
        """Tick a message off."""
        now = self.clock.now()
        with self._state.write() as connection:
            outbox.mark_sent(connection, message, answer, now)
        self._metrics.sent(message.receiver, message.kind, (now - message.created_at).total_seconds())

    def not_sent(self, message: Message, failure: DeliveryFailed) -> None:
        """Note a failed attempt; what it means for the message, and whether it is an alert, is `judge`'s verdict."""
        now, error = self.clock.now(), str(failure)
        verdict = judge(message, failure, self._settings, now)
        with self._state.write() as connection:
            if verdict.retry_at is None:
                outbox.give_up(connection, message, error, failure.reason, now)
            else:
                outbox.postpone(connection, message, verdict.retry_at, error, failure.reason)
            if verdict.alarming:
                self._alarm(connection, message, error, final=verdict.retry_at is None, now=now)
        outcome = "failed" if verdict.retry_at is None else "postponed"
        self._metrics.not_sent(message.receiver, message.kind, outcome, failure.reason)
        log.warning(
            "a message was not taken",
            extra={"destination": message.destination, "outcome": outcome, "reason": failure.reason, "error": error},
        )

    def drop_orphans(self, known: Sequence[str]) -> bool:
        """Give up messages to destinations that have not been in the settings for `give_up_after`."""
        now = self.clock.now()
        before = now - self._settings.give_up_after
        with self._state.read() as connection:
            if not outbox.orphans(connection, known, before):
                return False
        with self._state.write() as connection:
            for message in outbox.orphans(connection, known, before):
                error = "the destination is no longer in the settings"
                outbox.give_up(connection, message, error, "unknown", now)
                self._alarm(connection, message, error, final=True, now=now)
        return True

    def leave(self) -> None:
        """Give the leases back; if that fails, they end by themselves."""
        try:
            with self._state.write() as connection:
                leases.release(connection, self._holder)
        except (StoreFailed, StorageFull) as error:
            log.warning("the leases could not be given back", extra={"error": str(error)})

    def _collapse(self, connection: Connection, destination: str, now: datetime) -> None:
        if outbox.pending_count(connection, destination) <= self._settings.digest_above:
            return
        made = digest(outbox.pending(connection, destination), now)
        merged = outbox.merge(connection, made, now)
        self._metrics.merged(made.receiver, made.kind, merged)

    def _alarm(self, connection: Connection, message: Message, error: str, *, final: bool, now: datetime) -> None:
        signal = notification_failed(message, error, final=final, quiet=self._quiet, now=now)
        self._report(connection, (signal,), now)
