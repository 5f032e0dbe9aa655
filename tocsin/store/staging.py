"""Encodes deliveries as the engine's RowBinary, for the temporary table `staged`.

RowBinary: https://clickhouse.com/docs/interfaces/formats/RowBinary
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

from tocsin.store.base import Delivery

STAGED_COLUMNS = ("delivery", "format", "received", "context", "body")
STAGED_TABLE = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS staged (delivery UInt32, format String, received DateTime64(6, 'UTC'), "
    "context Map(String, String), body String) ENGINE = Memory"
)

# Field 2047, wire type varint.
_DELIVERY_TAG = b"\xf8\x7f"


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


def frame(bodies: Iterable[tuple[int, bytes]]) -> bytes:
    """Return numbered Protobuf messages as the engine's format `Protobuf` reads them: each after its length.

    The number becomes the field `delivery = 2047` of the message. It comes first, so that a body that is cut short
    cannot swallow it.
    """
    parts: list[bytes] = []
    for number, body in bodies:
        head = _DELIVERY_TAG + _varint(number)
        parts += [_varint(len(head) + len(body)), head, body]
    return b"".join(parts)


def encode_bodies(bodies: Iterable[tuple[int, bytes, int, Mapping[str, str]]]) -> bytes:
    """Return RowBinary rows of (number, body, milliseconds, labels), as `(number, milliseconds, labels, body)`."""
    parts: list[bytes] = []
    for number, body, millis, labels in bodies:
        parts += [struct.pack("<Iq", number, millis), _varint(len(labels))]
        for key, value in labels.items():
            parts += [*_string(key.encode("utf-8", "replace")), *_string(value.encode("utf-8", "replace"))]
        parts += _string(body)
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
