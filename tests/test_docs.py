"""The documentation leads where it says, and speaks of what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tocsin.app.settings import parse

_ROOT = Path(__file__).resolve().parent.parent
_PAGES = sorted([*_ROOT.glob("*.md"), *(_ROOT / "docs").rglob("*.md"), *(_ROOT / "packs").rglob("*.md")])
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_YAML = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
_OURS = re.compile(r"^(receivers|alerting|intake|rules|store|auth|external_url|listen|data|web):", re.MULTILINE)


def _name(path: Path) -> str:
    return str(path.relative_to(_ROOT))


@pytest.mark.parametrize("page", _PAGES, ids=_name)
def test_links_lead_to_files(page: Path) -> None:
    """Relative links name files that exist."""
    links = [link for link in _LINK.findall(page.read_text()) if "://" not in link and not link.startswith("/")]

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", [p for p in _PAGES if "docs" in p.parts or p.name == "README.md"], ids=_name)
def test_settings_in_examples_are_valid(page: Path) -> None:
    """What people copy works; secrets in files are left aside."""
    for example in _YAML.findall(page.read_text()):
        if _OURS.search(example) and not re.search(r"^(kind|title|groups|apiVersion):", example, re.MULTILINE):
            parse(re.sub(r"state_url_file:.*", "state_url_file: ''", example), _name(page))


def test_every_page_is_reachable_from_the_readme() -> None:
    """Nobody has to list a directory to find a page."""
    seen: set[Path] = set()
    todo = [_ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen or not page.exists() or page.suffix != ".md":
            continue
        seen.add(page)
        todo += [(page.parent / link).resolve() for link in _LINK.findall(page.read_text()) if "://" not in link]

    assert [_name(p) for p in _PAGES if "docs" in p.parts and p not in seen] == []
