"""Where a piece of a growing file may end, so that no record is torn in two."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Stream:
    """How the lines of one stream are told in a format that writes long lines in pieces.

    Attributes:
        marker: Bytes that every line of the stream holds.
        piece, end: What a line that is a piece, or the last piece, begins with.
    """

    marker: bytes
    piece: re.Pattern[bytes]
    end: re.Pattern[bytes]


def _cri(stream: bytes) -> _Stream:
    head = rb"\d{4}-\d\d-\d\dT\S+ " + stream + b" %s(?::\\S*)?(?: |$)"
    return _Stream(b" %s " % stream, re.compile(head % b"P", re.MULTILINE), re.compile(head % b"F", re.MULTILINE))


def _docker(stream: bytes) -> _Stream:
    rest = rb',"stream":"' + stream + b'"'
    piece = re.compile(rb'\{"log":"(?:[^"\\]|\\.)*"' + rest)
    return _Stream(b'"stream":"%s"' % stream, piece, re.compile(rb'\{"log":"(?:[^"\\]|\\.)*\\n"' + rest))


_STREAMS: Mapping[str, tuple[_Stream, ...]] = {
    "cri": (_cri(b"stdout"), _cri(b"stderr")),
    "docker-json": (_docker(b"stdout"), _docker(b"stderr")),
}


def whole_lines(data: bytes) -> int:
    """Return the length of `data` up to and with its last line end; 0 if it has none."""
    return data.rfind(b"\n") + 1


def whole_records(data: bytes, row_format: str) -> int:
    """Return the length up to which `data`, which ends with a line end, holds whole records of a format.

    Runtimes write a long line in several pieces; a record is whole when its last piece is there. 0 if none is.
    """
    streams = _STREAMS.get(row_format, ())
    cut = len(data)
    # A cut before one stream's unfinished line may fall into a line of the other.
    while (earlier := min((_unfinished(data, cut, stream) for stream in streams), default=cut)) < cut:
        cut = earlier
    return cut


def _unfinished(data: bytes, end: int, stream: _Stream) -> int:
    """Return where the stream's unfinished line begins in `data[:end]`; `end` if it has none.

    Goes back from the end to the last finished line, past other streams' lines and texts that hold the marker.
    """
    start = position = end
    while (position := data.rfind(stream.marker, 0, position)) >= 0:
        line = data.rfind(b"\n", 0, position) + 1
        if stream.end.match(data, line, end):
            break
        if stream.piece.match(data, line, end):
            start = line
        position = line
    return start
