"""What the fields of a search stand for: columns of a table, keys of its maps, paths into an audit event."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from tocsin.query.search.syntax import SearchError
from tocsin.store.paths import AUDIT_PATHS, AUDIT_ROOTS, OPEN_MAPS
from tocsin.store.schema.tables import TABLES
from tocsin.store.sql import Sql, bind, compose, identifier

TEXT_COLUMNS: Mapping[str, str] = {"audit": "raw", "logs": "line", "rejected": "line"}
"""The tables a search can read, and the column that bare words look into."""

TIME_COLUMNS: Mapping[str, str] = {"audit": "time", "logs": "time", "rejected": "ingested"}
"""The column that `since` and `until` bound."""

_CLOSED: Mapping[str, str] = {
    "user": "username|uid|groups|extra",
    "impersonatedUser": "username|uid|groups|extra",
    "objectRef": "resource|namespace|name|uid|apiGroup|apiVersion|resourceVersion|subresource",
    "responseStatus": "metadata|status|message|reason|details|code",
}
"""Objects of an event of which audit.k8s.io/v1 names every field: another one is a misspelling."""

_MAX_STEPS = 30
_HIDDEN = frozenset({"writer", "batch"})
_SEGMENT = re.compile(r'(?:([^."\[\]]+)|"([^"]*)")((?:\[\d*\])?)')
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_\-/]+")


_NOTHING = Sql("")


class Kind(Enum):
    """How a field is compared."""

    TEXT = auto()
    NUMBER = auto()
    TIME = auto()
    LIST = auto()
    DOCUMENT = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """A field of one table.

    Attributes:
        kind: TEXT (String), NUMBER (an integer, 0 when absent), TIME, LIST (Array(String): any element counts) or
            DOCUMENT (the same, made from JSON text at query time).
        expression: Its value.
        hint: For DOCUMENT, a cheap condition that holds for every row that has the field; else empty.
        exact: True for ids, which are compared as they are so that their index is used; else case does not count.
    """

    kind: Kind
    expression: Sql
    hint: Sql = _NOTHING
    exact: bool = False


def resolve(table: str, name: str, column: int = 1) -> Field:
    """Return what `name` stands for in `table`. Raises SearchError with the nearest names if there is no such field."""
    if name.count(".") > _MAX_STEPS:
        raise SearchError(f"a path may have {_MAX_STEPS} steps", column)
    found = _find(table, name)
    if found is None:
        raise SearchError(_unknown(table, name), column)
    return found


def knows(table: str, name: str) -> bool:
    """True if `table` has a field of this name that is not merely a possible key of its maps."""
    if table == "logs":
        return name in _columns(table) or name.startswith(("stream.", "fields."))
    return _find(table, name) is not None


def field_names(table: str) -> list[str]:
    """The names that can be listed: columns, and for audit the paths that have a column."""
    return [*_columns(table), *(AUDIT_PATHS if table == "audit" else ())]


def _find(table: str, name: str) -> Field | None:
    name = AUDIT_PATHS.get(name, name) if table == "audit" else name
    if name in _columns(table):
        return _column(table, name)
    if table == "audit":
        return _audit_path(name)
    return _log_key(name) if table == "logs" else None


def _columns(table: str) -> list[str]:
    names = (c.name for c in TABLES[table].columns if c.name not in _HIDDEN and not c.type.startswith("Map("))
    return list(names)


def _column(table: str, name: str) -> Field:
    type_ = next(c.type for c in TABLES[table].columns if c.name == name)
    if type_.startswith("DateTime"):
        return Field(Kind.TIME, identifier(name))
    if type_.startswith("UInt"):
        return Field(Kind.NUMBER, identifier(name))
    if type_.startswith("Array("):
        return Field(Kind.LIST, identifier(name))
    return Field(Kind.TEXT, identifier(name), exact=name == "audit_id")


def _log_key(name: str) -> Field | None:
    place, _, key = name.partition(".")
    if place in {"stream", "fields"} and key:
        return Field(Kind.TEXT, compose("{map}[{key}]", map=identifier(place), key=bind(key)))
    if _close(name, _columns("logs")):
        return None
    both = compose("if(fields[{key}] != '', fields[{key}], toString(`stream`[{key}]))", key=bind(name))
    return Field(Kind.TEXT, both)


def _audit_path(name: str) -> Field | None:
    root, _, rest = name.partition(".")
    if re.sub(r"\[\d*\]$", "", root) not in AUDIT_ROOTS:
        return None
    if root in _CLOSED and not re.match(rf"({_CLOSED[root]})\b", rest or "uid"):
        return None
    if root == "annotations" and rest:
        return Field(Kind.TEXT, compose("annotations[{key}]", key=bind(rest)))
    if root in {"requestObject", "responseObject"}:
        return _document("request_object" if root == "requestObject" else "response_object", _steps(rest))
    return _document("raw", _open_map_steps(name) or _steps(name))


def _open_map_steps(name: str) -> list[str]:
    for prefix in OPEN_MAPS:
        if name.startswith(prefix + "."):
            return [*prefix.split("."), name[len(prefix) + 1 :]]
    return []


def _steps(path: str) -> list[str]:
    # An index such as [0] or [] says that an array stands here; every element is looked at either way.
    return [plain or quoted for plain, quoted, _ in _SEGMENT.findall(path)]


def _document(column: str, steps: list[str]) -> Field:
    """A path into JSON text. Arrays are walked at every level; a leaf is a string, or the text of anything else."""
    here = compose("[{column}]", column=identifier(column))
    for step in steps:
        here = compose(
            "arrayFilter(d -> d != '', arrayMap(d -> JSONExtractRaw(d, {key}), {elements}))",
            key=bind(step),
            elements=_elements(here),
        )
    leaves = compose(
        "arrayMap(d -> if(startsWith(d, '\"'), JSONExtractString(d), d), "
        "arrayFilter(d -> d != 'null' AND d != '', {elements}))",
        elements=_elements(here),
    )
    last = steps[-1] if steps else ""
    if _PLAIN_KEY.fullmatch(last):
        return Field(
            Kind.DOCUMENT,
            leaves,
            compose("position({column}, {key}) > 0", column=identifier(column), key=bind(f'"{last}"')),
        )
    return Field(Kind.DOCUMENT, leaves, compose("{column} != ''", column=identifier(column)))


def _elements(array: Sql) -> Sql:
    return compose(
        "arrayFlatten(arrayMap(d -> if(startsWith(d, '['), JSONExtractArrayRaw(d), [d]), {array}))", array=array
    )


def _unknown(table: str, name: str) -> str:
    near = _close(name, [*field_names(table), *(AUDIT_ROOTS if table == "audit" else ())])
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    where = f"; for a field of the line write fields.{name}" if table == "logs" else ""
    return f"{table} has no field {name!r}{meant}{where}; to search for this text, put it in double quotes"


def _close(name: str, names: Iterable[str]) -> list[str]:
    lowered = {n.lower(): n for n in names}
    found = difflib.get_close_matches(name.lower(), list(lowered), n=2, cutoff=0.75)
    return [lowered[n] for n in found]
