"""Takes the next piece of a growing file, ending where a record does."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.intake.collectors.cuts import whole_lines, whole_records
from tocsin.intake.collectors.readers import Reader

PIECE_BYTES = 1 << 20
"""Usual size of one delivery."""
RECORD_BYTES = 8 << 20
"""A record longer than this is handed over in parts."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What can be handed over now.

    Attributes:
        payload: Whole records; empty if there are none yet.
        at_end: True if nothing but an unfinished record follows.
        held: True if a record is there in part, in lines that are whole.
    """

    payload: bytes
    at_end: bool
    held: bool = False


def take(reader: Reader, offset: int, row_format: str, *, last: bool = False, patient: bool = True) -> Piece:
    """Read the next piece from `offset`.

    Args:
        reader: The file.
        offset: Where the next record begins.
        row_format: The format's name; empty if it is not known yet.
        last: The file will not grow any more: a last line needs no end.
        patient: Wait for the missing pieces of a record; else hand over those that are there.

    Raises:
        OSError: The file cannot be read.
        InvalidInput: It is compressed and damaged.
    """
    piece = _take(reader, offset, PIECE_BYTES, row_format, last, patient)
    if piece.payload or piece.at_end:
        return piece
    return _take(reader, offset, RECORD_BYTES, row_format, last, patient)


def _take(reader: Reader, offset: int, size: int, row_format: str, last: bool, patient: bool) -> Piece:
    data = reader.read(offset, size)
    ended = len(data) < size
    lines = len(data) if ended and last else whole_lines(data)
    if not lines and len(data) >= RECORD_BYTES:
        lines = len(data)
    records = whole_records(data[:lines], row_format)
    held = records < lines
    if held and ((ended and not patient) or (not records and len(data) >= RECORD_BYTES)):
        records, held = lines, False
    return Piece(data[:records], ended, held)


def read_exactly(reader: Reader, offset: int, end: int) -> bytes:
    """Return the content from `offset` to `end`, as a delivery under way had it; b"" if it is not there any more."""
    data = reader.read(offset, end - offset)
    return data if len(data) == end - offset else b""
