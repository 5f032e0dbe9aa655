"""Background work that must not die silently."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from tocsin.kit.backoff import Backoff
from tocsin.kit.clock import Clock

log = logging.getLogger(__name__)

_BACKOFF = Backoff(first=0.5, cap=30.0)


async def supervise(
    name: str,
    work: Callable[[], Awaitable[None]],
    clock: Clock,
    failed: Callable[[str, Exception], None] = lambda _name, _error: None,
    backoff: Backoff = _BACKOFF,
) -> None:
    """Run `work` for ever: when it fails, log it, tell `failed`, wait a little longer each time, and run it again.

    A run that lasted a minute resets the wait. Returns if `work` returns, and when cancelled.
    """
    failures = 0
    while True:
        began = clock.monotonic()
        try:
            await work()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # The edge of a supervised loop: whatever broke it, it goes on.
            failures = 1 if clock.monotonic() - began > 60 else failures + 1
            log.error(  # noqa: TRY400 - see exc_info
                "a background task failed",
                exc_info=failures == 1,  # The same trace again and again would hide what matters.
                extra={"task": name, "failures": failures, "reason": f"{type(error).__name__}: {error}"},
            )
            failed(name, error)
            await clock.sleep(backoff.delay(failures))
        else:
            return
