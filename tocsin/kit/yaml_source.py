"""YAML whose values know their place, so that an error can name file, line and column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

_STEP = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)")
_MAX_DEPTH = 100


class YamlError(ValueError):
    """Text that is not YAML. `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document.

    Attributes:
        value: Its plain value: dicts, lists, strings, numbers, truth values, dates, None.
        node: PyYAML's node tree of it, None for an empty document.
    """

    value: Any
    node: yaml.Node | None

    def position(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Return line and column (from 1) of the key or item at `path`, or of its nearest parent that exists."""
        if self.node is None:
            return 1, 1
        mark, node = self.node.start_mark, self.node
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            mark, node = found
        return mark.line + 1, mark.column + 1


def read_yaml(text: str) -> list[Document]:
    """Return the documents of `text`.

    Raises:
        YamlError: The text is not YAML, holds a key twice, or is nested over 100 deep.
    """
    documents = []
    loader = None
    try:
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                _check(node, 0, set())
            documents.append(Document(loader.construct_document(node), node))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(part for part in (error.context, error.problem) if part)
        raise YamlError(message, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, YamlError):
            raise
        raise YamlError(str(error).splitlines()[0], 1, 1) from None
    finally:
        if loader is not None:
            loader.dispose()
    return documents


def parse_path(text: str) -> list[str | int]:
    """Read a path as error messages write it, such as `receivers[0].slack.url` (a leading `$` is skipped)."""
    return [int(m[1]) if m[1] else m[2] for m in _STEP.finditer(text.removeprefix("$"))]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml: seven times as fast
    pass


def _check(node: yaml.Node, depth: int, visited: set[int]) -> None:
    if id(node) in visited:  # An alias: its node was checked where it is defined.
        return
    visited.add(id(node))
    if depth > _MAX_DEPTH:
        raise YamlError("nested more than 100 deep", node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise YamlError(
                        f"the key {key.value!r} stands twice", key.start_mark.line + 1, key.start_mark.column + 1
                    )
                seen.add(key.value)
            _check(value, depth + 1, visited)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check(item, depth + 1, visited)


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Mark, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == str(step):
                return key.start_mark, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
        return node.value[step].start_mark, node.value[step]
    return None
