"""Watches the free space of the data directory's disk, so that intake stops before the engine breaks."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tocsin.kit.clock import Clock
from tocsin.kit.units import ByteSize
from tocsin.model.errors import StorageFull

_LOOK_EVERY = 1.0
_RECOVERY = 1.1


def free_bytes(path: Path) -> int:
    """Bytes that an unprivileged process may still write on the disk of `path`."""
    facts = os.statvfs(path)
    return facts.f_bavail * facts.f_frsize


class DiskGuard:
    """Refuses intake while too little space is free; lets it in again by itself, a tenth above the limit.

    Args:
        path: A directory on the disk.
        reserve: Bytes to keep free.
        clock: To look at most once a second.
        free: How to look; tests give their own.
    """

    def __init__(self, path: Path, reserve: int, clock: Clock, free: Callable[[Path], int] = free_bytes) -> None:
        self._path = path
        self._reserve = reserve
        self._clock = clock
        self._free = free
        self._looked = -_LOOK_EVERY
        self._full = False

    @property
    def full(self) -> bool:
        """True while intake is refused."""
        now = self._clock.monotonic()
        if now - self._looked >= _LOOK_EVERY:
            self._looked = now
            limit = self._reserve * (_RECOVERY if self._full else 1.0)
            self._full = self._free(self._path) < limit
        return self._full

    def admit(self) -> None:
        """Raise StorageFull while less than the reserve is free."""
        if self.full:
            raise StorageFull(
                f"less than {ByteSize(self._reserve)} is free on the disk of the data directory (store.disk_reserve); "
                "nothing was kept",
                retry_after=10,
            )
