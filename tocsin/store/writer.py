"""Group commit: deliveries that arrive together share one batch, and each sender is answered when it is on disk."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tocsin.kit.clock import Clock
from tocsin.model.errors import Overloaded, StorageFull, TocsinError, TryLater
from tocsin.store.base import Columns, Delivery, Receipt, parse_time
from tocsin.store.committer import Committed, Committer
from tocsin.store.settings import WriterSettings
from tocsin.store.sql import bind, compose

log = logging.getLogger(__name__)

_REMEMBERED_TOKENS = 200_000
_SMALL = 256 << 10
_ENOUGH = 4 << 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Waiting:
    delivery: Delivery
    future: asyncio.Future[Receipt]
    loop: asyncio.AbstractEventLoop


@dataclass(frozen=True, slots=True)
class WriterHooks:
    """What the writer tells others.

    Attributes:
        committed: Called in the writer's thread after each batch: its number, content, bytes and seconds.
        admit: Raises StorageFull when the disk is nearly full; called for each delivery.
    """

    committed: Callable[[int, Committed, int, float], None] = lambda *_: None
    admit: Callable[[], None] = lambda: None


@dataclass(slots=True)
class _Queue:
    """Deliveries that wait, with their total size; guarded by `changed`."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    waiting: deque[_Waiting] = field(default_factory=deque)
    bytes: int = 0
    closed: bool = False


class Writer:
    """The `Intake` of one process: a queue, and one thread that commits.

    Args:
        columns: The store.
        settings: Sizes and times.
        clock: For stamps; waiting for company is real time.
        hooks: Whom to tell.
    """

    def __init__(
        self, columns: Columns, settings: WriterSettings, clock: Clock, hooks: WriterHooks = WriterHooks()
    ) -> None:
        self._columns = columns
        self._settings = settings
        self._clock = clock
        self._hooks = hooks
        self._queue = _Queue()
        self._tokens: OrderedDict[str, None] = OrderedDict()
        self._committer = Committer(columns, settings.name)
        self._batch = 0
        self._thread: threading.Thread | None = None
        self._began = -math.inf

    @property
    def name(self) -> str:
        """This writer's name in every row."""
        return self._settings.name

    @property
    def committed(self) -> int:
        """The number of the last batch on disk; every batch up to it is complete or was never acknowledged."""
        return self._batch

    @property
    def waiting(self) -> tuple[int, int]:
        """Deliveries and bytes in the queue."""
        return len(self._queue.waiting), self._queue.bytes

    def start(self) -> None:
        """Find the last batch number and the tokens of the past in the store, and begin to take deliveries."""
        self._batch = _last_batch(self._columns, self.name)
        for token in _recent_tokens(self._columns, self._clock.now()):
            self._tokens[token] = None
        self._thread = threading.Thread(target=self._work, name="tocsin-writer", daemon=True)
        self._thread.start()

    async def submit(self, delivery: Delivery) -> Receipt:
        """See `Intake.submit`."""
        self._hooks.admit()
        loop = asyncio.get_running_loop()
        item = _Waiting(delivery, loop.create_future(), loop)
        queue = self._queue
        with queue.changed:
            if queue.closed:
                raise TryLater("the server is shutting down", retry_after=5)
            if (
                queue.bytes + len(delivery.payload) > max(self._settings.queue_bytes, len(delivery.payload))
                or len(queue.waiting) >= self._settings.queue_deliveries
            ):
                raise Overloaded("the intake queue is full (store.writer.queue_bytes, queue_deliveries)", retry_after=1)
            queue.waiting.append(item)
            queue.bytes += len(delivery.payload)
            queue.changed.notify()
        return await item.future

    def stop(self) -> None:
        """Take no more deliveries, commit those that wait, and end the thread. Blocks."""
        with self._queue.changed:
            self._queue.closed = True
            self._queue.changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while batch := self._gather():
            fresh = [item for item in batch if not self._repeated(item, batch)]
            if fresh:
                self._commit(fresh)

    def _gather(self) -> list[_Waiting]:
        """Wait for deliveries and return the next batch of them; empty when closed and drained."""
        queue, limit = self._queue, self._settings.batch_bytes
        with queue.changed:
            queue.changed.wait_for(lambda: queue.waiting or queue.closed)
            self._wait_for_company()
            self._began = time.monotonic()
            batch: list[_Waiting] = []
            size = 0
            while queue.waiting and (not batch or size + len(queue.waiting[0].delivery.payload) <= limit):
                item = queue.waiting.popleft()
                size += len(item.delivery.payload)
                batch.append(item)
            queue.bytes -= size
            return batch

    def _wait_for_company(self) -> None:
        """Wait a little for a batch to fill, and longer if there is little; `queue.changed` is held."""
        queue, settings = self._queue, self._settings
        pause = self._began + settings.pause.total_seconds() - time.monotonic()
        queue.changed.wait_for(lambda: queue.closed or queue.bytes >= _SMALL, timeout=max(0.0, pause))
        linger, enough = settings.linger.total_seconds(), min(_ENOUGH, settings.batch_bytes)
        queue.changed.wait_for(lambda: queue.closed or queue.bytes >= enough, timeout=linger)

    def _repeated(self, item: _Waiting, batch: Sequence[_Waiting]) -> bool:
        """Answer a delivery whose token is known, or is that of an earlier delivery of the same batch."""
        token = item.delivery.token
        if not token:
            return False
        if token in self._tokens:
            lines = item.delivery.payload.count(b"\n") + (not item.delivery.payload.endswith(b"\n"))
            _answer(item, Receipt(self._batch, accepted=0, duplicates=lines))
            return True
        twin = next(other for other in batch if other.delivery.token == token)
        if twin is not item:
            _answer(item, TryLater("the same delivery is being stored; ask again", retry_after=1))
            return True
        return False

    def _commit(self, items: Sequence[_Waiting]) -> None:
        number = self._batch + 1
        began = self._clock.monotonic()
        try:
            done = self._committer.commit(number, [item.delivery for item in items], self._clock.now())
        except StorageFull as error:
            self._batch = number
            _answer_all(items, error)
            return
        except TocsinError as error:
            self._batch = number
            self._retry_apart(items, error)
            return
        self._batch = number
        for item, receipt in zip(items, done.receipts, strict=True):
            self._remember(item.delivery.token)
            _answer(item, receipt)
        size = sum(len(item.delivery.payload) for item in items)
        self._hooks.committed(number, done, size, self._clock.monotonic() - began)

    def _retry_apart(self, items: Sequence[_Waiting], error: TocsinError) -> None:
        """Find the delivery that the engine chokes on by halves, so that it fails alone."""
        if len(items) == 1:
            log.error(
                "a delivery could not be stored", extra={"format": items[0].delivery.format.name, "reason": str(error)}
            )
            _answer(items[0], error)
            return
        middle = len(items) // 2
        self._commit(items[:middle])
        self._commit(items[middle:])

    def _remember(self, token: str) -> None:
        if token:
            self._tokens[token] = None
            while len(self._tokens) > _REMEMBERED_TOKENS:
                self._tokens.popitem(last=False)


def _answer_all(items: Sequence[_Waiting], outcome: Receipt | TocsinError) -> None:
    for item in items:
        _answer(item, outcome)


def _answer(item: _Waiting, outcome: Receipt | TocsinError) -> None:
    def settle() -> None:
        if item.future.done():  # The sender went away.
            return
        if isinstance(outcome, Receipt):
            item.future.set_result(outcome)
        else:
            item.future.set_exception(outcome)

    try:
        item.loop.call_soon_threadsafe(settle)
    except RuntimeError:  # The loop is closed: nobody is left to answer.
        log.debug("a sender is gone")


def _last_batch(columns: Columns, writer: str) -> int:
    """Return the highest number of this writer in the store, those of batches that a crash cut short included."""
    name = bind(writer)
    (last,) = columns.fetch(
        compose("SELECT max(batch) AS batch, max(ingested) AS ingested FROM batches WHERE writer = {name}", name=name)
    )
    # Rows of an unfinished batch arrived after the last finished one was received; an hour allows for a waiting queue.
    since = bind(max(parse_time(last["ingested"]) - timedelta(hours=1), _EPOCH))
    tables = " UNION ALL ".join(
        f"SELECT max(batch) AS batch FROM {table} WHERE writer = {{name}} AND ingested >= {{since}}"
        for table in ("audit", "logs", "rejected")
    )
    (found,) = columns.fetch(compose(f"SELECT max(batch) AS batch FROM ({tables})", name=name, since=since))
    return max(int(last["batch"]), int(found["batch"]))


def _recent_tokens(columns: Columns, now: datetime) -> list[str]:
    rows = columns.fetch(
        compose(
            "SELECT arrayJoin(tokens) AS token FROM batches WHERE ingested > {since} "
            f"ORDER BY ingested DESC LIMIT {_REMEMBERED_TOKENS}",
            since=bind(now - timedelta(days=2)),
        )
    )
    return [str(row["token"]) for row in reversed(rows)]
