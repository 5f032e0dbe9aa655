"""Gives back the pages of the engine's library that only its start needed.

The library is half a gigabyte of code. Starting it touches pages all over, and the kernel maps their neighbours along;
they count as the process's memory though they are only the file's cache. Dropping the mapping of the *code* (which is
never written, so nothing can be lost) costs a fault for each page that is needed again.
"""

from __future__ import annotations

import ctypes
import logging
from pathlib import Path

log = logging.getLogger(__name__)

_MADV_DONTNEED = 4
_LIBRARY = "_chdb"


def shed_start_up_code() -> None:
    """Unmap the engine's code where it is resident; does nothing where /proc is missing."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for line in maps.read_text().splitlines():
        addresses, permissions, *rest = line.split(None, 5)
        if permissions == "r-xp" and _LIBRARY in rest[-1]:
            start, end = (int(part, 16) for part in addresses.split("-"))
            if libc.madvise(start, end - start, _MADV_DONTNEED) != 0:
                log.debug("the engine's code stays mapped", extra={"errno": ctypes.get_errno()})
