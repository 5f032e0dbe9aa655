"""The reference page names every function that templates have, and its examples are templates."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tocsin.query.gotemplate import Template, alertmanager, builtin, prometheus

_PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "templates.md").read_text()
_PROMETHEUS = prometheus.functions(lambda _: [], now=0.0)
_ALERTMANAGER = alertmanager.functions(datetime(2026, 11, 24, tzinfo=UTC))


def _section(title: str) -> str:
    return _PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Functions of every template", {*builtin.FUNCTIONS, *builtin.SPECIAL}),
        ("In alerting rules", set(_PROMETHEUS)),
        ("In Alertmanager's receivers", set(_ALERTMANAGER)),
    ],
)
def test_every_function_is_described_where_it_can_be_used(title: str, names: set[str]) -> None:
    """One table for each set of functions, and no row for a function that is not there."""
    cells = re.findall(r"^\| (`.*?`) \|", _section(title), re.MULTILINE)
    described = {code.split()[0] for cell in cells for code in re.findall(r"`([^`]+)`", cell)}

    assert described == names


def test_the_examples_are_templates() -> None:
    """What people copy works."""
    example = _PAGE.split("```")[1]

    Template.parse("example", example, {**_ALERTMANAGER, **_PROMETHEUS}, variables=prometheus.VARIABLES)
