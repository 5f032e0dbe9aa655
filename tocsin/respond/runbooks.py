"""Runbooks: what to do about an alert, as Markdown files named by a slug."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tocsin.model.errors import NotFound

SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_HEADING = re.compile(r"^#\s+(.+?)\s*#*\s*$", re.MULTILINE)
_LIMIT = 1 << 20
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Runbook:
    """A runbook.

    Attributes:
        slug: Its name: the file's name without `.md`.
        title: Its first heading; the slug if it has none.
        text: All of it, Markdown.
    """

    slug: str
    title: str
    text: str


def read_runbook(slug: str, directories: Sequence[Path]) -> Runbook:
    """Return a runbook from the first directory that has it.

    Raises NotFound if none has, or if the slug is not up to 100 lower-case letters, digits, `-` and `_`: it is never a
    path.
    """
    if len(slug) <= _LONGEST and SLUG.fullmatch(slug):
        for directory in directories:
            path = directory / f"{slug}.md"
            if path.is_file() and path.stat().st_size <= _LIMIT:
                text = path.read_text(encoding="utf-8", errors="replace")
                heading = _HEADING.search(text)
                return Runbook(slug, heading[1] if heading else slug, text)
    raise NotFound(f"there is no runbook named {slug[:_LONGEST]!r}")


def list_runbooks(directories: Sequence[Path]) -> list[str]:
    """Return the slugs of all runbooks, sorted."""
    found = {path.stem for directory in directories if directory.is_dir() for path in directory.glob("*.md")}
    return sorted(slug for slug in found if SLUG.fullmatch(slug))
