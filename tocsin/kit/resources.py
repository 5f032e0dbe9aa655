"""Where the content that ships with the program lies."""

from __future__ import annotations

from pathlib import Path


def packs_directory() -> Path:
    """Return the `packs` directory: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "packs"
    return inside if inside.is_dir() else package.parent / "packs"
