"""Floating point numbers as Go writes them."""

from __future__ import annotations

import math
from decimal import Decimal

_SHORTEST = 6


def shortest(value: float, exponent_from: int = _SHORTEST, exponent_below: int = -4) -> str:
    """The shortest text that reads back as `value`: `%v`; with an exponent below and from the given powers of ten.

    Infinities are `+Inf` and `-Inf`, no number is `NaN`.
    """
    if not math.isfinite(value):
        return special(value)
    sign, digits, power = Decimal(repr(value)).as_tuple()
    assert isinstance(power, int)  # noqa: S101 - finite numbers have a power.
    text = "".join(map(str, digits)).rstrip("0") or "0"
    exponent = len(digits) + power - 1 if any(digits) else 0
    minus = "-" if sign else ""
    if exponent < exponent_below or exponent >= exponent_from:
        fraction = f".{text[1:]}" if len(text) > 1 else ""
        return f"{minus}{text[0]}{fraction}e{exponent:+03d}"
    if exponent < 0:
        return f"{minus}0.{'0' * (-exponent - 1)}{text}"
    whole = text.ljust(exponent + 1, "0")
    fraction = whole[exponent + 1 :]
    return minus + whole[: exponent + 1] + (f".{fraction}" if fraction else "")


def special(value: float) -> str:
    """`NaN`, `+Inf` or `-Inf`."""
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"


def fixed(value: float, verb: str, precision: int) -> str:
    """A number with a verb of `e`, `f`, `g` (or their capitals) and a precision."""
    return f"{value:.{precision}{verb}}" if math.isfinite(value) else special(value)


def hexadecimal(value: float) -> str:
    """`%x` of a number: `0x1.8p+01`."""
    if not math.isfinite(value):
        return special(value)
    mantissa, _, power = value.hex().partition("p")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}{'.' + fraction if fraction else ''}p{int(power):+03d}"


def significant(value: float, digits: int = 4) -> str:
    """`%.4g`."""
    return fixed(value, "g", digits)
