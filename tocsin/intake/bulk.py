"""Reads files (or standard input) for bulk load: decompressed, cut into chunks of whole records, with progress."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from tocsin.intake.collectors.cuts import whole_lines, whole_records
from tocsin.intake.compression import MAGIC, Decompressor
from tocsin.intake.formats.detect import detect
from tocsin.intake.formats.table import format_named
from tocsin.intake.settings import AUTO
from tocsin.model.errors import InvalidInput

CHUNK_BYTES = 4 << 20
_BLOCK = 32 << 10
_ROOM = 1 << 20
_RECORD_BYTES = 8 << 20
_DOCUMENT_BYTES = 512 << 20
_LISTS = ("items", "events", "records", "entries", "logEvents")
"""Members that hold the records of a JSON document."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a file.

    Attributes:
        lines: Whole records, one a line.
        format: The name of their format, found by the first chunk if it was not given.
        read: Bytes of the file (as it is, compressed or not) read so far.
        total: Its size in bytes; None if that is not known, as with a pipe.
    """

    lines: bytes
    format: str
    read: int
    total: int | None


def chunks(source: Path | BinaryIO, size: int = CHUNK_BYTES, row_format: str = AUTO) -> Iterator[Chunk]:
    """Yield a file's content in chunks of about `size` bytes.

    gzip and zstd are known by their first bytes. A file that is one JSON document (an array, or an object with a list
    of `items`, `events`, `records`, `entries` or `logEvents`) is taken apart into its records.

    Args:
        source: A path, or an open binary file such as `sys.stdin.buffer`.
        size: Bytes of a chunk; a single record may be larger.
        row_format: A format's name, or `auto`.

    Raises:
        InvalidInput: The compressed data is damaged or cut short, after all whole records before the damage; or
            `row_format` is unknown.
        OSError: The file cannot be read.
    """
    name = "" if row_format == AUTO else format_named(row_format).name
    with _opened(source) as file:
        content = _Content(file)
        sample = content.upto(size)
        if _is_document(sample, whole=len(sample) < size):
            sample += content.upto(_DOCUMENT_BYTES - len(sample))
            sample = _records(sample) or sample
        name = name or detect(sample)
        content.put_back(sample)
        yield from _cut(content, size, name)
        if content.fault:
            where = getattr(file, "name", "standard input")
            raise InvalidInput(f"{where}: {content.fault}; the records before that were read")


def _cut(content: _Content, size: int, name: str) -> Iterator[Chunk]:
    rest, goal = b"", size
    while True:
        data = rest + content.upto(goal - len(rest))
        if content.ended:
            # A last line needs no end, but what damage tore in two is no record.
            end = whole_lines(data) if content.fault else len(data)
        else:
            end = _end_of_records(data, name)
            if not end and goal < _RECORD_BYTES:
                rest, goal = data, goal * 2
                continue
            end = end or len(data)
        if data[:end].strip():
            yield Chunk(data[:end], name, content.read, content.total)
        if content.ended:
            return
        rest, goal = data[end:], size


def _end_of_records(data: bytes, name: str) -> int:
    lines = whole_lines(data)
    return whole_records(data[:lines], name) or lines


class _Content:
    """The decompressed content of an open file. After damage it ends, and `fault` says what it was."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        facts = os.fstat(file.fileno()) if _has_descriptor(file) else None
        self.total = facts.st_size if facts and stat.S_ISREG(facts.st_mode) else None
        self.read = 0
        self.fault: InvalidInput | None = None
        self._front = memoryview(b"")
        self._exhausted = False
        self._block = self._next_block()
        encoding = next((name for magic, name in MAGIC.items() if self._block.startswith(magic)), "")
        self._stream = Decompressor(encoding) if encoding else None

    @property
    def ended(self) -> bool:
        """True if nothing is left."""
        return self._exhausted and not self._front

    def put_back(self, data: bytes) -> None:
        """Let `data` be what comes next."""
        self._front = memoryview(data)

    def upto(self, size: int) -> bytes:
        """Return the next `size` bytes; fewer only at the end."""
        parts: list[bytes] = [bytes(self._front[: max(0, size)])]
        self._front = self._front[len(parts[0]) :]
        size -= len(parts[0])
        while size > 0 and not self._exhausted:
            part = self._part(min(size, _ROOM))
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _part(self, room: int) -> bytes:
        if self._stream is None:
            part, self._block = self._block[:room], self._block[room:]
            if not self._block:
                self._block = self._next_block()
                self._exhausted = not self._block
            return part
        try:
            part = self._stream.feed(self._block, room)
            self._block = b""
            if self._stream.hungry:
                self._block = self._next_block()
                self._exhausted = not self._block
        except InvalidInput as error:
            self.fault, self._exhausted = error, True
            return b""
        if self._exhausted and not self._stream.complete:
            self.fault = InvalidInput("the compressed data ends too early")
        return part

    def _next_block(self) -> bytes:
        block = self._file.read(_BLOCK)
        self.read += len(block)
        return block


def _has_descriptor(file: BinaryIO) -> bool:
    try:
        file.fileno()
    except OSError:
        return False
    return True


@contextmanager
def _opened(source: Path | BinaryIO) -> Iterator[BinaryIO]:
    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
        yield file


def _is_document(sample: bytes, *, whole: bool) -> bool:
    """True if JSON text may be one value over several lines, or on one endless line, rather than a value a line."""
    text = sample.lstrip()
    if text[:1] == b"[":
        return True
    line, end, rest = text.partition(b"\n")
    if text[:1] != b"{" or (whole and not rest.strip()):
        return False
    return not end or not line.rstrip().endswith(b"}")


def _records(document: bytes) -> bytes:
    """Return the records of a JSON document, one a line; b"" if it is none."""
    try:
        if document.lstrip()[:1] == b"[":
            found = msgspec.json.decode(document, type=list[msgspec.Raw])
        else:
            members = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
            name = next((name for name in _LISTS if bytes(members.get(name, b"")).startswith(b"[")), None)
            found = msgspec.json.decode(members[name], type=list[msgspec.Raw]) if name else [msgspec.Raw(document)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b""
    # Line ends in JSON stand between tokens only, so a blank does as well.
    return b"\n".join(bytes(record).replace(b"\n", b" ").replace(b"\r", b" ") for record in found) + b"\n"
