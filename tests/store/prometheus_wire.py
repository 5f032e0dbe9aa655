"""Builds Protobuf bodies by hand, so that tests can also build wrong ones.

Wire format: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""Prometheus' staleness marker. Python keeps the bits of a NaN as long as nothing is computed with it."""

Labels = Mapping[str, str] | Sequence[tuple[str, str]]
Sample = tuple[int, float]


def varint(number: int) -> bytes:
    """An unsigned number; a negative one as 64-bit two's complement."""
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def nested(number: int, content: bytes | str) -> bytes:
    """A length-delimited field."""
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def integer(number: int, value: int) -> bytes:
    """A varint field."""
    return varint(number << 3) + varint(value)


def double(number: int, value: float) -> bytes:
    """A 64-bit field."""
    return varint(number << 3 | 1) + struct.pack("<d", value)


def pairs(labels: Labels) -> list[tuple[str, str]]:
    """Label pairs in the order given."""
    return list(labels.items()) if isinstance(labels, Mapping) else list(labels)


def label(name: str, value: str) -> bytes:
    """A `Label` of 1.0."""
    return nested(1, nested(1, name) + nested(2, value))


def series(labels: Labels, *samples: Sample, extra: bytes = b"") -> bytes:
    """A `TimeSeries` of 1.0 as field of its request; samples are (milliseconds, value)."""
    content = b"".join(label(name, value) for name, value in pairs(labels))
    content += b"".join(nested(2, double(1, value) + integer(2, time)) for time, value in samples)
    return nested(1, content + extra)


def exemplar(labels: Labels, time: int, value: float) -> bytes:
    """An `Exemplar` of 1.0 as field of its series."""
    content = b"".join(label(name, text) for name, text in pairs(labels))
    return nested(3, content + double(2, value) + integer(3, time))


def metadata(name: str, kind: int, help_: str, unit: str = "") -> bytes:
    """A `MetricMetadata` of 1.0 as field of its request."""
    return nested(3, integer(1, kind) + nested(2, name) + nested(4, help_) + nested(5, unit))


class Request:
    """A request of 2.0, built series by series."""

    def __init__(self) -> None:
        self.symbols: list[str] = [""]
        self.series: list[bytes] = []

    def ref(self, text: str) -> int:
        """The position of a text among the symbols; added if it is new."""
        if text not in self.symbols:
            self.symbols.append(text)
        return self.symbols.index(text)

    def refs(self, labels: Labels) -> bytes:
        """Field 1: the labels' positions, packed."""
        return nested(1, b"".join(varint(self.ref(text)) for pair in pairs(labels) for text in pair))

    def add(self, labels: Labels, *samples: Sample, extra: bytes = b"") -> Request:
        """Add a series; samples are (milliseconds, value)."""
        content = self.refs(labels) + b"".join(nested(2, double(1, v) + integer(2, t)) for t, v in samples)
        self.series.append(nested(5, content + extra))
        return self

    def exemplar(self, labels: Labels, time: int, value: float) -> bytes:
        """An `Exemplar` as field of its series."""
        return nested(4, self.refs(labels) + double(2, value) + integer(3, time))

    def metadata(self, kind: int, help_: str, unit: str = "") -> bytes:
        """A `Metadata` as field of its series."""
        return nested(5, integer(1, kind) + integer(3, self.ref(help_)) + integer(4, self.ref(unit)))

    def encode(self) -> bytes:
        """The body."""
        return b"".join(nested(4, text) for text in self.symbols) + b"".join(self.series)
