"""The sender: at once, once per replica set, through failures of the state, and out of the door politely."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection, text

from tests.store.state.builders import message
from tocsin.alerting.destinations import Receivers
from tocsin.alerting.metrics import DeliveryMetrics
from tocsin.alerting.outbox import OutboxSender
from tocsin.alerting.pipeline import AlertPipeline
from tocsin.alerting.routing import Routing
from tocsin.alerting.settings import AlertingSettings, DeliverySettings
from tocsin.kit.clock import SystemClock
from tocsin.kit.units import Duration
from tocsin.model.alerts import Notification, Signal, Tick
from tocsin.model.errors import DeliveryFailed
from tocsin.store.state import outbox
from tocsin.store.state.engine import State
from tocsin.store.state.outbox import Message, MessageQuery, MessageState
from tocsin.testing.clock import VirtualClock
from tocsin.testing.notifiers import CollectingNotifier, FailingNotifier
from tocsin.testing.timeline import inline, signal


class Reports:
    """Keeps the signals that the sender reports."""

    def __init__(self) -> None:
        self.signals: list[Signal] = []

    def __call__(self, connection: Connection, signals: Sequence[Signal], now: datetime) -> None:
        self.signals += signals


def sender(state: State, clock: VirtualClock, receivers: Receivers, **options: Any) -> OutboxSender:
    """A sender in virtual time."""
    return OutboxSender(state, receivers, clock, **{"report": Reports(), "blocking": inline, **options})


@asynccontextmanager
async def running(*senders: OutboxSender) -> Any:
    """Run senders for the length of a block."""
    tasks = [asyncio.create_task(each.run()) for each in senders]
    await turns()
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def turns() -> None:
    """Let everything run that can."""
    for _ in range(500):
        await asyncio.sleep(0)


def put(state: State, clock: VirtualClock, *keys: str, destination: str = "team/webhook") -> None:
    """Enqueue messages of different alerts."""
    with state.write() as connection:
        outbox.enqueue(connection, [message(key, f"tocsin/{key}", destination, clock.now()) for key in keys])


def states(state: State) -> dict[str, MessageState]:
    """Where each message is."""
    return {each.idempotency_key: each.state for each in listed(state)}


def listed(state: State) -> list[Message]:
    """All messages."""
    with state.read() as connection:
        return outbox.find(connection, MessageQuery())


def keys(notifier: CollectingNotifier) -> list[str]:
    """What a notifier took, in order."""
    return [each.notification.idempotency_key for each in notifier.received]


async def test_a_committed_message_is_sent_at_once_by_real_threads_and_clocks(any_state: State) -> None:
    arrived = asyncio.Event()

    class Arriving(CollectingNotifier):
        async def send(self, notification: Notification) -> str:
            arrived.set()
            return await super().send(notification)

    clock = SystemClock()
    receivers: Receivers = {"team": [("webhook", Arriving(clock))]}
    settings = AlertingSettings(delivery=DeliverySettings(poll=Duration(hours=1)))

    def wake() -> None:
        sending.wake()

    pipeline = AlertPipeline(any_state, Routing(settings, receivers), on_queued=wake)
    sending = OutboxSender(any_state, receivers, clock, settings.delivery, report=pipeline.report)
    task = asyncio.create_task(sending.run())
    tick = Tick((signal("Shell", clock.now()),), {"w": 1}, clock.now())
    await asyncio.to_thread(pipeline.accept, tick)
    await asyncio.wait_for(arrived.wait(), 20)
    sending.stop()
    await asyncio.wait_for(task, 20)
    assert [each.state for each in listed(any_state)] == [MessageState.SENT]
    sending.wake()


async def test_messages_of_other_replicas_are_found_without_being_woken(
    state: State, clock: VirtualClock, notifier: CollectingNotifier
) -> None:
    async with running(sender(state, clock, {"team": [("webhook", notifier)]})):
        put(state, clock, "k1")
        await clock.advance(4.9)
        assert keys(notifier) == []
        await clock.advance(0.1)
        await turns()
        assert keys(notifier) == ["k1"]


async def test_of_two_replicas_one_sends_and_the_other_takes_over(any_state: State, clock: VirtualClock) -> None:
    one, two = CollectingNotifier(clock), CollectingNotifier(clock)
    first = sender(any_state, clock, {"team": [("webhook", one)]}, holder="first")
    second = sender(any_state, clock, {"team": [("webhook", two)]}, holder="second")
    put(any_state, clock, "k1", "k2")
    async with running(first, second) as tasks:
        await clock.advance(30)
        assert (keys(one), keys(two)) == (["k1", "k2"], [])
        put(any_state, clock, "k3")
        first.stop()
        await turns()
        assert tasks[0].done(), "it has given its leases back"
        await clock.advance(10)
        await turns()
        assert (keys(one), keys(two)) == (["k1", "k2"], ["k3"])


async def test_the_lease_of_a_replica_that_died_ends_by_itself(state: State, clock: VirtualClock) -> None:
    class Hangs(CollectingNotifier):
        async def send(self, notification: Notification) -> str:
            await clock.sleep(1e9)
            return "never"

    two = CollectingNotifier(clock)
    put(state, clock, "k1")
    first = sender(state, clock, {"team": [("webhook", Hangs(clock))]}, holder="first")
    async with running(first):
        with state.write() as connection:
            connection.execute(text("UPDATE leases SET holder = 'dead'"))
    async with running(sender(state, clock, {"team": [("webhook", two)]}, holder="second")):
        await clock.advance(50)
        assert keys(two) == []
        await clock.advance(20)
        await turns()
        assert keys(two) == ["k1"]


async def test_stopping_waits_for_the_message_that_is_being_sent(state: State, clock: VirtualClock) -> None:
    class Slow(CollectingNotifier):
        async def send(self, notification: Notification) -> str:
            await clock.sleep(10)
            return await super().send(notification)

    notifier = Slow(clock)
    sending = sender(state, clock, {"team": [("webhook", notifier)]})
    put(state, clock, "k1", "k2")
    async with running(sending) as tasks:
        sending.stop()
        await turns()
        assert not tasks[0].done()
        await clock.advance(10)
        await turns()
        assert tasks[0].done()
    assert states(state) == {"k1": MessageState.SENT, "k2": MessageState.PENDING}


async def test_stopping_does_not_wait_for_a_pause_to_end(
    state: State, clock: VirtualClock, notifier: CollectingNotifier
) -> None:
    busy = DeliveryFailed("429", retry=True, reason="rate_limited", retry_after=86_400)
    sending = sender(state, clock, {"team": [("webhook", FailingNotifier([busy], notifier))]})
    put(state, clock, "k1")
    async with running(sending) as tasks:
        sending.stop()
        await turns()
        assert tasks[0].done()


async def test_a_failing_state_database_stops_nothing_for_good(
    state: State, clock: VirtualClock, notifier: CollectingNotifier, caplog: pytest.LogCaptureFixture
) -> None:
    put(state, clock, "k1")
    with state.write() as connection:
        connection.execute(text("ALTER TABLE outbox RENAME TO away"))
    async with running(sender(state, clock, {"team": [("webhook", notifier)]})):
        await clock.advance(5)
        assert "a background task failed" in caplog.text
        with state.write() as connection:
            connection.execute(text("ALTER TABLE away RENAME TO outbox"))
        await clock.advance(60)
        await turns()
    assert keys(notifier) == ["k1"]


async def test_messages_to_receivers_that_are_gone_are_given_up_and_reported(
    state: State, clock: VirtualClock, notifier: CollectingNotifier
) -> None:
    reports = Reports()
    put(state, clock, "k1", destination="gone/slack")
    settings = DeliverySettings(give_up_after=Duration(hours=1), poll=Duration(hours=1))
    async with running(sender(state, clock, {"team": [("webhook", notifier)]}, settings=settings, report=reports)):
        await clock.advance(3600)
        await turns()
        assert states(state) == {"k1": MessageState.PENDING}, "a replica with newer settings may know it"
        await clock.advance(120)
        await turns()
    (given_up,) = listed(state)
    assert (given_up.state, given_up.error_reason) == (MessageState.FAILED, "unknown")
    assert [each.labels["destination"] for each in reports.signals] == ["gone/slack"]


async def test_what_was_given_up_can_be_sent_again_with_its_key(
    state: State, clock: VirtualClock, notifier: CollectingNotifier
) -> None:
    refused = DeliveryFailed("401", retry=False, reason="auth")
    sending = sender(state, clock, {"team": [("webhook", FailingNotifier([refused], notifier))]})
    put(state, clock, "k1")
    async with running(sending):
        assert states(state) == {"k1": MessageState.FAILED}
        await clock.advance(3600)
        with state.write() as connection:
            outbox.requeue(connection, listed(state)[0].id, clock.now())
        sending.wake()
        await turns()
    assert keys(notifier) == ["k1"]
    assert states(state) == {"k1": MessageState.SENT}


async def test_outcomes_are_counted(state: State, clock: VirtualClock, notifier: CollectingNotifier) -> None:
    registry = CollectorRegistry()
    failures = [
        DeliveryFailed("503", retry=True, reason="server"),
        None,
        DeliveryFailed("404", retry=False, reason="client"),
    ]
    receivers: Receivers = {"team": [("webhook", FailingNotifier(failures, notifier))]}
    settings = DeliverySettings(digest_above=2)
    put(state, clock, "k1")
    async with running(sender(state, clock, receivers, settings=settings, metrics=DeliveryMetrics(registry))) as _:
        await clock.advance(5)
        put(state, clock, "k2", "k3", "k4")
        await clock.advance(10)
        await turns()

    def count(outcome: str, reason: str = "") -> float | None:
        labels = {"receiver": "team", "kind": "webhook", "outcome": outcome, "reason": reason}
        return registry.get_sample_value("tocsin_notifications_total", labels)

    assert count("postponed", "server") == 1
    assert count("sent") == 1
    assert count("merged") == 3
    assert count("failed", "client") == 1
    waited = registry.get_sample_value(
        "tocsin_notification_latency_seconds_sum", {"receiver": "team", "kind": "webhook"}
    )
    assert waited
    assert timedelta(seconds=waited) <= timedelta(seconds=2)
