"""Cuts a template into text and the tokens of its actions, trim markers applied and comments dropped.

Follows the lexical part of text/template's documentation: `{{` and `}}`, `{{- ` and ` -}}`, `{{/* */}}`. Between the
arguments of a command spaces count, so they are tokens too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from tocsin.query.gotemplate.errors import place

_BLANK = " \t\r\n"
_OPENING = re.compile(r"\{\{(?P<trim>-[ \t\r\n])?(?P<comment>/\*)?")
_COMMENT_END = re.compile(r"\*/(?:(?P<trim>[ \t\r\n]-)?\}\})?")


class Kind(Enum):
    """What a token is; the value is how an error calls it."""

    TEXT = "text"
    LEFT = "the start of an action"
    RIGHT = "the end of the action"
    SPACE = "a space"
    DECLARE = ":="
    ASSIGN = "="
    PIPE = "|"
    COMMA = ","
    OPEN = "("
    CLOSE = ")"
    STRING = "a string"
    RAW = "a raw string"
    CHARACTER = "a character"
    NUMBER = "a number"
    VARIABLE = "a variable"
    FIELD = "a field"
    DOT = "."
    WORD = "a word"
    UNKNOWN = "a character without meaning here"
    END = "the end of the template"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a template.

    Attributes:
        kind: What it is.
        text: As written; for `TEXT` what remains after trimming.
        offset: Where it begins, in characters from 0.
    """

    kind: Kind
    text: str
    offset: int


# Order matters: the first pattern that fits wins.
_ACTION = (
    (Kind.RIGHT, r"(?:[ \t\r\n]+-)?\}\}"),
    (Kind.SPACE, r"[ \t\r\n]+"),
    (Kind.DECLARE, r":="),
    (Kind.ASSIGN, r"="),
    (Kind.PIPE, r"\|"),
    (Kind.COMMA, r","),
    (Kind.OPEN, r"\("),
    (Kind.CLOSE, r"\)"),
    (Kind.STRING, r'"(?:\\.|[^"\\\n])*"'),
    (Kind.RAW, r"`[^`]*`"),
    (Kind.CHARACTER, r"'(?:\\.|[^'\\\n])+'"),
    (Kind.NUMBER, r"[+-]?\.?[0-9](?:[eEpP][+-]|[\w.])*"),
    (Kind.VARIABLE, r"\$\w*"),
    (Kind.FIELD, r"\.\w+"),
    (Kind.DOT, r"\."),
    (Kind.WORD, r"\w+"),
    (Kind.UNKNOWN, r"."),
)
_TOKEN = re.compile("|".join(f"(?P<{kind.name}>{pattern})" for kind, pattern in _ACTION), re.DOTALL)
_UNCLOSED = {'"': "unterminated quoted string", "`": "unterminated raw quoted string", "'": "unterminated character"}
_TERMINATED = {Kind.VARIABLE, Kind.FIELD, Kind.WORD}
_TERMINATORS = " \t\r\n.,|:)("


def tokens(name: str, text: str) -> Iterator[Token]:
    """The tokens of a template, `END` last. Raises TemplateError at the first piece that is none."""
    position, trim = 0, False
    while True:
        opening = _OPENING.search(text, position)
        literal = text[position : opening.start() if opening else len(text)]
        literal = literal.lstrip(_BLANK) if trim else literal
        if opening and opening["trim"]:
            literal = literal.rstrip(_BLANK)
        if literal:
            yield Token(Kind.TEXT, literal, position)
        if not opening:
            yield Token(Kind.END, "", len(text))
            return
        if opening["comment"]:
            position, trim = _comment(name, text, opening)
        else:
            yield Token(Kind.LEFT, "{{", opening.start())
            position = opening.end()
            for token in _action(name, text, opening):
                yield token
                position, trim = token.offset + len(token.text), token.text.endswith("-}}")


def _comment(name: str, text: str, opening: re.Match[str]) -> tuple[int, bool]:
    end = _COMMENT_END.search(text, opening.end())
    if not end:
        raise place(name, text, opening.start(), "unclosed comment")
    if not end[0].endswith("}}"):
        raise place(name, text, opening.start(), "comment ends before closing delimiter")
    return end.end(), bool(end["trim"])


def _action(name: str, text: str, opening: re.Match[str]) -> Iterator[Token]:
    position, depth = opening.end(), 0
    while found := _TOKEN.match(text, position):
        kind = Kind[found.lastgroup or ""]
        depth += (kind is Kind.OPEN) - (kind is Kind.CLOSE)
        _check(name, text, found, kind, depth)
        yield Token(kind, found[0], position)
        position = found.end()
        if kind is Kind.RIGHT:
            return
    raise place(name, text, opening.start(), "unclosed action")


def _check(name: str, text: str, found: re.Match[str], kind: Kind, depth: int) -> None:
    if kind is Kind.UNKNOWN and found[0] in _UNCLOSED:
        raise place(name, text, found.start(), _UNCLOSED[found[0]])
    if kind is Kind.UNKNOWN:
        raise place(name, text, found.start(), f"unexpected {found[0]!r} in an action")
    if depth < 0:
        raise place(name, text, found.start(), "unexpected right paren")
    if kind is Kind.RIGHT and depth:
        raise place(name, text, found.start(), "unclosed left paren")
    if kind in _TERMINATED and not _terminated(text, found.end()):
        raise place(name, text, found.end(), f"bad character {text[found.end()]!r} after {found[0]}")


def _terminated(text: str, position: int) -> bool:
    return position >= len(text) or text[position] in _TERMINATORS or text.startswith(("}}", "="), position)
