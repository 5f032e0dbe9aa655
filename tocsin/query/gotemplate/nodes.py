"""The tree that a template is read into. Offsets are in characters of the template's text, from 0."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Dot:
    """`.`: the value under the cursor."""

    offset: int


@dataclass(frozen=True, slots=True)
class Nil:
    """`nil`, which may be an argument only."""

    offset: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, text, character (its code) or truth value."""

    value: bool | int | float | str
    offset: int


@dataclass(frozen=True, slots=True)
class Field:
    """`.A.B`, looked up in dot."""

    names: tuple[str, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Variable:
    """`$x.A.B`; `name` has its dollar."""

    name: str
    names: tuple[str, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Word:
    """The name of a function."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Fields of what an operand yields: `(query "up" | first).Value`."""

    operand: Operand
    names: tuple[str, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Command:
    """An operand, or a function or method with its arguments."""

    arguments: tuple[Operand, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands, each of which gets the value before it as its last argument.

    Attributes:
        variables: What the value is put into, with their dollars; two only in `range`.
        assign: True for `=`, False for `:=`.
        commands: At least one.
        offset: Where it begins.
    """

    variables: tuple[str, ...]
    assign: bool
    commands: tuple[Command, ...]
    offset: int


Operand: TypeAlias = Dot | Nil | Constant | Field | Variable | Word | Chain | Pipeline


@dataclass(frozen=True, slots=True)
class Text:
    """Text that stands for itself."""

    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Action:
    """`{{pipeline}}`: its value is printed unless it went into a variable."""

    pipeline: Pipeline
    offset: int


@dataclass(frozen=True, slots=True)
class Branch:
    """`if` (`sets_dot` False) or `with` (True)."""

    pipeline: Pipeline
    body: tuple[Node, ...]
    orelse: tuple[Node, ...]
    sets_dot: bool
    offset: int


@dataclass(frozen=True, slots=True)
class Range:
    """`range`: the body once for each element, `orelse` if there is none."""

    pipeline: Pipeline
    body: tuple[Node, ...]
    orelse: tuple[Node, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Call:
    """`{{template "name" pipeline}}`."""

    name: str
    pipeline: Pipeline | None
    offset: int


@dataclass(frozen=True, slots=True)
class Jump:
    """`break` (`again` False) or `continue` (True)."""

    again: bool
    offset: int


Node: TypeAlias = Text | Action | Branch | Range | Call | Jump


@dataclass(frozen=True, slots=True)
class Tree:
    """One template: its nodes and the text that their offsets count in."""

    name: str
    file: str
    text: str = field(repr=False)
    nodes: tuple[Node, ...]

    @property
    def empty(self) -> bool:
        """True if it holds nothing but blanks; such a definition does not replace another."""
        return all(isinstance(node, Text) and not node.text.strip() for node in self.nodes)
