"""One line about a match: templates such as `{user.username} opened a shell in {objectRef.name}`.

For a stream rule a template becomes an SQL expression, for a correlation it is filled in with the group's values.
Braces are doubled to stand for themselves. What comes out is one line without control characters, whatever an attacker
put into a field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tocsin.store.sql import Sql, bind, compose, join

_LIMIT = 500
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]|[^{}]+")
_NOT_PRINTED = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+"

_DEFAULTS = {
    "audit": """concat(
        if(`user` = '', 'unauthenticated', `user`),
        if(impersonated_user = '', '', concat(' as ', impersonated_user)),
        ' ', verb, ' ',
        if(resource = '', cutQueryString(request_uri), concat(
            resource, if(subresource = '', '', '/'), subresource,
            if(namespace = '' AND name = '', '', ' '), namespace, if(namespace = '' OR name = '', '', '/'), name)),
        if(code = 0, '', concat(' -> ', toString(code)))
    )""",
    "logs": """concat(
        arrayStringConcat(
            arrayFilter(x -> x != '', [toString(node), toString(namespace), toString(pod), toString(app)]), '/'),
        ': ', line
    )""",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A place in a template that a field's value takes."""

    name: str


Template = tuple[str | Field, ...]


def parse(text: str) -> Template:
    """Read a template; raises ValueError if a brace has no partner."""
    pieces: list[str | Field] = []
    for piece in _PIECE.finditer(text):
        if piece[1] is not None:
            pieces.append(Field(piece[1].strip()))
        elif piece[0] in {"{", "}"}:
            raise ValueError(f"a single {piece[0]!r} at character {piece.start() + 1}; double it to mean itself")
        else:
            pieces.append(piece[0][0] if piece[0] in {"{{", "}}"} else piece[0])
    return tuple(pieces)


def to_sql(template: Template, field: Callable[[str], Sql]) -> Sql:
    """Return the String expression of a template; `field` gives the expression of a field's text."""
    parts = [field(piece.name) if isinstance(piece, Field) else bind(piece) for piece in template]
    return _one_line(compose("concat('', {parts})", parts=join(", ", parts or [bind("")])))


def default_sql(table: str) -> Sql:
    """Return the summary of an event for rules that bring none: who did what to what, with which outcome."""
    return _one_line(Sql(" ".join(_DEFAULTS[table].split())))


def fill(template: Template, values: Mapping[str, str]) -> str:
    """Fill in a template; a field without a value leaves nothing."""
    text = "".join(values.get(piece.name, "") if isinstance(piece, Field) else piece for piece in template)
    return "".join(c if c.isprintable() else " " for c in text)[:_LIMIT]


def _one_line(expression: Sql) -> Sql:
    return compose(
        f"leftUTF8(replaceRegexpAll(toValidUTF8({{e}}), {{control}}, ' '), {_LIMIT})",
        e=expression,
        control=bind(_NOT_PRINTED),
    )
