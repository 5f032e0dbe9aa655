"""Runs what blocks (queries of either store) in a few threads, and turns a blocking stream into an asynchronous one."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tocsin.model.errors import Overloaded

T = TypeVar("T")

_AHEAD = 4
"""Chunks of a stream read ahead of its reader; more would only fill memory."""


class Workers:
    """Threads for blocking calls, with a bound on how many calls wait for one.

    Args:
        threads: Calls that run at the same time. Each thread keeps a session of the engine.
        queue: Calls that may wait; the next is refused with `Overloaded`.
    """

    def __init__(self, threads: int, queue: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="tocsin-query")
        self._room = threads + queue
        self._taken = 0

    @property
    def busy(self) -> int:
        """Calls that run or wait."""
        return self._taken

    async def run(self, call: Callable[[], T]) -> T:
        """Return what `call()` returns, run in a thread. Raises Overloaded, or whatever it raises."""
        self._take()
        future = self._pool.submit(call)
        future.add_done_callback(self._give_back_from_thread(asyncio.get_running_loop()))
        return await asyncio.wrap_future(future)

    async def stream(self, make: Callable[[], Iterator[bytes]]) -> AsyncIterator[bytes]:
        """Yield what the blocking iterator `make()` yields, its whole life spent in one thread.

        It is closed, also in that thread, when the consumer stops early. Raises Overloaded, or whatever it raises.
        """
        self._take()
        pipe = _Pipe(asyncio.get_running_loop())
        future = self._pool.submit(pipe.pump, make)
        future.add_done_callback(self._give_back_from_thread(asyncio.get_running_loop()))
        try:
            while (chunk := await pipe.next()) is not None:
                yield chunk
            await asyncio.wrap_future(future)
        finally:
            pipe.abandon()

    def close(self) -> None:
        """Take no more calls and wait for those that run."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _take(self) -> None:
        if self._taken >= self._room:
            raise Overloaded("too many queries at once (web.query_workers, web.query_queue)", retry_after=2)
        self._taken += 1

    def _give_back_from_thread(self, loop: asyncio.AbstractEventLoop) -> Callable[[object], None]:
        def give_back() -> None:
            self._taken -= 1

        def done(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # The loop is closed: nobody counts any more.
                loop.call_soon_threadsafe(give_back)

        return done


class _Pipe:
    """A bounded way from one thread to the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._free = threading.Semaphore(_AHEAD)
        self._abandoned = threading.Event()

    def pump(self, make: Callable[[], Iterator[bytes]]) -> None:
        """Move every chunk; runs in the thread."""
        source = make()
        try:
            for chunk in source:
                self._free.acquire()
                if self._abandoned.is_set():
                    break
                self._put(chunk)
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()
            self._put(None)

    async def next(self) -> bytes | None:
        """The next chunk; None at the end or after an error."""
        chunk = await self._chunks.get()
        self._free.release()
        return chunk

    def abandon(self) -> None:
        """Let the thread end."""
        self._abandoned.set()
        self._free.release()

    def _put(self, chunk: bytes | None) -> None:
        with contextlib.suppress(RuntimeError):  # The loop is closed: nobody reads any more.
            self._loop.call_soon_threadsafe(self._chunks.put_nowait, chunk)
