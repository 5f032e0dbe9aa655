"""A destination: one place to which one receiver's messages go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tocsin.notify.base import Notifier

Receivers: TypeAlias = Mapping[str, Sequence[tuple[str, Notifier]]]
"""Receiver name to its destinations, each a kind and what sends there; in the order of the settings."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One place to which one receiver's messages go.

    Attributes:
        receiver: The receiver's name.
        kind: `slack`, `email`...
        number: Counts the receiver's destinations of this kind from 1.
        send_resolved: Whether it wants to hear that an alert is over.
    """

    receiver: str
    kind: str
    number: int = 1
    send_resolved: bool = True

    @property
    def name(self) -> str:
        """Its name in the state: `team/slack`, `team/slack/2`. Renaming a receiver makes new destinations."""
        return f"{self.receiver}/{self.kind}" + (f"/{self.number}" if self.number > 1 else "")


def destinations(receivers: Receivers) -> dict[Destination, Notifier]:
    """Return every destination with what sends to it, in the order of the settings."""
    found = {}
    for receiver, notifiers in receivers.items():
        seen: Counter[str] = Counter()
        for kind, notifier in notifiers:
            seen[kind] += 1
            found[Destination(receiver, kind, seen[kind], notifier.send_resolved)] = notifier
    return found
