"""Protobuf schemas that the engine reads bodies by: files beside this one, with the fields we use and no others."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def schema(name: str) -> str:
    """Return the text of `<name>.proto`."""
    return (Path(__file__).parent / f"{name}.proto").read_text(encoding="utf-8")
