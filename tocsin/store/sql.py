"""SQL text and its values, kept apart: a value from outside is always a bound parameter, never pasted into text.

Parameters are named by a hash of their type and value, so equal values share one parameter, equal queries are equal
texts (which the engine's caches need), and fragments can be put together in any order without clashes of names.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0", "\b": "\\b", "\f": "\\f"})


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL.

    Attributes:
        text: ClickHouse SQL in which values stand as `{name:Type}`.
        params: Parameter name to value, encoded as the engine reads it from a `param_` setting.
    """

    text: str
    params: Mapping[str, str] = field(default_factory=dict)

    def __add__(self, other: Sql) -> Sql:
        return Sql(self.text + other.text, {**self.params, **other.params})


def bind(value: str | float | bool | datetime | Sequence[str], type_: str | None = None) -> Sql:
    """Return a bound parameter that stands for `value`.

    Args:
        value: A string, number, truth value, aware datetime, or a sequence of strings.
        type_: The ClickHouse type to read it as; by default String, Float64, Int64, Bool, DateTime64(6, 'UTC') or
            Array(String) by the value's own type.
    """
    kind, encoded = _encode(value)
    kind = type_ or kind
    digest = hashlib.blake2s(f"{kind}\0{encoded}".encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()
    name = f"v{digest}"
    return Sql(f"{{{name}:{kind}}}", {name: encoded})


def compose(template: str, /, **parts: Sql) -> Sql:
    """Put fragments into `template`, where `{name}` stands for the fragment of that name.

    The template is code and must hold no outside text; literal braces are doubled, as in `str.format`.
    """
    params: dict[str, str] = {}
    for part in parts.values():
        params.update(part.params)
    return Sql(template.format(**{name: part.text for name, part in parts.items()}), params)


def join(separator: str, parts: Iterable[Sql], *, empty: str = "") -> Sql:
    """Join fragments with `separator`; `empty` is the text if there are none."""
    texts: list[str] = []
    params: dict[str, str] = {}
    for part in parts:
        texts.append(part.text)
        params.update(part.params)
    return Sql(separator.join(texts) if texts else empty, params)


def identifier(name: str) -> Sql:
    """Return a table or column name, quoted. Raises ValueError for anything but letters, digits and `_` (one dot)."""
    if not _IDENTIFIER.fullmatch(name):
        raise ValueError(f"{name!r} is not an identifier")
    return Sql(".".join(f"`{part}`" for part in name.split(".")))


def _encode(value: str | float | bool | datetime | Sequence[str]) -> tuple[str, str]:
    if isinstance(value, str):
        return "String", value.translate(_ESCAPES)
    if isinstance(value, bool):
        return "Bool", "true" if value else "false"
    if isinstance(value, int):
        return "Int64", str(value)
    if isinstance(value, float):
        return "Float64", repr(value)
    if isinstance(value, datetime):
        return "DateTime64(6, 'UTC')", value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return "Array(String)", "[" + ",".join(_quote(item) for item in value) + "]"


def _quote(item: str) -> str:
    return "'" + item.translate(_ESCAPES).replace("'", "\\'") + "'"
