"""How results look: tables for people, JSON lines for programs; colour only on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

SEVERITY_STYLES: Mapping[str, str] = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "informational": "dim",
}
_WIDE = 10_000
"""Columns of something that is not a terminal: lines are not to be broken."""


@dataclass(frozen=True, slots=True)
class Output:
    """Where results go.

    Attributes:
        as_json: One JSON object a line instead of a table.
        utc: Times in UTC instead of local time.
    """

    as_json: bool = False
    utc: bool = False

    def console(self) -> Console:
        """What prints tables."""
        from rich.console import Console

        console = Console(highlight=False, markup=False, emoji=False)
        return console if console.is_terminal else Console(highlight=False, markup=False, emoji=False, width=_WIDE)

    def line(self, raw: bytes) -> None:
        """Print one line of JSON as it came."""
        sys.stdout.write(raw.decode("utf-8", "replace") + "\n")

    def objects(self, items: Iterable[Any]) -> None:
        """Print values as JSON lines."""
        for item in items:
            sys.stdout.write(json.dumps(item, ensure_ascii=False) + "\n")

    def text(self, text: str) -> None:
        """Print a sentence."""
        sys.stdout.write(printable(text, keep_lines=True) + "\n")

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str, header: bool = True) -> None:
        """Print a table, or the sentence `empty` on standard error if there are no rows. Severities are coloured."""
        from rich.table import Table
        from rich.text import Text

        console = self.console()
        table = Table(box=None, pad_edge=False, show_header=header, header_style="bold" if console.is_terminal else "")
        for head in heads:
            table.add_column(head, overflow="fold", no_wrap=not console.is_terminal)
        for row in rows:
            table.add_row(*(Text(shown := printable(cell), style=SEVERITY_STYLES.get(shown, "")) for cell in row))
        if not table.row_count:
            note(empty)
            return
        console.print(table)

    def time(self, text: str | None) -> str:
        """A time of the server as a person reads it: `2026-11-23 10:06:37+01:00`, or with `Z` in UTC."""
        if not text:
            return ""
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if self.utc else moment.astimezone()
        shown = moment.strftime("%Y-%m-%d %H:%M:%S")
        offset = moment.strftime("%z")
        return f"{shown}Z" if offset in {"+0000", ""} else f"{shown}{offset[:3]}:{offset[3:]}"


def note(text: str) -> None:
    """Say something that is no result, on standard error."""
    sys.stderr.write(text + "\n")


def printable(text: str, *, keep_lines: bool = False) -> str:
    """Make text safe to show: what logs hold must not be able to steer a terminal or hide characters."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or (keep_lines and c in "\n\t") else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if character in "\n\t\r":
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}[character]
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
