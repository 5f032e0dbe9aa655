"""Group commit of anything: items that arrive together are committed together, and each sender gets its own outcome."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tocsin.model.errors import Overloaded, StoreFailed, TocsinError, TryLater
from tocsin.store.settings import WriterSettings

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

_SMALL = 256 << 10
_QUIET = 0.01


@dataclass(slots=True)
class _Waiting(Generic[Item, Outcome]):
    item: Item
    size: int
    future: asyncio.Future[Outcome]
    loop: asyncio.AbstractEventLoop


class GroupCommit(Generic[Item, Outcome]):
    """A queue, and one thread that commits.

    Args:
        name: The thread's name.
        commit: Commits some items, and returns the outcome or the error of each, in their order. Called in the thread.
        size: Bytes of an item.
        settings: Sizes and times; waiting for company is real time.
    """

    def __init__(
        self,
        name: str,
        commit: Callable[[Sequence[Item]], Sequence[Outcome | TocsinError]],
        size: Callable[[Item], int],
        settings: WriterSettings,
    ) -> None:
        self._name = name
        self._commit = commit
        self._size = size
        self._settings = settings
        self._changed = threading.Condition()
        self._waiting: deque[_Waiting[Item, Outcome]] = deque()
        self._bytes = 0
        self._closed = False
        self._thread: threading.Thread | None = None
        self._began = -math.inf

    @property
    def waiting(self) -> tuple[int, int]:
        """Items and bytes in the queue."""
        return len(self._waiting), self._bytes

    def start(self) -> None:
        """Begin to take items."""
        self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        self._thread.start()

    async def submit(self, item: Item) -> Outcome:
        """Return the item's outcome once it is committed. Raises Overloaded, TryLater or the item's own error."""
        size = self._size(item)
        loop = asyncio.get_running_loop()
        waiting = _Waiting[Item, Outcome](item, size, loop.create_future(), loop)
        settings = self._settings
        with self._changed:
            if self._closed:
                raise TryLater("the server is shutting down", retry_after=5)
            full = self._bytes + size > max(settings.queue_bytes, size)
            if full or len(self._waiting) >= settings.queue_deliveries:
                raise Overloaded("the intake queue is full (store.writer.queue_bytes, queue_deliveries)", retry_after=1)
            self._waiting.append(waiting)
            self._bytes += size
            self._changed.notify()
        return await waiting.future

    def stop(self) -> None:
        """Take no more items, commit those that wait, and end the thread. Blocks."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while batch := self._gather():
            try:
                outcomes = self._commit([waiting.item for waiting in batch])
            except Exception as error:  # The thread's edge: the senders must get an answer, and the others their turn.
                log.exception("a batch could not be committed")
                outcomes = [StoreFailed(f"the batch could not be stored: {type(error).__name__}")] * len(batch)
            for waiting, outcome in zip(batch, outcomes, strict=True):
                _answer(waiting, outcome)

    def _gather(self) -> list[_Waiting[Item, Outcome]]:
        """Wait for items and return the next batch of them; empty when closed and drained."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            self._wait_for_company()
            self._began = time.monotonic()
            batch: list[_Waiting[Item, Outcome]] = []
            size = 0
            while self._waiting and (not batch or size + self._waiting[0].size <= self._settings.batch_bytes):
                batch.append(self._waiting.popleft())
                size += batch[-1].size
            self._bytes -= size
            return batch

    def _wait_for_company(self) -> None:
        """Wait while more keeps coming, and longer if there is little; `_changed` is held."""
        settings = self._settings
        pause = self._began + settings.pause.total_seconds() - time.monotonic()
        self._changed.wait_for(lambda: self._closed or self._bytes >= _SMALL, timeout=max(0.0, pause))
        end = time.monotonic() + settings.linger.total_seconds()
        while not self._closed and self._bytes < settings.batch_bytes and (left := end - time.monotonic()) > 0:
            if not self._changed.wait(timeout=min(left, _QUIET)):
                return


def _answer(waiting: _Waiting[Item, Outcome], outcome: Outcome | TocsinError) -> None:
    def settle() -> None:
        if waiting.future.done():  # The sender went away.
            return
        if isinstance(outcome, TocsinError):
            waiting.future.set_exception(outcome)
        else:
            waiting.future.set_result(outcome)

    try:
        waiting.loop.call_soon_threadsafe(settle)
    except RuntimeError:  # The loop is closed: nobody is left to answer.
        log.debug("a sender is gone")
