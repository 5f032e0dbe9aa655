"""How many wrong tokens an address may send before it has to wait."""

from __future__ import annotations

from collections import OrderedDict

from tocsin.kit.clock import Clock
from tocsin.model.errors import Overloaded

_REMEMBERED = 10_000


class FailureLimit:
    """A bucket per address: it holds a minute's worth of failures and fills up again over a minute.

    Args:
        per_minute: Failures that one address may cause a minute.
        clock: Its monotonic time is used.
    """

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admit(self, peer: str) -> None:
        """Raise Overloaded if the address has no failure left."""
        left = self._left(peer)
        if left < 1:
            wait = (1 - left) * 60 / self._per_minute
            raise Overloaded("too many wrong tokens from this address", retry_after=wait)

    def count(self, peer: str) -> None:
        """Note a failure of the address."""
        self._buckets[peer] = (self._left(peer) - 1, self._clock.monotonic())
        self._buckets.move_to_end(peer)
        while len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)

    def forgive(self, peer: str) -> None:
        """Take a failure back."""
        self._buckets[peer] = (self._left(peer) + 1, self._clock.monotonic())

    def _left(self, peer: str) -> float:
        left, at = self._buckets.get(peer, (float(self._per_minute), 0.0))
        return min(float(self._per_minute), left + (self._clock.monotonic() - at) * self._per_minute / 60)
