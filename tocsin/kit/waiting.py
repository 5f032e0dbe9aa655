"""Waiting with a limit, by a clock that is handed in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from tocsin.kit.clock import Clock

T = TypeVar("T")


async def within(clock: Clock, seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns, or cancel it and raise TimeoutError when it takes longer than `seconds`."""
    task = asyncio.ensure_future(work)
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({task, timer}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise TimeoutError
    finally:
        task.cancel()
        timer.cancel()
        await asyncio.gather(task, timer, return_exceptions=True)


async def signalled(event: asyncio.Event, clock: Clock, seconds: float) -> bool:
    """Wait until `event` is set, at most `seconds`; return whether it is."""
    if event.is_set() or seconds <= 0:
        return event.is_set()
    try:
        return await within(clock, seconds, event.wait())
    except TimeoutError:
        return False
