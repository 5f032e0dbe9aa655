"""Turns the engine's exceptions into ours, by the engine's error code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from tocsin.model.errors import BudgetExceeded, InvalidInput, StorageFull, StoreFailed, TocsinError

_CODE = re.compile(r"Code: (\d+)\.")
_NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)")

_BUDGET = {158: "rows", 159: "time", 241: "memory", 307: "bytes", 396: "rows"}
_REFUSED = {6, 27, 36, 41, 43, 46, 47, 53, 60, 62, 81, 117, 130, 386, 395, 427, 456, 457, 469}
"""Parse errors, unknown names, wrong types, bad patterns and parameters: the query's fault."""
_FULL = {243}
"""NOT_ENOUGH_SPACE."""


def translate(error: Exception) -> TocsinError:
    """Return our error for one of the engine's."""
    text = str(error)
    found = _CODE.search(text)
    code = int(found[1]) if found else 0
    message = _shorten(text)
    if code in _BUDGET:
        return BudgetExceeded(f"the query went over its {_BUDGET[code]} budget; narrow it, or ask for less ({message})")
    if code in _FULL or "No space left on device" in text:
        return StorageFull("the disk that holds the data is full", retry_after=30)
    if code in _REFUSED:
        return InvalidInput(f"the engine refuses the query: {message}")
    return StoreFailed(f"the engine failed: {message}")


@contextmanager
def translated() -> Iterator[None]:
    """Raise our errors for whatever the engine's client raises inside."""
    try:
        yield
    except TocsinError:
        raise
    except Exception as error:
        raise translate(error) from error


def _shorten(text: str) -> str:
    message = text.split("DB::Exception: ", 1)[-1]
    name = _NAME.findall(message)
    first = message.splitlines()[0] if message else ""
    cut = first.split(": while executing")[0].split(": In scope")[0][:300]
    return cut if not name or name[-1] in cut else f"{cut} ({name[-1]})"
