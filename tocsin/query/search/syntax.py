"""Reads a search, such as `user:alice -verb:get (code:>=400 OR "system:masters")`, into a tree.

    search  = any
    any     = all { "OR" all }
    all     = unary { ["AND"] unary }
    unary   = ( "NOT" | "-" ) unary | "(" any ")" | term
    term    = [ field ":" ] value | field ":" ( ">=" | ">" | "<=" | "<" | "~" ) value | field ":" "(" values ")"
    values  = value { ["OR"] value }

A value is bare text up to a space or parenthesis, in which `*` stands for any characters and `\\` makes the next
character plain, or text in double quotes, in which only `\\"` and `\\\\` are special.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from tocsin.model.errors import InvalidInput

MAX_LENGTH = 4096
MAX_TERMS = 200
MAX_DEPTH = 40

_UNTYPABLE = re.compile("[\0\ud800-\udfff]")
_SPACE = re.compile(r"\s*")
_SEGMENT = r'(?:[\w\-/]+|"[^"\\]*")(?:\[\d*\])?'
_FIELD = re.compile(rf"([A-Za-z_][\w\-/]*(?:\[\d*\])?(?:\.{_SEGMENT})*):")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE = re.compile(r"(?:\\.|[^\s()])+", re.DOTALL)
_KEYWORD = re.compile(r"(AND|OR|NOT)(?=[\s()]|$)")
_OPERATOR = re.compile(r">=|<=|>|<|~")
_PIECE = re.compile(r"\\(.)|(\*)|([^\\*]+|\\)", re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')


class SearchError(InvalidInput):
    """A search is wrong at a known column.

    Args:
        message: What is wrong and what to write instead.
        column: Where in the search, counted from 1.
    """

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"column {column} of the search: {message}")
        self.column = column


@dataclass(frozen=True, slots=True)
class Value:
    """What a field is compared with.

    Attributes:
        parts: The plain texts between the wildcards; a single one if there is no wildcard.
        quoted: True if it stood in double quotes.
        column: Where it began, counted from 1.
    """

    parts: tuple[str, ...]
    quoted: bool
    column: int

    @property
    def text(self) -> str:
        """The value as text, with `*` for its wildcards."""
        return "*".join(self.parts)

    @property
    def wildcard(self) -> bool:
        """True if it holds a `*` that stands for any characters."""
        return len(self.parts) > 1


@dataclass(frozen=True, slots=True)
class Term:
    """A condition on one field, or on the whole text if `field` is empty.

    Attributes:
        field: A column or path as it was written.
        operator: `:` (equal, or like), `>=`, `>`, `<=`, `<` or `~` (regular expression).
        values: Alternatives, at least one; operators other than `:` have exactly one.
        column: Where it began, counted from 1.
    """

    field: str
    operator: str
    values: tuple[Value, ...]
    column: int


@dataclass(frozen=True, slots=True)
class Not:
    """True where `part` is not."""

    part: Node


@dataclass(frozen=True, slots=True)
class All:
    """True where every part is; without parts, everywhere."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """True where any part is."""

    parts: tuple[Node, ...]


Node: TypeAlias = Term | Not | All | Either


def parse(text: str) -> Node:
    """Read a search. Raises SearchError saying where it went wrong and what to write; raises nothing else."""
    if len(text) > MAX_LENGTH:
        raise SearchError(f"the search is longer than {MAX_LENGTH} characters", MAX_LENGTH + 1)
    if found := _UNTYPABLE.search(text):
        raise SearchError("this character cannot be searched for", found.start() + 1)
    parser = _Parser(text)
    if parser.at_end():
        return All(())
    node = parser.any(0)
    if not parser.at_end():
        raise parser.error("this ')' closes nothing; remove it, or put it in double quotes")
    return node


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._terms = 0

    def error(self, message: str) -> SearchError:
        return SearchError(message, self._at + 1)

    def at_end(self) -> bool:
        self._skip_space()
        return self._at >= len(self._text)

    def any(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self.error(f"more than {MAX_DEPTH} levels of parentheses and negations")
        parts = [self._all(depth)]
        while self._keyword("OR"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _all(self, depth: int) -> Node:
        parts = [self._unary(depth)]
        while True:
            if self._keyword("AND"):
                parts.append(self._unary(depth))
                continue
            if self.at_end() or self._peek() == ")" or self._keyword("OR", consume=False):
                break
            parts.append(self._unary(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _unary(self, depth: int) -> Node:
        if self.at_end():
            raise self.error("a term is missing here, such as verb:create")
        if self._keyword("NOT") or self._minus():
            if depth >= MAX_DEPTH:
                raise self.error(f"more than {MAX_DEPTH} levels of parentheses and negations")
            return Not(self._unary(depth + 1))
        if self._keyword("AND", consume=False) or self._keyword("OR", consume=False):
            raise self.error(
                "a term is missing before this word; to search for the word itself, put it in double quotes"
            )
        if self._peek() != "(":
            return self._term()
        opened = self._at
        self._at += 1
        node = self.any(depth + 1)
        self._close(opened)
        return node

    def _term(self) -> Term:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise self.error(f"more than {MAX_TERMS} terms")
        start = self._at
        name = self._match(_FIELD)
        if name is None:
            return Term("", ":", (self._value(),), start + 1)
        operator = self._match(_OPERATOR)
        if operator:
            return Term(name[1], operator[0], (self._value(),), start + 1)
        values = self._values() if self._peek() == "(" else (self._value(),)
        return Term(name[1], ":", values, start + 1)

    def _values(self) -> tuple[Value, ...]:
        opened = self._at
        self._at += 1
        values: list[Value] = []
        while True:
            if values and self._keyword("OR"):
                continue
            if self.at_end() or self._peek() == ")":
                break
            values.append(self._value())
            self._terms += 1
            if self._terms > MAX_TERMS:
                raise self.error(f"more than {MAX_TERMS} terms")
        if not values:
            raise self.error("values are missing here, such as verb:(create OR update)")
        self._close(opened)
        return tuple(values)

    def _value(self) -> Value:
        column = self._at + 1
        if self._peek() == '"':
            quoted = self._match(_QUOTED)
            if quoted is None:
                raise self.error("this double quote is not closed")
            return Value((_ESCAPED.sub(r"\1", quoted[1]),), quoted=True, column=column)
        bare = self._match(_BARE)
        if bare is None:
            raise self.error(
                'a value is missing here; a field that must be present is written field:*, an empty one field:""'
            )
        return Value(_split(bare[0]), quoted=False, column=column)

    def _minus(self) -> bool:
        following = self._text[self._at + 1 : self._at + 2]
        if self._peek() != "-" or not following or following.isspace() or following == ")":
            return False
        self._at += 1
        return True

    def _close(self, opened: int) -> None:
        self._skip_space()
        if self._peek() != ")":
            raise SearchError("this '(' is not closed", opened + 1)
        self._at += 1

    def _keyword(self, word: str, *, consume: bool = True) -> bool:
        self._skip_space()
        found = _KEYWORD.match(self._text, self._at)
        if found is None or found[1] != word:
            return False
        if consume:
            self._at = found.end()
        return True

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip_space(self) -> None:
        self._match(_SPACE)


def _split(bare: str) -> tuple[str, ...]:
    parts = [""]
    for escaped, star, plain in _PIECE.findall(bare):
        if star:
            parts.append("")
        else:
            parts[-1] += escaped or plain
    return tuple(parts)
