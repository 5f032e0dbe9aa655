"""How far each file was read, kept so that a restart goes on where the last delivery was accepted."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

log = logging.getLogger(__name__)


class Position(msgspec.Struct, kw_only=True, frozen=True):
    """How far one file was read.

    Attributes:
        path: Where it was found, or was before it went.
        device, inode: Which file it is while it exists.
        head_length, head_digest: Its first bytes, which tell it from another file with the same inode, and a copy or
            compressed copy of it from other files.
        origin: A name that its content keeps through renames and compression; part of the deliveries' tokens.
        format: The format that was found.
        offset: Bytes (decompressed) whose delivery was accepted.
        pending: End of the delivery that was under way when this was saved; `offset` if none was.
        done: True if all of it was read and it is gone, or compressed; kept to know it, and copies of it, again.
        at: Unix time at which it last moved.
    """

    path: str
    device: int
    inode: int
    head_length: int
    head_digest: str
    origin: str
    format: str
    offset: int
    pending: int
    done: bool = False
    at: float = 0.0


class Positions(Protocol):
    """Where positions are kept."""

    def load(self) -> list[Position]:
        """Return what was saved last; empty if nothing ever was."""
        ...

    def save(self, positions: Sequence[Position]) -> None:
        """Keep `positions` instead of what was there; on disk when this returns. Raises OSError."""
        ...


class _File(msgspec.Struct, kw_only=True):
    version: int
    files: list[Position]


class FilePositions:
    """Positions in one JSON file, replaced as a whole.

    Args:
        path: The file; its directory must exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> list[Position]:
        """See `Positions.load`. A file that cannot be read is put aside: then everything is read again."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_File).files
        except FileNotFoundError:
            return []
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            aside = self._path.with_suffix(".broken")
            self._path.replace(aside)
            log.warning(
                "the positions of followed files cannot be read; files are read again from their beginning",
                extra={"path": str(self._path), "aside": str(aside), "reason": str(error)},
            )
            return []

    def save(self, positions: Sequence[Position]) -> None:
        """See `Positions.save`."""
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(_File(version=1, files=list(positions))))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
