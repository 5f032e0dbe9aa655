"""Notifiers for tests: one that keeps what it is sent, one that fails as told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tocsin.kit.clock import Clock
from tocsin.model.alerts import Notification


@dataclass(frozen=True, slots=True)
class Received:
    """A message as a notifier was asked to send it.

    Attributes:
        at: When, by the notifier's clock.
        notification: What.
    """

    at: datetime
    notification: Notification


class CollectingNotifier:
    """Takes every message and keeps it in `received`.

    Args:
        clock: Tells when a message came.
        send_resolved: Whether it wants to hear that an alert is over.
    """

    def __init__(self, clock: Clock, send_resolved: bool = True) -> None:
        self.received: list[Received] = []
        self.clock = clock
        self._send_resolved = send_resolved

    @property
    def send_resolved(self) -> bool:
        """See `Notifier`."""
        return self._send_resolved

    async def send(self, notification: Notification) -> str:
        """See `Notifier`."""
        self.received.append(Received(self.clock.now(), notification))
        return f"collected as number {len(self.received)}"


class FailingNotifier:
    """Fails in the ways it is given, one attempt each, and then hands on to another notifier.

    Args:
        failures: What to raise, attempt by attempt; None lets an attempt through.
        then: Who takes the messages that do not fail.
    """

    def __init__(self, failures: Iterable[Exception | None], then: CollectingNotifier) -> None:
        self.attempts: list[Received] = []
        self._failures = iter(failures)
        self._then = then

    @property
    def send_resolved(self) -> bool:
        """See `Notifier`."""
        return self._then.send_resolved

    async def send(self, notification: Notification) -> str:
        """See `Notifier`."""
        self.attempts.append(Received(self._then.clock.now(), notification))
        failure = next(self._failures, None)
        if failure is not None:
            raise failure
        return await self._then.send(notification)
