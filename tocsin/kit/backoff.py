"""How long to wait before trying again."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter over the upper half, capped.

    Attributes:
        first: Seconds before the second attempt.
        factor: Growth per attempt.
        cap: The longest wait in seconds.
    """

    first: float = 1.0
    factor: float = 2.0
    cap: float = 300.0

    def delay(self, attempts: int, asked: float | None = None) -> float:
        """Seconds to wait after `attempts` failures (1 or more).

        Args:
            attempts: Failures so far.
            asked: What the other side asked for (`Retry-After`); never undercut.
        """
        full = min(self.cap, self.first * self.factor ** min(attempts - 1, 60))
        jittered = full / 2 + random.random() * full / 2  # noqa: S311 - jitter, not a secret
        return max(jittered, asked or 0.0)
