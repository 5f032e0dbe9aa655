"""Timelines: at this time push that, between these times expect that message; played in virtual time.

    timeline = Timeline(state, clock, {"team": [("webhook", CollectingNotifier(clock))]})
    timeline.at("0s").push("Shell in pod", quiet="15m")
    timeline.between("0s", "2s").expect("team/webhook", "new", "Shell in pod")
    timeline.between("15m", "16m").expect("team/webhook", "resolved", "Shell in pod")
    await timeline.run("1h")

A message that nobody expected fails the timeline as much as one that did not come.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import msgspec

from tocsin.alerting.destinations import Receivers
from tocsin.alerting.outbox import OutboxSender
from tocsin.alerting.pipeline import AlertPipeline
from tocsin.alerting.routing import Routing
from tocsin.alerting.settings import AlertingSettings
from tocsin.kit.units import Duration
from tocsin.model.alerts import Evidence, Notification, Signal, Tick
from tocsin.model.severity import Severity
from tocsin.notify.base import Notifier
from tocsin.store.state import outbox
from tocsin.store.state.engine import State
from tocsin.store.state.outbox import MessageQuery
from tocsin.testing.clock import VirtualClock

T = TypeVar("T")

_ROUNDS = 60
"""Turns of the event loop after each step of time: enough for one message to be tried."""

_MANY_ROUNDS = 1000
"""The same after a step of the script and when there are new messages: enough for dozens of them."""

Action = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that a destination took.

    Attributes:
        at: When.
        destination: Which.
        notification: What.
    """

    at: datetime
    destination: str
    notification: Notification


@dataclass(slots=True)
class _Expected:
    start: datetime
    end: datetime
    destination: str
    reason: str
    title: str
    count: int | None
    found: bool = False

    def fits(self, sent: Sent, reason: str) -> bool:
        alert = sent.notification.alerts[0]
        return (
            not self.found
            and self.start <= sent.at <= self.end
            and (self.destination, self.reason, self.title) == (sent.destination, reason, alert.title)
            and self.count in (None, alert.count)
        )


@dataclass(slots=True)
class _Recorder:
    """Stands before a notifier and notes what that takes."""

    destination: str
    inner: Notifier
    clock: VirtualClock
    sent: list[Sent] = field(default_factory=list)

    @property
    def send_resolved(self) -> bool:
        return self.inner.send_resolved

    async def send(self, notification: Notification) -> str:
        answer = await self.inner.send(notification)
        self.sent.append(Sent(self.clock.now(), self.destination, notification))
        return answer


class Timeline:
    """A scripted run of the alert pipeline and the sender over a real state database.

    Args:
        state: The database.
        clock: The virtual clock, also of the notifiers.
        receivers: Who is told; one destination of each kind per receiver.
        settings: Routes and delivery.
        every: How often the pipeline is swept.
    """

    def __init__(
        self,
        state: State,
        clock: VirtualClock,
        receivers: Receivers,
        settings: AlertingSettings | None = None,
        every: str = "10s",
    ) -> None:
        self.state, self.clock = state, clock
        self.sent: list[Sent] = []
        self._settings = settings or AlertingSettings()
        self._receivers = {
            name: [(kind, _Recorder(f"{name}/{kind}", notifier, clock, self.sent)) for kind, notifier in notifiers]
            for name, notifiers in receivers.items()
        }
        self._start = clock.now()
        self._every = Duration.parse(every)
        self._steps: list[tuple[datetime, int, Action]] = []
        self._expected: list[_Expected] = []
        self._order = itertools.count()
        self._batches = itertools.count(1)
        self._task: asyncio.Task[None] | None = None
        self._woken = False
        self._build()

    def at(self, when: str) -> Moment:
        """Begin a step `when` after the start."""
        return Moment(self, self._time(when))

    def between(self, start: str, end: str) -> Window:
        """Begin an expectation, from `start` to `end` after the start, both included."""
        return Window(self, self._time(start), self._time(end))

    async def run(self, until: str) -> None:
        """Play it all. Raises AssertionError that lists what came unexpectedly and what did not come."""
        end = self._time(until)
        steps = sorted(self._steps, key=lambda step: step[:2])
        self._start_sender()
        while True:
            while steps and steps[0][0] <= self.clock.now():
                steps.pop(0)[2]()
                await self._settle(_MANY_ROUNDS)
            self._woken = False
            self.pipeline.sweep(self.clock.now())
            await self._settle(_MANY_ROUNDS if self._woken else _ROUNDS)
            if self.clock.now() >= end:
                break
            following = min(end, self.clock.now() + self._every, *(step[0] for step in steps[:1]))
            await self.clock.advance((following - self.clock.now()).total_seconds())
        await self._stop_sender()
        self._check()

    def tick(self, *signals: Signal) -> Tick:
        """A tick of the next batch, now."""
        return Tick(signals, {"writer": next(self._batches)}, self.clock.now())

    def crash(self) -> None:
        """Lose everything that is not in the database, the message being sent included, and start anew."""
        if self._task:
            self._task.cancel()
        self._build()
        self._start_sender()

    def add_step(self, when: datetime, action: Action) -> None:
        """Add something to do."""
        self._steps.append((when, next(self._order), action))

    def add_expectation(
        self, window: tuple[datetime, datetime], destination: str, reason: str, title: str, count: int | None
    ) -> None:
        """Add a message that must come."""
        self._expected.append(_Expected(*window, destination, reason, title, count))

    def _build(self) -> None:
        routing = Routing(self._settings, self._receivers)
        self.pipeline = AlertPipeline(self.state, routing, "https://tocsin.example", on_queued=self._wake)
        self.sender = OutboxSender(
            self.state,
            self._receivers,
            self.clock,
            # Being woken is enough here, and hours of virtual time pass without a look into the database.
            msgspec.structs.replace(self._settings.delivery, poll=Duration(hours=1)),
            report=self.pipeline.report,
            blocking=inline,
        )

    def _wake(self) -> None:
        self._woken = True
        self.sender.wake()

    def _start_sender(self) -> None:
        self._task = asyncio.create_task(self.sender.run())

    async def _stop_sender(self) -> None:
        self.sender.stop()
        await self._settle(_ROUNDS)
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _time(self, when: str) -> datetime:
        return self._start + Duration.parse(when)

    def _check(self) -> None:
        with self.state.read() as connection:
            messages = outbox.find(connection, MessageQuery(limit=100_000))
        reasons = {message.idempotency_key: message.reason for message in messages}
        surprises = []
        for sent in self.sent:
            reason = reasons[sent.notification.idempotency_key]
            match = next((each for each in self._expected if each.fits(sent, reason)), None)
            if match:
                match.found = True
            else:
                alert = sent.notification.alerts[0]
                surprises.append(
                    f"not expected: {sent.at - self._start} {sent.destination} {reason} {alert.title} x{alert.count}"
                )
        surprises += [
            f"did not come: {each.start - self._start} to {each.end - self._start} {each.destination} {each.reason} "
            f"{each.title}"
            for each in self._expected
            if not each.found
        ]
        if surprises:
            raise AssertionError("\n".join(surprises))

    @staticmethod
    async def _settle(rounds: int) -> None:
        for _ in range(rounds):
            await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time at which something is done; every method can be followed by another."""

    timeline: Timeline
    when: datetime

    def push(
        self,
        title: str,
        *,
        severity: Severity = Severity.HIGH,
        count: int = 1,
        quiet: str = "15m",
        labels: Mapping[str, str] | None = None,
    ) -> Moment:
        """The rules find something: one signal, in a tick of its own."""

        def act() -> None:
            made = signal(title, self.timeline.clock.now(), severity=severity, count=count, quiet=quiet, labels=labels)
            self.timeline.pipeline.accept(self.timeline.tick(made))

        return self.do(act)

    def crash(self) -> Moment:
        """The process is killed and started again."""
        return self.do(self.timeline.crash)

    def do(self, action: Action) -> Moment:
        """Anything else."""
        self.timeline.add_step(self.when, action)
        return self


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time in which messages are expected."""

    timeline: Timeline
    start: datetime
    end: datetime

    def expect(self, destination: str, reason: str, title: str, *, count: int | None = None) -> Window:
        """Expect one message: to whom, why, about which alert, and how many events that has (if it matters)."""
        self.timeline.add_expectation((self.start, self.end), destination, reason, title, count)
        return self


def signal(
    title: str,
    now: datetime,
    *,
    severity: Severity = Severity.HIGH,
    count: int = 1,
    quiet: str = "15m",
    labels: Mapping[str, str] | None = None,
) -> Signal:
    """A signal with one event as evidence, which happened just now."""
    return Signal(
        rule_id=f"rule of {title}",
        title=title,
        severity=severity,
        labels={"alertname": title, **(labels or {})},
        annotations={"summary": f"{title} was seen"},
        techniques=("T1609",),
        runbook_url="",
        first_event=now,
        last_event=now,
        count=count,
        evidence=(Evidence(f"event at {now:%H:%M:%S}", now, f"{title}, seen", "{}"),),
        quiet=Duration.parse(quiet),
    )


async def inline(work: Callable[[], T]) -> T:
    """Run blocking work at once, so that virtual time need not wait for threads."""
    return work()
