"""Decompression as a stream whose output is bounded at every step, so that no input can make it use much memory."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Protocol

from tocsin.model.errors import InvalidInput

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_FAULTS = (zlib.error, zstd.ZstdError)


class _Member(Protocol):
    """One compressed stream, as `zstd.ZstdDecompressor` reads it; files may hold several, one after the other."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Zlib:
    """A `_Member` over zlib. Args: window: zlib's `wbits`, which says the container (gzip, zlib or none)."""

    def __init__(self, window: int) -> None:
        self._stream = zlib.decompressobj(window)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out = self._stream.decompress(self._stream.unconsumed_tail + data, max_length)
        self.needs_input = len(out) < max_length
        return out


def _gzip() -> _Member:
    return _Zlib(16 + zlib.MAX_WBITS)


def _deflate() -> _Member:
    return _Zlib(zlib.MAX_WBITS)


def _zstd() -> _Member:
    return zstd.ZstdDecompressor()


_MEMBERS: Mapping[str, Callable[[], _Member]] = {"gzip": _gzip, "deflate": _deflate, "zstd": _zstd}
MAGIC: Mapping[bytes, str] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
"""The bytes that a compressed file begins with, and its encoding."""


class Decompressor:
    """Decompresses a stream of one or more members.

    Args:
        encoding: `gzip`, `deflate` (zlib's format, as HTTP means it) or `zstd`.
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._new = _MEMBERS[encoding]
        self._member: _Member | None = None
        self._rest = b""
        self._fault: InvalidInput | None = None

    @property
    def complete(self) -> bool:
        """True if all input was used and the last member has ended."""
        return self._member is None and not self._rest

    @property
    def hungry(self) -> bool:
        """True if nothing more comes out before more goes in."""
        return not self._fault and not self._rest and (self._member is None or self._member.needs_input)

    def feed(self, data: bytes, room: int) -> bytes:
        """Take `data` (kept if there is no room for what comes of it) and return at most `room` bytes.

        Raises InvalidInput if the input is not of this encoding or was damaged; what came before the damage is returned
        first.
        """
        if self._fault:
            raise self._fault
        self._rest += data
        parts: list[bytes] = []
        try:
            while room > 0 and self._begun():
                parts.append(self._step(room))
                room -= len(parts[-1])
        except _FAULTS as error:
            self._fault = InvalidInput(f"not valid {self._encoding}: {error}")
            if not any(parts):
                raise self._fault from None
        return b"".join(parts)

    def _begun(self) -> bool:
        """Begin a member if there is input for one; True if there is more to do."""
        if self._member is None:
            # Tape archivers and some tools put zeros behind or between members.
            self._rest = self._rest.lstrip(b"\0")
            self._member = self._new() if self._rest else None
        return not self.hungry

    def _step(self, room: int) -> bytes:
        assert self._member is not None  # noqa: S101 - `_begun` saw to it.
        data, self._rest = self._rest, b""
        part = self._member.decompress(data, room)
        if self._member.eof:
            self._rest = self._member.unused_data
            self._member = None
        return part
