"""Opens log files, plain and compressed, and reads them at any offset of their decompressed content."""

from __future__ import annotations

import hashlib
import os
from typing import Protocol

import msgspec

from tocsin.intake.compression import MAGIC, Decompressor
from tocsin.model.errors import InvalidInput

HEAD_BYTES = 1024
# Small, so that little is lost of what comes before damage.
_STEP = 32 << 10
_ROOM = 1 << 20
COMPRESSED = (".gz", ".zst")


class Head(msgspec.Struct, frozen=True):
    """A file's first bytes, at most `HEAD_BYTES` of them, by which its content is known again.

    Attributes:
        length: How many bytes.
        digest: Their hash.
    """

    length: int = 0
    digest: str = ""

    @classmethod
    def of(cls, data: bytes) -> Head:
        """Return the head of content that begins with `data`."""
        first = data[:HEAD_BYTES]
        return cls(len(first), hashlib.blake2b(first, digest_size=16).hexdigest())

    def begins(self, data: bytes) -> bool:
        """True if content that begins with `data` may be what this is the head of, grown since."""
        return len(data) >= self.length and Head.of(data[: self.length]) == self


class Reader(Protocol):
    """An open file."""

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes at `offset` of the content; fewer only at its end. Raises OSError, InvalidInput."""
        ...

    def stat(self) -> os.stat_result:
        """The file's facts, whether or not a path still leads to it."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class PlainReader:
    """A file as it is."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self, offset: int, size: int) -> bytes:
        """See `Reader.read`."""
        parts: list[bytes] = []
        while size > 0 and (part := os.pread(self._fd, size, offset)):
            parts.append(part)
            offset += len(part)
            size -= len(part)
        return b"".join(parts)

    def stat(self) -> os.stat_result:
        """See `Reader.stat`."""
        return os.fstat(self._fd)

    def close(self) -> None:
        """See `Reader.close`."""
        os.close(self._fd)


class CompressedReader:
    """The content of a compressed file, which can only be read forwards: going back begins anew.

    A file that is still being written ends where its last whole block does.
    """

    def __init__(self, path: str) -> None:
        self._file = PlainReader(path)
        magic = self._file.read(0, 4)
        self._encoding = next((name for mark, name in MAGIC.items() if magic.startswith(mark)), "gzip")
        self._rewind()

    def _rewind(self) -> None:
        self._stream = Decompressor(self._encoding)
        self._damaged = False
        self._raw = 0
        self._at = 0
        self._kept = b""

    @property
    def ended(self) -> bool:
        """True if nothing follows what was read: the compressed stream has its end there, or is damaged."""
        return self._damaged or (self._stream.complete and not self._file.read(self._raw, 1))

    def read(self, offset: int, size: int) -> bytes:
        """See `Reader.read`. What was read last may be asked for again; what comes before damage is returned."""
        if offset < self._at:
            self._rewind()
        while self._at + len(self._kept) < offset + size:
            try:
                part = self._more()
            except InvalidInput:
                self._damaged = True
                if self._at + len(self._kept) <= offset:
                    raise
                break
            if not part:
                break
            self._kept += part
            self._drop(offset)
        self._drop(offset)
        return self._kept[:size] if offset == self._at else b""

    def _drop(self, offset: int) -> None:
        gone = min(offset - self._at, len(self._kept))
        self._kept = self._kept[gone:]
        self._at += gone

    def _more(self) -> bytes:
        while True:
            if self._stream.hungry:
                raw = self._file.read(self._raw, _STEP)
                if not raw:
                    return b""
                self._raw += len(raw)
            else:
                raw = b""
            if part := self._stream.feed(raw, _ROOM):
                return part

    def stat(self) -> os.stat_result:
        """See `Reader.stat`."""
        return self._file.stat()

    def close(self) -> None:
        """See `Reader.close`."""
        self._file.close()


def open_reader(path: str) -> PlainReader | CompressedReader:
    """Open a file by its name: `.gz` and `.zst` are decompressed. Raises OSError."""
    return CompressedReader(path) if path.endswith(COMPRESSED) else PlainReader(path)
