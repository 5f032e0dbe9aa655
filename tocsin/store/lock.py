"""One process at a time over a data directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from tocsin.model.errors import StoreFailed


def hold(directory: Path) -> IO[str]:
    """Take the directory until the returned file is closed or the process ends, however it ends.

    Raises StoreFailed, naming the other process, if it is taken.
    """
    directory.mkdir(parents=True, exist_ok=True)
    file = (directory / "lock").open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        other = file.read().strip() or "unknown"
        file.close()
        raise StoreFailed(f"the data directory {directory} is in use by another Tocsin (process {other})") from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file
