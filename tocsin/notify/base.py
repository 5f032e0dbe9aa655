"""What a destination is to the rest of Tocsin: one verb and one preference."""

from __future__ import annotations

from typing import Protocol

from tocsin.model.alerts import Notification


class Notifier(Protocol):
    """Takes messages to one destination."""

    @property
    def send_resolved(self) -> bool:
        """Whether the destination wants to hear that an alert is over; the sender skips those messages if not."""
        ...

    async def send(self, notification: Notification) -> str:
        """Deliver one message and return the destination's answer as one short line, free of secrets.

        The message is made to fit the destination's limits by telling less, never by not telling. It may be called
        again with the same notification after a failure; `idempotency_key` lets the destination notice.

        Raises:
            DeliveryFailed: The message was not taken; `retry` says whether the same message may be taken later.
        """
        ...
