"""Group commit: who is answered when, what is refused, and where numbering goes on after a restart."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tests.store.events import delivery, event
from tocsin.kit.units import ByteSize, Duration
from tocsin.model.errors import Overloaded, StorageFull, TryLater
from tocsin.store.base import Columns, Receipt
from tocsin.store.committer import Committed
from tocsin.store.settings import WriterSettings
from tocsin.store.sql import Sql
from tocsin.store.writer import Writer, WriterHooks
from tocsin.testing.clock import VirtualClock

_SOON = WriterSettings(linger=Duration(milliseconds=20), pause=Duration())


@pytest.fixture
def writer(columns: Columns, clock: VirtualClock) -> Iterator[Writer]:
    """A started writer."""
    writer = Writer(columns, _SOON, clock)
    writer.start()
    yield writer
    writer.stop()


async def test_deliveries_that_arrive_together_share_a_batch(writer: Writer, columns: Columns) -> None:
    """Twenty senders, one insert, and each gets its own account."""
    receipts = await asyncio.gather(*(writer.submit(delivery(event(f"a{n}"))) for n in range(20)))

    assert {r.batch for r in receipts} == {1}
    assert all(r.accepted == 1 for r in receipts)
    (stored,) = columns.fetch(Sql("SELECT count() AS n FROM audit"))
    assert stored["n"] == 20


async def test_a_token_seen_before_is_acknowledged_and_not_stored(writer: Writer, columns: Columns) -> None:
    """A sender that repeats a delivery after a lost answer gets a 2xx and no second copy."""
    await writer.submit(delivery(event("a1"), token="t"))

    again = await writer.submit(delivery(event("b1"), event("b2"), token="t"))

    assert again == Receipt(batch=1, accepted=0, duplicates=2)
    assert columns.fetch(Sql("SELECT audit_id FROM audit")) == [{"audit_id": "a1"}]


async def test_numbers_and_tokens_survive_a_restart(columns: Columns, clock: VirtualClock) -> None:
    """A new process goes on after the last number, those of batches that a crash cut short included."""
    first = Writer(columns, _SOON, clock)
    first.start()
    await first.submit(delivery(event("a1"), token="t"))
    first.stop()
    columns.run(Sql("INSERT INTO audit (writer, batch, ingested, audit_id) SELECT 'local', 9, now64(6), 'torn'"))

    second = Writer(columns, _SOON, clock)
    second.start()
    repeated = await second.submit(delivery(event("a1"), token="t"))
    fresh = await second.submit(delivery(event("a2")))
    second.stop()

    assert repeated.accepted == 0
    assert fresh.batch == 10


class _Stuck:
    """Hooks that hold the writer's thread after its first batch, so that the queue fills."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.release = threading.Event()

    def committed(self, _batch: int, _done: Committed, _size: int, _seconds: float) -> None:
        self.entered.set()
        assert self.release.wait(30)


async def test_a_full_queue_refuses_and_says_when_to_come_back(columns: Columns, clock: VirtualClock) -> None:
    """Memory is bounded; what was taken in is still stored."""
    stuck = _Stuck()
    settings = WriterSettings(linger=Duration(), pause=Duration(), queue_deliveries=2, queue_bytes=ByteSize(1 << 20))
    writer = Writer(columns, settings, clock, WriterHooks(committed=stuck.committed))
    writer.start()
    await writer.submit(delivery(event("a1")))
    await asyncio.to_thread(stuck.entered.wait, 30)
    waiting = [asyncio.ensure_future(writer.submit(delivery(event(f"b{n}")))) for n in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(Overloaded) as refused:
        await writer.submit(delivery(event("c1")))

    assert refused.value.retry_after > 0
    stuck.release.set()
    assert [r.accepted for r in await asyncio.gather(*waiting)] == [1, 1]
    await asyncio.to_thread(writer.stop)


async def test_stopping_commits_what_waits_and_refuses_the_rest(columns: Columns, clock: VirtualClock) -> None:
    """A graceful stop loses nothing that was taken in."""
    writer = Writer(columns, WriterSettings(linger=Duration(seconds=5)), clock)
    writer.start()
    waiting = asyncio.ensure_future(writer.submit(delivery(event("a1"))))
    await asyncio.sleep(0)

    await asyncio.to_thread(writer.stop)

    assert (await waiting).accepted == 1
    with pytest.raises(TryLater):
        await writer.submit(delivery(event("a2")))


async def test_a_full_disk_refuses_before_anything_is_taken(columns: Columns, clock: VirtualClock) -> None:
    """Nothing is kept, so nothing can be lost."""

    def full() -> None:
        raise StorageFull("full")

    writer = Writer(columns, _SOON, clock, WriterHooks(admit=full))
    writer.start()
    with pytest.raises(StorageFull):
        await writer.submit(delivery(event("a1")))
    writer.stop()
    assert columns.fetch(Sql("SELECT count() AS n FROM audit")) == [{"n": 0}]
