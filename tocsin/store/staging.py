"""Encodes deliveries as the engine's RowBinary, for the temporary table `staged`.

RowBinary: https://clickhouse.com/docs/interfaces/formats/RowBinary
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from tocsin.store.base import Delivery

STAGED_COLUMNS = ("delivery", "format", "received", "context", "body")
STAGED_TABLE = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS staged (delivery UInt32, format String, received DateTime64(6, 'UTC'), "
    "context Map(String, String), body String) ENGINE = Memory"
)


def encode(deliveries: Iterable[tuple[int, Delivery]]) -> bytes:
    """Return the RowBinary rows of numbered deliveries. The payloads are copied once and not looked into."""
    parts: list[bytes] = []
    for number, delivery in deliveries:
        micros = round(delivery.received.timestamp() * 1_000_000)
        parts += [struct.pack("<I", number), *_string(delivery.format.name.encode()), struct.pack("<q", micros)]
        parts.append(_varint(len(delivery.context)))
        for key, value in delivery.context.items():
            parts += [*_string(key.encode()), *_string(value.encode("utf-8", "replace"))]
        parts += _string(delivery.payload)
    return b"".join(parts)


def _string(value: bytes) -> tuple[bytes, bytes]:
    return _varint(len(value)), value


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
