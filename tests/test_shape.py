"""The budgets of the house: files, functions, classes and Protocols stay small enough to be read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent
_SOURCES = sorted((_ROOT / "tocsin").rglob("*.py"))

_FILE_LINES = 500
_FUNCTION_LINES = 60
_PUBLIC_METHODS = 15
_PROTOCOL_METHODS = 5

_LONG_FUNCTIONS = {
    "tocsin/app/wiring.py:build": "one straight function on purpose: each part needs earlier ones",
}


def _name(path: Path) -> str:
    return str(path.relative_to(_ROOT))


def _nodes(path: Path) -> Iterator[ast.AST]:
    yield from ast.walk(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", _SOURCES, ids=_name)
def test_a_module_is_short_and_says_what_it_is_for(path: Path) -> None:
    """No file grows for ever."""
    text = path.read_text()

    assert len(text.splitlines()) <= _FILE_LINES
    assert ast.get_docstring(ast.parse(text)), "no docstring"


@pytest.mark.parametrize("path", _SOURCES, ids=_name)
def test_functions_classes_and_protocols_are_small(path: Path) -> None:
    """Exceptions are listed with their reason."""
    long = []
    for node in _nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > _FUNCTION_LINES and f"{_name(path)}:{node.name}" not in _LONG_FUNCTIONS:
                long.append(f"{node.name}: {lines} lines")
        elif isinstance(node, ast.ClassDef):
            methods = [n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
            public = [n for n in methods if not n.name.startswith("_")]
            protocol = any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
            limit = _PROTOCOL_METHODS if protocol else _PUBLIC_METHODS
            if len(public) > limit:
                long.append(f"class {node.name}: {len(public)} public methods")
    assert not long


def test_every_room_says_what_it_is() -> None:
    """The room's `__init__.py` is where a stranger looks first."""
    silent = [
        _name(path)
        for path in _SOURCES
        if path.name == "__init__.py" and not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert not silent


def test_exceptions_are_still_needed() -> None:
    """An exception whose reason is gone goes too."""
    for entry in _LONG_FUNCTIONS:
        file, _, name = entry.partition(":")
        found = [n for n in _nodes(_ROOT / file) if isinstance(n, ast.FunctionDef) and n.name == name]
        assert found
        assert (found[0].end_lineno or 0) - found[0].lineno + 1 > _FUNCTION_LINES
