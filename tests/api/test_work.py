"""Blocking calls in threads: bounded, and streams that end when their reader does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import cast

import pytest

from tocsin.api.work import Workers
from tocsin.model.errors import InvalidInput, Overloaded


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it does not come true")


@pytest.fixture
def workers() -> Iterator[Workers]:
    found = Workers(threads=2, queue=1)
    yield found
    found.close()


async def test_more_calls_than_may_wait_are_refused(workers: Workers) -> None:
    gate = threading.Event()
    running = [asyncio.create_task(workers.run(gate.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match=r"web\.query_workers"):
        await workers.run(lambda: None)
    gate.set()
    assert await asyncio.gather(*running) == [True, True, True]
    await until(lambda: workers.busy == 0)
    assert await workers.run(lambda: "again") == "again"


async def test_a_stream_comes_whole_and_in_order(workers: Workers) -> None:
    numbers = [str(n).encode() for n in range(100)]
    assert [chunk async for chunk in workers.stream(lambda: iter(numbers))] == numbers


async def test_an_error_of_a_stream_reaches_its_reader(workers: Workers) -> None:
    def make() -> Iterator[bytes]:
        yield b"one"
        raise InvalidInput("no more")

    stream = workers.stream(make)
    assert await anext(stream) == b"one"
    with pytest.raises(InvalidInput):
        await anext(stream)


async def test_a_reader_that_leaves_ends_the_stream_in_its_own_thread(workers: Workers) -> None:
    threads: list[int] = []
    closed = threading.Event()

    def make() -> Iterator[bytes]:
        threads.append(threading.get_ident())
        try:
            while True:
                yield b"x"
        finally:
            threads.append(threading.get_ident())
            closed.set()

    stream = cast("AsyncGenerator[bytes, None]", workers.stream(make))
    assert await anext(stream) == b"x"
    await stream.aclose()
    assert await asyncio.to_thread(closed.wait, 5)
    assert threads[0] == threads[1]
