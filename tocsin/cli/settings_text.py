"""Every setting as text: its key, type, default and meaning, out of the types that decode the settings file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

import msgspec
from msgspec import inspect as types

_NAMES: dict[type[types.Type], str] = {
    types.StrType: "text",
    types.IntType: "number",
    types.FloatType: "number",
    types.BoolType: "true or false",
    types.NoneType: "nothing",
    types.AnyType: "anything",
}
_CUSTOM = {"Duration": "duration, such as 30s or 1h30m", "ByteSize": "size, such as 64KiB or 10GiB"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        path: Its keys from the top; `[]` stands for each item of a list, `*` for each key of a mapping.
        type: What is expected, in words.
        default: The default in YAML; None if the setting must be given.
        about: What it means.
        inner: The settings below it; empty for a plain value.
        collection: `[]` if it is a list of settings, else empty.
    """

    path: tuple[str, ...]
    type: str
    default: str | None
    about: str
    inner: tuple[Setting, ...] = ()
    collection: str = ""


def settings_of(struct: type[msgspec.Struct], path: tuple[str, ...] = ()) -> tuple[Setting, ...]:
    """Return the settings that a struct decodes, in the order of their definition."""
    info = types.type_info(struct)
    if not isinstance(info, types.StructType):
        raise TypeError(f"{struct} is no struct")
    return tuple(_setting(field, path) for field in info.fields)


def flat(settings: tuple[Setting, ...]) -> Iterator[Setting]:
    """Yield settings depth first."""
    for setting in settings:
        yield setting
        yield from flat(setting.inner)


def as_yaml(settings: tuple[Setting, ...], depth: int = 0) -> Iterator[str]:
    """Yield the lines of a settings file that says what holds anyway, with the meanings as comments.

    What has no default, and the items of lists, stand as comments.
    """
    margin = "  " * depth
    for setting in settings:
        yield from _commented(f"{setting.about} ({setting.type})", margin)
        key = setting.path[-1]
        if setting.inner and not setting.collection and setting.default not in {"null"}:
            yield f"{margin}{key}:"
            yield from as_yaml(setting.inner, depth + 1)
            continue
        yield f"{margin}{key}: {setting.default}"
        for line in _example(setting.inner, bool(setting.collection)):
            yield f"{margin}# {line}"
        yield ""


def _setting(field: types.Field, path: tuple[str, ...]) -> Setting:
    place = (*path, field.encode_name)
    about, inner = _described(field.type)
    struct, collection = _struct_in(inner)
    below = settings_of(struct, (*place, collection) if collection else place) if struct else ()
    return Setting(place, _words(inner), _default(field), about, below, collection)


def _described(type_: types.Type) -> tuple[str, types.Type]:
    about = ""
    while isinstance(type_, types.Metadata):
        about = (type_.extra_json_schema or {}).get("description", "") or about
        type_ = type_.type
    return about, type_


def _struct_in(type_: types.Type) -> tuple[type[msgspec.Struct] | None, str]:
    match type_:
        case types.StructType():
            return type_.cls, ""
        case types.ListType() | types.VarTupleType():
            found, _ = _struct_in(_described(type_.item_type)[1])
            return found, "[]" if found else ""
        case types.UnionType():
            found_of = [_struct_in(_described(member)[1]) for member in type_.types]
            return next(((struct, "") for struct, _ in found_of if struct), (None, ""))
    return None, ""


def _words(type_: types.Type) -> str:
    match type_:
        case types.ListType() | types.VarTupleType():
            return f"list of {_words(_described(type_.item_type)[1])}"
        case types.DictType():
            return f"mapping of {_words(_described(type_.value_type)[1])}"
        case types.UnionType():
            members = [_words(_described(m)[1]) for m in type_.types if not isinstance(m, types.NoneType)]
            return " or ".join(members) + (", optional" if len(members) < len(type_.types) else "")
        case types.CustomType():
            return _CUSTOM.get(type_.cls.__name__, type_.cls.__name__)
    return _plain_words(type_)


def _plain_words(type_: types.Type) -> str:
    if isinstance(type_, types.StructType):
        return "settings"
    if isinstance(type_, types.LiteralType):
        return "one of " + ", ".join(f"`{value}`" for value in type_.values)
    if isinstance(type_, types.EnumType):
        return "one of " + ", ".join(f"`{member.value}`" for member in type_.cls)
    return _NAMES.get(type(type_), "value")


def _default(field: types.Field) -> str | None:
    if field.required:
        return None
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return yaml_value(value)


def yaml_value(value: Any) -> str:
    """Write a value in YAML's flow style, on one line; durations and sizes as people write them."""
    if isinstance(value, msgspec.Struct):
        return _mapping((name, getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, Mapping):
        return _mapping(value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(map(yaml_value, value)) + "]"
    return _scalar(value)


def _mapping(items: Iterable[tuple[Any, Any]]) -> str:
    return "{" + ", ".join(f"{_scalar(name)}: {yaml_value(item)}" for name, item in items) + "}"


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta | int | float):
        return str(value)
    return json.dumps(str(value), ensure_ascii=False)


def _example(settings: tuple[Setting, ...], item: bool, lead: str = "") -> Iterator[str]:
    """Yield lines that show the settings of an item, or of something that is not there by default."""
    for number, setting in enumerate(settings):
        start = ("- " if number == 0 else "  ") if item else "  "
        shown = "(needed)" if setting.default is None else setting.default
        if setting.inner:
            yield f"{lead}{start}{setting.path[-1]}:   {setting.about}"
            yield from _example(setting.inner, bool(setting.collection), lead + "    ")
        else:
            yield f"{lead}{start}{setting.path[-1]}: {shown}   {setting.about} ({setting.type})"


def _commented(text: str, margin: str) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(margin) + len(line) + len(word) > 110:
            yield f"{margin}# {line}"
            line = ""
        line = f"{line} {word}".strip()
    yield f"{margin}# {line}"
