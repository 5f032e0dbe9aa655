"""Folders, tables and documentation agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tocsin.query.promql.aggregations.table import AGGREGATIONS
from tocsin.query.promql.functions.table import FUNCTIONS
from tocsin.testing.promql_scripts import Case, Eval, Load, parse_script

_ROOT = Path(__file__).resolve().parents[3]
_PAGE = (_ROOT / "docs/reference/promql.md").read_text()
_SCRIPTS = "\n".join(path.read_text() for path in sorted((_ROOT / "tests/scripts/promql").glob("*.test")))


@pytest.mark.parametrize("name", [*FUNCTIONS, *AGGREGATIONS])
def test_each_is_documented_and_has_a_case(name: str) -> None:
    """A function without either is one that nobody can rely on."""
    assert f"`{name}`" in _PAGE.split("## What there is not")[0]
    assert re.search(rf"^eval .*\b{name}\b *(by|without)? *\(", _SCRIPTS, re.MULTILINE)


def test_the_example_of_a_script_is_one() -> None:
    """What people copy works."""
    example = re.findall(r"```\n(load.*?)```", _PAGE, re.DOTALL)[0]
    loads: list[Load] = []
    for step in parse_script(example):
        if isinstance(step, Load):
            loads.append(step)
        elif isinstance(step, Eval):
            assert Case("example", loads, step).run() == []
