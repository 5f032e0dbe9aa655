"""What can go wrong in a template: one error, with its place."""

from __future__ import annotations

from tocsin.model.errors import InvalidInput

_LONGEST = 300
"""Characters of a message; texts of the template that it quotes may be long."""


class TemplateError(InvalidInput):
    """A template cannot be read or run.

    Args:
        message: What is wrong.
        name: The template's name, as it was given to `parse`.
        line: Counted from 1.
        column: In characters, counted from 1.
    """

    def __init__(self, message: str, name: str, line: int, column: int) -> None:
        super().__init__(f"template {name}:{line}:{column}: {message}")
        self.message = message
        self.name = name
        self.line = line
        self.column = column


class Fault(Exception):
    """Something is wrong at a place that the raiser does not know; the reader or the interpreter adds it."""


def place(name: str, text: str, offset: int, message: str) -> TemplateError:
    """The error of a message at an offset (characters from 0) of a template's text."""
    if len(message) > _LONGEST:
        message = message[:_LONGEST] + "..."
    line_start = text.rfind("\n", 0, offset) + 1
    return TemplateError(message, name, text.count("\n", 0, offset) + 1, offset - line_start + 1)
