"""The values that templates work on, and how Go sees them: types, truth, fields.

| Go | here |
|---|---|
| nil | None |
| bool, int, float64, string | bool, int, float, str |
| a slice | list or tuple |
| a map | any Mapping with text or number keys; `TextMap` for map[string]string, whose missing keys are empty texts |
| a struct | `Struct` |
| a type with methods | a class with a `go_methods` table; `String` makes its text, here by `go_string` |

Anything else is refused: a template sees only what it is given, and calls only what such a table names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from tocsin.query.gotemplate.errors import Fault

Methods = Mapping[str, "Function"]


class Function:
    """Something a template may call.

    Args:
        call: What does it. Errors of its arguments are Faults.
        parameters: What it takes, one entry for each argument.
        rest: What it takes any number of after those, if it does.
        metered: True if `call` takes the rendering's Meter as its first argument.
    """

    __slots__ = ("call", "metered", "parameters", "rest")

    def __init__(
        self,
        call: Callable[..., object],
        *parameters: Parameter,
        rest: Parameter | None = None,
        metered: bool = False,
    ) -> None:
        self.call = call
        self.parameters = parameters
        self.rest = rest
        self.metered = metered

    def check(self, name: str, arguments: Sequence[object]) -> None:
        """Raise Fault if these are not the arguments that it takes."""
        wanted = len(self.parameters)
        if self.rest and len(arguments) < wanted:
            raise Fault(f"wrong number of args for {name}: want at least {wanted} got {len(arguments)}")
        if not self.rest and len(arguments) != wanted:
            raise Fault(f"wrong number of args for {name}: want {wanted} got {len(arguments)}")
        for index, argument in enumerate(arguments):
            parameter = self.parameters[index] if index < wanted else self.rest
            if parameter and not parameter.accepts(argument):
                raise Fault(f"wrong type for value; expected {parameter.name}; got {type_name(argument)}")


class Parameter:
    """What an argument may be.

    Args:
        name: The Go type, for errors.
        accepts: Whether a value is one.
    """

    __slots__ = ("accepts", "name")

    def __init__(self, name: str, accepts: Callable[[object], bool]) -> None:
        self.name = name
        self.accepts = accepts


class TextMap(dict[str, str]):
    """map[string]string: a key that is missing counts as an empty text."""

    go_type: ClassVar[str] = "map[string]string"


class Struct:
    """A Go struct: named fields in order, and methods by a table.

    Args:
        type_name: As Go prints it, such as `template.Alert`.
        fields: Their values by name.
        methods: What can be called on it; each gets the struct first.
    """

    __slots__ = ("fields", "go_methods", "go_type")

    def __init__(self, type_name: str, fields: Mapping[str, object], methods: Methods | None = None) -> None:
        self.go_type = type_name
        self.fields = fields
        self.go_methods: Methods = methods or {}


def is_number(value: object) -> bool:
    """True for int and float, not for bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: object) -> bool:
    """True for int, not for bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_list(value: object) -> bool:
    """True for what Go would have as a slice."""
    return isinstance(value, list | tuple)


def _are_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


ANY = Parameter("interface {}", lambda _: True)
TEXT = Parameter("string", lambda value: isinstance(value, str))
INTEGER = Parameter("int", is_integer)
LIST = Parameter("[]interface {}", is_list)
TEXTS = Parameter("[]string", _are_texts)

_PLAIN = {bool, int, float, str, list, tuple, dict}
_NAMES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "bool"),
    (int, "int"),
    (float, "float64"),
    (str, "string"),
    ((list, tuple), "[]interface {}"),
    (Mapping, "map[string]interface {}"),
    (Function, "func"),
)


def type_name(value: object) -> str:
    """The Go type of a value, as `%T` prints it."""
    if value is None:
        return "<nil>"
    named = getattr(value, "go_type", None)
    if isinstance(named, str):
        return named
    return next((name for kind, name in _NAMES if isinstance(value, kind)), "an unknown type")


def own_text(value: object) -> str | None:
    """The text of a value whose type has a method `String` in Go, here `go_string`; None for the others."""
    if type(value) in _PLAIN:
        return None
    write = getattr(value, "go_string", None)
    return str(write()) if callable(write) else None


def truth(value: object) -> bool:
    """Whether a value counts as true: not false, zero, nil, or empty."""
    if isinstance(value, bool | int | float | str | list | tuple | Mapping):
        return bool(value)
    return value is not None


def method(value: object, name: str) -> Function | None:
    """A method of a value, if its type has one of this name."""
    table = getattr(value, "go_methods", None)
    return table.get(name) if isinstance(table, Mapping) else None


def field(value: object, name: str) -> object:
    """A struct's field or a map's entry. Raises Fault if there is no such field."""
    if isinstance(value, Struct):
        if name in value.fields:
            return value.fields[name]
        raise Fault(f"can't evaluate field {name} in type {value.go_type}")
    if isinstance(value, Mapping):
        return entry(value, name)
    if value is None:
        raise Fault(f"nil pointer evaluating interface {{}}.{name}")
    raise Fault(f"can't evaluate field {name} in type {type_name(value)}")


def entry(value: Mapping[object, object], key: object) -> object:
    """A map's entry; what Go has for a missing one: an empty text in a map of texts, else nil."""
    if isinstance(value, TextMap):
        return value.get(str(key), "")
    return value.get(key)


def sorted_items(value: Mapping[object, object]) -> list[tuple[object, object]]:
    """A map's entries in the order Go ranges over them and prints them: numbers, then texts, each ascending."""
    return sorted(value.items(), key=lambda item: (isinstance(item[0], str), item[0]))
