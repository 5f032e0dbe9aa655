"""Rule files: where they are and what they say."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tocsin.model.errors import Location, RuleError

TESTS_SUFFIXES = (".tests.yml", ".tests.yaml")
_SUFFIXES = (".yml", ".yaml")


def rule_files(paths: Iterable[Path]) -> tuple[list[Path], list[RuleError]]:
    """Return the rule files at `paths` (files, or directories searched in depth), sorted; and what is not there."""
    files: dict[Path, None] = {}
    errors = []
    for path in paths:
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.suffix in _SUFFIXES and p.is_file())
            files.update(dict.fromkeys(p for p in found if not p.name.endswith(TESTS_SUFFIXES)))
        elif path.is_file():
            files[path] = None
        else:
            errors.append(RuleError("there is no such file or directory", Location(str(path))))
    return list(files), errors


def read_sources(files: Iterable[Path]) -> tuple[list[tuple[str, str]], list[RuleError]]:
    """Return (file name, text) of every file that can be read as UTF-8, and an error for each that cannot."""
    sources, errors = [], []
    for file in files:
        try:
            sources.append((str(file), file.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            errors.append(RuleError(f"cannot be read: {error}", Location(str(file))))
    return sources, errors
