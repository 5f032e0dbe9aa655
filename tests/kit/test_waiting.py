"""Waiting with a limit, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from tocsin.kit.waiting import signalled, within
from tocsin.testing.clock import VirtualClock


async def test_work_that_ends_in_time_gives_its_value(clock: VirtualClock) -> None:
    async def work() -> str:
        await clock.sleep(1)
        return "done"

    task = asyncio.create_task(within(clock, 5, work()))
    await clock.advance(1)
    assert await task == "done"


async def test_work_that_takes_too_long_is_cancelled(clock: VirtualClock) -> None:
    cancelled = asyncio.Event()

    async def work() -> None:
        try:
            await clock.sleep(100)
        finally:
            cancelled.set()

    task = asyncio.create_task(within(clock, 5, work()))
    await clock.advance(5)
    with pytest.raises(TimeoutError):
        await task
    assert cancelled.is_set()


async def test_the_works_own_error_comes_through(clock: VirtualClock) -> None:
    async def work() -> None:
        raise KeyError("its own")

    with pytest.raises(KeyError, match="its own"):
        await within(clock, 5, work())


async def test_cancelling_the_wait_cancels_the_work(clock: VirtualClock) -> None:
    cancelled = asyncio.Event()

    async def work() -> None:
        try:
            await clock.sleep(100)
        finally:
            cancelled.set()

    task = asyncio.create_task(within(clock, 5, work()))
    await asyncio.sleep(0.0)
    await asyncio.sleep(0.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled.is_set()


async def test_an_event_ends_the_wait(clock: VirtualClock) -> None:
    event = asyncio.Event()
    task = asyncio.create_task(signalled(event, clock, 5))
    await clock.advance(1)
    event.set()
    assert await task
    assert await signalled(event, clock, 5), "at once, when it is set already"


async def test_without_the_event_the_wait_ends_by_time(clock: VirtualClock) -> None:
    event = asyncio.Event()
    task = asyncio.create_task(signalled(event, clock, 5))
    await clock.advance(5)
    assert not await task
    assert not await signalled(event, clock, 0)
