"""JSON as Go's encoding/json writes it: sorted keys, `<`, `>` and `&` escaped."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from tocsin.query.gotemplate import floats
from tocsin.query.gotemplate.errors import Fault
from tocsin.query.gotemplate.limits import Meter, Sink
from tocsin.query.gotemplate.values import Struct, sorted_items, type_name

_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_NESTING = 50


def encode(meter: Meter, value: object) -> str:
    """A value as JSON. Raises Fault if it has no JSON form or if that grows too long."""
    sink = Sink(meter)
    _write(sink, value, 0)
    return sink.text()


def _write(sink: Sink, value: object, depth: int) -> None:
    if depth > _NESTING:
        raise Fault(f"the value nests deeper than {_NESTING} levels")
    if isinstance(value, Struct):
        _write_object(sink, [(_json_name(name), item) for name, item in value.fields.items()], depth)
    elif isinstance(value, Mapping):
        _write_object(sink, [(str(name), item) for name, item in sorted_items(value)], depth)
    elif isinstance(value, list | tuple):
        sink.write("[")
        for index, item in enumerate(value):
            sink.write("," if index else "")
            _write(sink, item, depth + 1)
        sink.write("]")
    else:
        sink.write(_scalar(value))


def _write_object(sink: Sink, items: list[tuple[str, object]], depth: int) -> None:
    sink.write("{")
    for index, (name, item) in enumerate(items):
        sink.write(("," if index else "") + _text(name) + ":")
        _write(sink, item, depth + 1)
    sink.write("}")


def _json_name(name: str) -> str:
    return name[:1].lower() + name[1:]


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).translate(_ESCAPES)


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float) and math.isfinite(value):
        return _number(value)
    encoded = getattr(value, "go_json", None)
    if callable(encoded):
        return _text(str(encoded()))
    raise Fault(f"json: unsupported value: {type_name(value)}")


def _number(value: float) -> str:
    if value and not 1e-6 <= abs(value) < 1e21:
        return floats.shortest(value, exponent_from=21).replace("e-0", "e-")
    return floats.shortest(value, exponent_from=21, exponent_below=-6)
