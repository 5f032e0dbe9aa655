"""Intake stops before the disk is full and goes on by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.model.errors import StorageFull
from tocsin.store.disk import DiskGuard, free_bytes
from tocsin.testing.clock import VirtualClock


async def test_refuses_below_the_reserve_and_recovers_above_it(clock: VirtualClock) -> None:
    """It needs a tenth more to open again, so that it does not flap."""
    free = [1000]
    guard = DiskGuard(Path("/"), 500, clock, free=lambda _: free[0])
    guard.admit()

    free[0] = 499
    guard.admit()  # Looked within this second.
    await clock.advance(1)
    with pytest.raises(StorageFull, match="nothing was kept"):
        guard.admit()

    free[0] = 510
    await clock.advance(1)
    assert guard.full
    free[0] = 550
    await clock.advance(1)
    guard.admit()


def test_the_real_disk_has_a_size(tmp_path: Path) -> None:
    """`statvfs` counts what we may use."""
    assert free_bytes(tmp_path) > 0
