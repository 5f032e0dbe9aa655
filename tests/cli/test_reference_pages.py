"""The generated pages are those that the repository holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DIRECTORY = Path(__file__).parents[2] / "docs" / "reference"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Freshly generated pages: in a process of its own, as that opens an engine of its own."""
    directory = tmp_path_factory.mktemp("reference")
    command = [sys.executable, "-m", "tocsin.cli.reference_pages", str(directory)]
    subprocess.run(command, check=True, timeout=120)
    return directory


@pytest.mark.parametrize("name", ["cli.md", "metrics.md", "settings.md"])
def test_the_page_is_up_to_date(generated: Path, name: str) -> None:
    kept = (DIRECTORY / name).read_text(encoding="utf-8")
    assert kept == (generated / name).read_text(encoding="utf-8"), "run `make docs`"


def test_gauges_of_the_running_process_are_among_the_metrics(generated: Path) -> None:
    page = (generated / "metrics.md").read_text(encoding="utf-8")
    for name in ("tocsin_rules_lag_batches", "tocsin_disk_full", "tocsin_files_followed", "tocsin_notifications_total"):
        assert f"| `{name}` |" in page
