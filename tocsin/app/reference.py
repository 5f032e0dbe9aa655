"""Every setting with its type, default and meaning, read off the settings' types: `config --defaults` and the docs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec
from msgspec import inspect

from tocsin.app.settings import Settings
from tocsin.kit.units import ByteSize, Duration

_WORDS: dict[type[Any], str] = {
    inspect.StrType: "text",
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.BoolType: "true or false",
    inspect.NoneType: "nothing",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        key: Its dotted path; `[]` stands for each item of a list.
        type: What it takes, in words.
        default: Its default as YAML writes it; empty if it is required, None if it is a group.
        about: Its meaning.
        depth: How deep it is nested.
    """

    key: str
    type: str
    default: str | None
    about: str
    depth: int


def settings(type_: type[msgspec.Struct] = Settings, prefix: str = "", depth: int = 0) -> Iterator[Setting]:
    """Yield every setting, each group before its members, in the order of definition."""
    for field in msgspec.structs.fields(type_):
        about, described = _described(field.type)
        key = f"{prefix}{field.encode_name}"
        inner, many = _struct_in(described)
        given = field.default
        if given is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
            given = field.default_factory()
        if inner is None:
            yield Setting(key, _type(described), _default(given), about, depth)
        else:
            optional = given is None or many
            yield Setting(
                key + ("[]" if many else ""), "list" if many else "group", "" if optional else None, about, depth
            )
            yield from settings(inner, f"{key}{'[]' if many else ''}.", depth + 1)


def defaults_yaml() -> str:
    """Return a settings file in which every setting has its default and its meaning as a comment.

    It is valid as it stands and means the same as no file at all: lists, optional groups and required settings inside
    them are commented out.
    """
    lines: list[str] = []
    hidden: str | None = None
    for each in settings():
        if hidden is not None and not each.key.startswith(hidden):
            hidden = None
        indent = "  " * each.depth
        lines.append(f"{indent}# {each.about}")
        name = each.key.rsplit(".", 1)[-1].removesuffix("[]")
        if hidden is None and each.default == "" and each.type in {"list", "group"}:
            hidden = f"{each.key}."
            lines.append(f"{indent}# {name}:")
        elif hidden is not None:
            value = "" if each.default in {None, ""} else f" {each.default}"
            lines.append(f"{indent}# {name}:{value}  ({each.type})" if not value else f"{indent}# {name}:{value}")
        else:
            lines.append(f"{indent}{name}:" + ("" if each.default is None else f" {each.default}"))
    return "\n".join(lines) + "\n"


def markdown() -> str:
    """Return the reference page."""
    head = (
        "# Settings\n\nAll of `tocsin.yaml`. No file at all means all defaults. A secret can be given in a "
        "file instead, by the key with `_file` behind it. Durations: `250ms`, `30s`, `5m`, `7d`. Sizes: "
        "`64KiB`, `16MiB`. `tocsin config --defaults` prints the same as YAML; `tocsin check` names file, line "
        "and key of every mistake. This page is generated.\n\n| Key | Takes | Default | Meaning |\n|---|---|---|---|\n"
    )
    rows = [
        f"| `{s.key}` | {s.type} | {f'`{s.default}`' if s.default else ''} | {s.about.replace('|', chr(92) + '|')} |"
        for s in settings()
    ]
    return head + "\n".join(rows) + "\n"


def _described(type_: Any) -> tuple[str, inspect.Type]:
    described = inspect.type_info(type_)
    if isinstance(described, inspect.Metadata):
        return (described.extra_json_schema or {}).get("description", ""), described.type
    return "", described


def _struct_in(described: inspect.Type) -> tuple[type[msgspec.Struct] | None, bool]:
    """Return the settings struct that a type holds, and whether it is a list of them."""
    if isinstance(described, inspect.StructType):
        return described.cls, False
    if isinstance(described, inspect.ListType | inspect.VarTupleType) and isinstance(
        described.item_type, inspect.StructType
    ):
        return described.item_type.cls, True
    if isinstance(described, inspect.UnionType):
        found = [_struct_in(each) for each in described.types]
        return next((pair for pair in found if pair[0] is not None and not pair[1]), (None, False))
    return None, False


def _type(described: inspect.Type) -> str:  # noqa: PLR0911 - one line per kind of type
    if isinstance(described, inspect.CustomType):
        return {Duration: "duration", ByteSize: "size"}.get(described.cls, described.cls.__name__)
    if isinstance(described, inspect.LiteralType):
        return " or ".join(f"`{value}`" for value in described.values)
    if isinstance(described, inspect.EnumType):
        return " or ".join(f"`{member.value}`" for member in described.cls)
    if isinstance(described, inspect.ListType | inspect.VarTupleType):
        return f"list of {_type(described.item_type)}"
    if isinstance(described, inspect.DictType):
        return f"map of {_type(described.key_type)} to {_type(described.value_type)}"
    if isinstance(described, inspect.UnionType):
        return " or ".join(_type(t) for t in described.types if not isinstance(t, inspect.NoneType))
    if isinstance(described, inspect.Metadata):
        return _type(described.type)
    return _WORDS.get(type(described), "value")


def _default(value: Any) -> str:
    if value is msgspec.NODEFAULT:
        return ""
    if value is None:
        return "null"
    if isinstance(value, Duration | ByteSize):
        return str(value)
    if isinstance(value, Enum):
        return str(value.value)
    text = msgspec.json.encode(value).decode()
    plain = text.strip('"')
    return plain if isinstance(value, str) and plain and plain[0].isalnum() and ": " not in plain else text
