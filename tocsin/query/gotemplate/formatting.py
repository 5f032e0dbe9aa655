"""Go's fmt: Sprint, Sprintln and Sprintf over template values (https://pkg.go.dev/fmt)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tocsin.query.gotemplate import floats, quoting
from tocsin.query.gotemplate.errors import Fault
from tocsin.query.gotemplate.limits import Meter, Sink
from tocsin.query.gotemplate.values import Struct, is_integer, own_text, sorted_items, type_name

_LARGEST = 1_000_000
"""The largest width and precision, as in Go."""

_DIRECTIVE = re.compile(
    r"(?P<flags>[-+# 0]*)(?P<windex>\[[^\]]*\])?(?P<width>\*|\d+)?"
    r"(?P<dot>\.(?P<pindex>\[[^\]]*\])?(?P<precision>\*|\d+)?)?(?P<vindex>\[[^\]]*\])?(?P<verb>.)?",
    re.DOTALL,
)
_BASES = {"d": "d", "v": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_PREFIXES = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}
_NESTING = 50


@dataclass(frozen=True, slots=True)
class Spec:
    """A verb with its flags, width and precision."""

    verb: str
    flags: str = ""
    width: int | None = None
    precision: int | None = None

    def has(self, flag: str) -> bool:
        """Whether a flag is set."""
        return flag in self.flags

    @property
    def signed(self) -> bool:
        """Whether positive numbers have a sign; `%+v` means the names of fields instead."""
        return self.has("+") and self.verb != "v"

    def padded(self, text: str) -> str:
        """A text padded with spaces to the width."""
        if self.width is None:
            return text
        return text.ljust(self.width) if self.has("-") else text.rjust(self.width)


_PLAIN = Spec("v")


def sprint(meter: Meter, *values: object) -> str:
    """Go's Sprint: a space between two values neither of which is a text. Raises Fault if it grows too long."""
    sink = Sink(meter)
    for index, value in enumerate(values):
        if index and not isinstance(value, str) and not isinstance(values[index - 1], str):
            sink.write(" ")
        _write(sink, value, _PLAIN)
    return sink.text()


def sprintln(meter: Meter, *values: object) -> str:
    """Go's Sprintln: spaces between all, and a line end."""
    sink = Sink(meter)
    for index, value in enumerate(values):
        sink.write(" " if index else "")
        _write(sink, value, _PLAIN)
    sink.write("\n")
    return sink.text()


def sprintf(meter: Meter, layout: str, *values: object) -> str:
    """Go's Sprintf. Mistakes show in the text as Go shows them, such as `%!d(string=hi)`."""
    sink = Sink(meter)
    _Layout(sink, values).write(layout)
    return sink.text()


class _Layout:
    def __init__(self, sink: Sink, values: Sequence[object]) -> None:
        self._sink = sink
        self._values = values
        self._next = 0
        self._reordered = False
        self._good = True

    def write(self, layout: str) -> None:
        position = 0
        while (percent := layout.find("%", position)) >= 0:
            self._sink.write(layout[position:percent])
            found = _DIRECTIVE.match(layout, percent + 1)
            assert found  # noqa: S101 - every part of it may be missing.
            self._directive(found)
            position = found.end()
        self._sink.write(layout[position:])
        if not self._reordered and self._next < len(self._values):
            self._extra()

    def _directive(self, found: re.Match[str]) -> None:
        self._good = True
        self._index(found["windex"])
        flags = found["flags"]
        width = self._size(found["width"], "WIDTH")
        if width is not None and width < 0:
            flags, width = flags + "-", -width
        precision = None
        if found["dot"]:
            self._index(found["pindex"])
            precision = self._size(found["precision"] or "0", "PREC")
            precision = None if precision is not None and precision < 0 else precision
        self._index(found["vindex"])
        self._verb(found["verb"], flags, width, precision)

    def _verb(self, verb: str | None, flags: str, width: int | None, precision: int | None) -> None:
        if verb is None:
            self._sink.write("%!(NOVERB)")
        elif verb == "%":
            self._sink.write("%")
        elif not self._good:
            self._sink.write(f"%!{verb}(BADINDEX)")
        elif self._next >= len(self._values):
            self._sink.write(f"%!{verb}(MISSING)")
        else:
            self._next += 1
            _write(self._sink, self._values[self._next - 1], Spec(verb, flags, width, precision))

    def _size(self, text: str | None, what: str) -> int | None:
        if text is None:
            return None
        if text != "*":
            if len(text) < 9 and int(text) <= _LARGEST:
                return int(text)
        elif self._next < len(self._values):
            self._next += 1
            value = self._values[self._next - 1]
            if isinstance(value, int) and is_integer(value) and abs(value) <= _LARGEST:
                return value
        self._sink.write(f"%!(BAD{what})")
        return None

    def _index(self, text: str | None) -> None:
        if text is None:
            return
        self._reordered = True
        digits = text[1:-1]
        if digits.isascii() and digits.isdigit() and len(digits) < 9 and 1 <= int(digits) <= len(self._values):
            self._next = int(digits) - 1
        else:
            self._good = False

    def _extra(self) -> None:
        self._sink.write("%!(EXTRA ")
        for index in range(self._next, len(self._values)):
            value = self._values[index]
            self._sink.write(", " if index > self._next else "")
            self._sink.write(type_name(value))
            if value is not None:
                self._sink.write("=")
                _write(self._sink, value, _PLAIN)
        self._sink.write(")")


def _write(sink: Sink, value: object, spec: Spec, depth: int = 0) -> None:
    if max(spec.width or 0, spec.precision or 0) > sink.limit:
        raise Fault(f"the text grows beyond {sink.limit} characters")
    if depth > _NESTING:
        raise Fault(f"the value nests deeper than {_NESTING} levels")
    if spec.verb == "T":
        sink.write(spec.padded(type_name(value)))
    elif value is None and depth:
        sink.write("<nil>")
    elif value is None:
        sink.write(spec.padded("<nil>") if spec.verb == "v" else f"%!{spec.verb}(<nil>)")
    elif spec.verb in "vsxXq" and (text := own_text(value)) is not None:
        sink.write(_text(text, spec))
    elif isinstance(value, list | tuple | Struct | Mapping):
        _write_many(sink, value, spec, depth)
    else:
        text = _scalar(value, spec)
        sink.write(_bad(value, spec) if text is None else text)


def _write_many(sink: Sink, value: Struct | Mapping[object, object] | Sequence[object], spec: Spec, depth: int) -> None:
    sharp = spec.verb == "v" and spec.has("#")
    opening, closing, between = _brackets(value, sharp=sharp)
    sink.write(opening)
    for index, (name, item) in enumerate(_items(value)):
        sink.write(between if index else "")
        if isinstance(value, Mapping):
            _write(sink, name, spec, depth + 1)
            sink.write(":")
        elif isinstance(value, Struct) and spec.verb == "v" and (sharp or spec.has("+")):
            sink.write(f"{name}:")
        _write(sink, item, spec, depth + 1)
    sink.write(closing)


def _brackets(value: object, *, sharp: bool) -> tuple[str, str, str]:
    if sharp:
        return type_name(value) + "{", "}", ", "
    if isinstance(value, Struct):
        return "{", "}", " "
    return ("map[", "]", " ") if isinstance(value, Mapping) else ("[", "]", " ")


def _items(value: Struct | Mapping[object, object] | Sequence[object]) -> Sequence[tuple[object, object]]:
    if isinstance(value, Struct):
        return list(value.fields.items())
    if isinstance(value, Mapping):
        return sorted_items(value)
    return list(enumerate(value))


def _scalar(value: object, spec: Spec) -> str | None:
    """The text of a value without parts; None if the verb does not go with it."""
    if isinstance(value, bool):
        return spec.padded("true" if value else "false") if spec.verb in "tv" else None
    if isinstance(value, int):
        return _integer(value, spec)
    if isinstance(value, float):
        return _float(value, spec)
    if isinstance(value, str):
        return _text(value, spec) if spec.verb in "vsxXq" else None
    raise Fault(f"{type_name(value)} cannot be printed")


def _bad(value: object, spec: Spec) -> str:
    shown = _scalar(value, replace(spec, verb="v", flags=spec.flags.replace("#", "")))
    return f"%!{spec.verb}({type_name(value)}={shown})"


def _text(text: str, spec: Spec) -> str:
    if spec.precision is not None and spec.verb not in "xX":
        text = text[: spec.precision]
    if spec.verb in "xX":
        text = _hexadecimal(text, spec)
    elif spec.verb == "q" or (spec.verb == "v" and spec.has("#")):
        if spec.has("#") and spec.verb == "q" and quoting.can_backquote(text):
            text = f"`{text}`"
        else:
            text = quoting.quote(text, ascii_only=spec.has("+"))
    return spec.padded(text)


def _hexadecimal(text: str, spec: Spec) -> str:
    data = text.encode(errors="replace")
    data = data if spec.precision is None else data[: spec.precision]
    prefix = "0x" if spec.has("#") else ""
    parts = [f"{prefix}{byte:02x}" for byte in data] if spec.has(" ") else [prefix + data.hex()] if data else []
    shown = " ".join(parts)
    return shown.upper() if spec.verb == "X" else shown


def _integer(value: int, spec: Spec) -> str | None:
    if spec.verb in _BASES:
        return _in_base(value, spec)
    if spec.verb in "cqU":
        return _character(value, spec)
    # Go formats an integer with no verb of floating point numbers.
    return None


def _character(value: int, spec: Spec) -> str:
    good = 0 <= value < 0x110000 and not 0xD800 <= value < 0xE000
    character = chr(value) if good else "\ufffd"
    if spec.verb == "c":
        return spec.padded(character)
    if spec.verb == "q":
        return spec.padded(quoting.quote(character, "'", ascii_only=spec.has("+")))
    shown = f"U+{value & (2**64 - 1):0{max(spec.precision or 0, 4)}X}"
    return spec.padded(f"{shown} '{character}'" if spec.has("#") and character.isprintable() else shown)


def _in_base(value: int, spec: Spec) -> str:
    if spec.precision == 0 and value == 0:
        return spec.padded("")
    digits = format(abs(value), _BASES[spec.verb])
    digits = digits.rjust(spec.precision or 0, "0")
    sign = "-" if value < 0 else "+" if spec.signed else " " if spec.has(" ") else ""
    prefix = _PREFIXES.get(spec.verb, "") if spec.has("#") else ""
    prefix = "0o" if spec.verb == "O" else prefix
    if prefix == "0" and digits.startswith("0"):
        prefix = ""
    if spec.has("0") and not spec.has("-") and spec.width and spec.precision is None:
        digits = digits.rjust(spec.width - len(sign), "0")
    return spec.padded(sign + prefix + digits)


def _float(value: float, spec: Spec) -> str | None:
    verb = "g" if spec.verb == "v" else "f" if spec.verb == "F" else spec.verb
    if verb not in "eEfgGxX":
        return None
    shown = _digits(value, verb, spec.precision, 21 if spec.verb == "v" and spec.has("#") else 6)
    sign, digits = (shown[0], shown[1:]) if shown[0] in "+-" else ("", shown)
    if not sign and (spec.signed or spec.has(" ")):
        sign = "+" if spec.signed else " "
    elif sign == "+" and spec.has(" ") and not spec.signed:
        sign = " "
    if spec.has("0") and not spec.has("-") and spec.width and digits[0].isdigit():
        digits = digits.rjust(spec.width - len(sign), "0")
    return spec.padded(sign + digits)


def _digits(value: float, verb: str, precision: int | None, exponent_from: int) -> str:
    if verb in "xX":
        shown = floats.hexadecimal(value)
        return shown.upper() if verb == "X" and math.isfinite(value) else shown
    if verb in "gG" and precision is None:
        shown = floats.shortest(value, exponent_from)
        return shown.upper() if verb == "G" and math.isfinite(value) else shown
    return floats.fixed(value, verb, 6 if precision is None else precision)
