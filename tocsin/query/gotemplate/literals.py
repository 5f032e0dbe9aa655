"""Reads Go's literals: numbers, quoted and raw strings, characters."""

from __future__ import annotations

import math
import re

from tocsin.query.gotemplate.errors import Fault

_INTEGER = re.compile(r"[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|0|[1-9](?:_?[0-9])*)")
_OCTAL = re.compile(r"[+-]?0[0-7]+")
_NO_OCTAL = re.compile(r"[+-]?0[0-9_]+")
_FLOAT = re.compile(
    r"[+-]?(?:[0-9](?:_?[0-9])*\.?(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9](?:_?[0-9])*)?"
)
_HEX_FLOAT = re.compile(r"[+-]?0[xX](?:_?[0-9a-fA-F])*\.?[0-9a-fA-F]*[pP][+-]?[0-9]+")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_LIMITS = (-(2**63), 2**63 - 1)


def number(text: str) -> int | float:
    """An integer (decimal, 0x, 0o, 0b, 64 bits) or a floating point number. Raises Fault for anything else."""
    if _INTEGER.fullmatch(text):
        return _integer(text)
    try:
        if _FLOAT.fullmatch(text) and not _NO_OCTAL.fullmatch(text):
            return _finite(float(text), text)
        if _HEX_FLOAT.fullmatch(text):
            return float.fromhex(text.replace("_", ""))
    except OverflowError:
        raise Fault(f"number overflow: {text!r}") from None
    if text.endswith("i"):
        raise Fault(f"complex numbers are not supported: {text!r}")
    raise Fault(f"bad number syntax: {text!r}")


def _finite(value: float, text: str) -> float:
    if math.isinf(value):
        raise Fault(f"number overflow: {text!r}")
    return value


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    if len(digits) > 70:
        raise Fault("integer overflow")
    value = int(digits, 8) if _OCTAL.fullmatch(digits) else int(digits, 0)
    if not _LIMITS[0] <= value <= _LIMITS[1]:
        raise Fault(f"integer overflow: {text!r}")
    return value


def string(text: str) -> str:
    """The value of a string literal in double quotes or backquotes."""
    if text.startswith("`"):
        return text[1:-1].replace("\r", "")
    return _unescape(text[1:-1], '"')


def character(text: str) -> int:
    """The code of a character literal such as `'a'`."""
    value = _unescape(text[1:-1], "'")
    if len(value) != 1:
        raise Fault(f"malformed character constant: {text}")
    return ord(value)


def _unescape(text: str, quote: str) -> str:
    # \xNN and \NNN are bytes, which together may make up one character.
    out = bytearray()
    position = 0
    for found in _ESCAPE.finditer(text):
        out += text[position : found.start()].encode(errors="replace")
        out += _escaped(found, quote)
        position = found.end()
    return (bytes(out) + text[position:].encode(errors="replace")).decode(errors="replace")


def _escaped(found: re.Match[str], quote: str) -> bytes:
    byte, octal, plain = found[1], found[4], found[5]
    wide = found[2] or found[3]
    if byte:
        return bytes([int(byte, 16)])
    if octal and int(octal, 8) < 256:
        return bytes([int(octal, 8)])
    if wide and int(wide, 16) < 0x110000 and not 0xD800 <= int(wide, 16) < 0xE000:
        return chr(int(wide, 16)).encode()
    if plain == quote:
        return quote.encode()
    if plain in _SIMPLE:
        return _SIMPLE[plain].encode()
    raise Fault(f"invalid escape {found[0]!r}")
