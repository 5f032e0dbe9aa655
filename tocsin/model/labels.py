"""Label sets and their fingerprint, as Prometheus and Alertmanager compute it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Labels: TypeAlias = Mapping[str, str]

_FNV_OFFSET = 0xCBF29CE484222325
_FNV_PRIME = 0x100000001B3
_SEPARATOR = b"\xff"


def fingerprint(labels: Labels) -> str:
    """Return the 64-bit FNV-1a hash of a label set as 16 hex digits.

    Names are taken in sorted order, each name and value followed by the byte 0xFF, as `LabelSet.Fingerprint` of
    prometheus/common does, so that an alert has the same fingerprint here as in an Alertmanager.
    """
    value = _FNV_OFFSET
    for name in sorted(labels):
        for part in (name, labels[name]):
            for byte in part.encode("utf-8", "surrogatepass") + _SEPARATOR:
                value = ((value ^ byte) * _FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"
