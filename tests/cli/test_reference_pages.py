"""The generated pages are those that the repository holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.cli.reference_pages import pages

DIRECTORY = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", ["cli.md", "metrics.md", "settings.md"])
def test_the_page_is_up_to_date(name: str) -> None:
    kept = (DIRECTORY / name).read_text(encoding="utf-8")
    assert kept == pages()[name], "run `make docs`"
