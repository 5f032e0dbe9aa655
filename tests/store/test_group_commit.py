"""Group commit of anything: who shares a batch, who is refused, and that nobody waits for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from tocsin.kit.units import ByteSize, Duration
from tocsin.model.errors import InvalidInput, Overloaded, StoreFailed, TocsinError, TryLater
from tocsin.store.group_commit import GroupCommit
from tocsin.store.settings import WriterSettings

_SOON = WriterSettings(linger=Duration(milliseconds=20), pause=Duration(), queue_bytes=ByteSize(100))


class _Committing:
    """Answers with the item and its batch's size; waits until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.entered = threading.Event()

    def __call__(self, items: Sequence[str]) -> Sequence[str | TocsinError]:
        self.entered.set()
        self.go.wait()
        if "boom" in items:
            raise RuntimeError("boom")
        return [InvalidInput(item) if item == "bad" else f"{item} of {len(items)}" for item in items]


def _group(commit: _Committing, settings: WriterSettings = _SOON) -> GroupCommit[str, str]:
    group = GroupCommit[str, str]("test", commit, len, settings)
    group.start()
    return group


async def test_items_that_arrive_together_share_a_batch_and_get_their_own_outcome() -> None:
    """One bad item does not take the others along."""
    group = _group(_Committing())

    outcomes = await asyncio.gather(*(group.submit(item) for item in ("a", "bad", "c")), return_exceptions=True)
    group.stop()

    assert outcomes[0] == "a of 3"
    assert isinstance(outcomes[1], InvalidInput)
    assert outcomes[2] == "c of 3"


async def test_an_unforeseen_failure_is_answered_and_the_next_batch_goes_on() -> None:
    """The senders get an error, not silence."""
    group = _group(_Committing())

    with pytest.raises(StoreFailed, match="RuntimeError"):
        await group.submit("boom")

    assert await group.submit("next") == "next of 1"
    group.stop()


async def test_a_full_queue_refuses_and_a_stopped_one_drains() -> None:
    """What was taken is committed; what was not is told so."""
    commit = _Committing()
    commit.go.clear()
    group = _group(commit)
    first = asyncio.create_task(group.submit("x" * 60))
    await asyncio.sleep(0)
    await asyncio.to_thread(commit.entered.wait)
    second = asyncio.create_task(group.submit("y" * 60))
    await asyncio.sleep(0)

    with pytest.raises(Overloaded):
        await group.submit("z" * 60)
    commit.go.set()
    await asyncio.to_thread(group.stop)

    assert (await first).startswith("x")
    assert (await second).startswith("y")
    with pytest.raises(TryLater):
        await group.submit("late")
