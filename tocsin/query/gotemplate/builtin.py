"""The functions that Go's templates know from the start. `and`, `or` and `call` are the interpreter's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tocsin.query.gotemplate import comparing, formatting, quoting
from tocsin.query.gotemplate.errors import Fault
from tocsin.query.gotemplate.limits import Meter
from tocsin.query.gotemplate.values import ANY, TEXT, Function, entry, is_integer, truth, type_name


def _length(value: object) -> int:
    if isinstance(value, str):
        return len(value.encode(errors="replace"))
    if isinstance(value, list | tuple | Mapping):
        return len(value)
    if value is None:
        raise Fault("len of nil pointer")
    raise Fault(f"len of type {type_name(value)}")


def _index(value: object, *keys: object) -> object:
    if value is None:
        raise Fault("index of untyped nil")
    for key in keys:
        value = _step(value, key)
    return value


def _step(value: object, key: object) -> object:
    if isinstance(value, Mapping):
        if not isinstance(key, str) and not is_integer(key):
            raise Fault(f"value has type {type_name(key)}; should be string")
        if value and isinstance(key, str) != isinstance(next(iter(value)), str):
            raise Fault(f"value has type {type_name(key)}; should be {type_name(next(iter(value)))}")
        return entry(value, key)
    if isinstance(value, str):
        value = value.encode(errors="replace")
    if isinstance(value, list | tuple | bytes):
        return value[_position(key, len(value) - 1)]
    if value is None:
        raise Fault("index of nil pointer")
    raise Fault(f"can't index item of type {type_name(value)}")


def _position(key: object, last: int) -> int:
    if not isinstance(key, int) or isinstance(key, bool):
        raise Fault(f"cannot index slice/array with type {type_name(key)}")
    if not 0 <= key <= last:
        raise Fault(f"index out of range: {key}")
    return key


def _slice(value: object, *bounds: object) -> object:
    if value is None:
        raise Fault("slice of untyped nil")
    if not isinstance(value, str | list | tuple):
        raise Fault(f"can't slice item of type {type_name(value)}")
    if len(bounds) > (2 if isinstance(value, str) else 3):
        raise Fault(f"too many slice indexes: {len(bounds)}")
    data: Sequence[object] | bytes = value.encode(errors="replace") if isinstance(value, str) else value
    places = [_position(bound, len(data)) for bound in bounds]
    if places != sorted(places):
        raise Fault(f"invalid slice index: {places[0]} > {places[1]}")
    cut = data[slice(*places[:2])] if len(places) > 1 else data[places[0] :] if places else data
    return cut.decode(errors="replace") if isinstance(cut, bytes) else cut


def _joined(meter: Meter, *values: object) -> str:
    if len(values) == 1 and isinstance(values[0], str):
        return values[0]
    return formatting.sprint(meter, *("<no value>" if value is None else value for value in values))


FUNCTIONS: Mapping[str, Function] = {
    **comparing.FUNCTIONS,
    "not": Function(lambda value: not truth(value), ANY),
    "len": Function(_length, ANY),
    "index": Function(_index, ANY, rest=ANY),
    "slice": Function(_slice, ANY, rest=ANY),
    "print": Function(formatting.sprint, rest=ANY, metered=True),
    "printf": Function(formatting.sprintf, TEXT, rest=ANY, metered=True),
    "println": Function(formatting.sprintln, rest=ANY, metered=True),
    "html": Function(
        lambda meter, *values: quoting.EscapedHtml(quoting.html(_joined(meter, *values))), rest=ANY, metered=True
    ),
    "js": Function(lambda meter, *values: quoting.js(_joined(meter, *values)), rest=ANY, metered=True),
    "urlquery": Function(lambda meter, *values: quoting.query(_joined(meter, *values)), rest=ANY, metered=True),
}
SPECIAL = frozenset({"and", "or", "call"})
"""Names that the interpreter evaluates itself, since they do not evaluate all of their arguments first."""
