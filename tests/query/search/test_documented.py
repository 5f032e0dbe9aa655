"""Every search that the documentation, the runbooks and the help texts show is one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tocsin.query.search import plan

ROOT = Path(__file__).parents[3]
_COMMAND = re.compile(r"tocsin query (?:--table (?P<table>\w+) )?'(?P<search>[^']*)'")


def shown() -> Iterator[tuple[str, str | None]]:
    places = [
        ROOT / "README.md",
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("packs/**/*.md"),
        *ROOT.glob("tocsin/cli/*.py"),
    ]
    for place in places:
        for found in _COMMAND.finditer(place.read_text(encoding="utf-8")):
            yield found["search"], found["table"]


SHOWN = sorted(set(shown()), key=str)


def test_there_are_some() -> None:
    assert len(SHOWN) > 20


@pytest.mark.parametrize(("search", "table"), SHOWN)
def test_a_documented_search_can_be_read(search: str, table: str | None) -> None:
    plan(search, table)
