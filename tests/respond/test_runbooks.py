"""Runbooks are found by their slug, and only by that."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.model.errors import NotFound
from tocsin.respond.runbooks import Runbook, list_runbooks, read_runbook


def test_the_first_directory_that_has_it_wins(tmp_path: Path) -> None:
    own, packed = tmp_path / "own", tmp_path / "packed"
    for directory, text in ((own, "# Ours #\nx"), (packed, "# Theirs")):
        directory.mkdir()
        (directory / "pod-shell.md").write_text(text)
    (packed / "other.md").write_text("no heading")
    places = [tmp_path / "missing", own, packed]
    assert read_runbook("pod-shell", places) == Runbook("pod-shell", "Ours", "# Ours #\nx")
    assert read_runbook("other", places).title == "other"
    assert list_runbooks(places) == ["other", "pod-shell"]


@pytest.mark.parametrize("slug", ["", "..", "../secret", "a/b", "A", "-a", "a.md", "a\n", "missing"])
def test_a_slug_is_no_path(tmp_path: Path, slug: str) -> None:
    (tmp_path / "secret.md").write_text("secret")
    (tmp_path / "books").mkdir()
    with pytest.raises(NotFound):
        read_runbook(slug, [tmp_path / "books"])
