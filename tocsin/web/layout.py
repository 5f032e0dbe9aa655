"""What all pages share: the frame around them, colours of severities, how times are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from nicegui import ui

from tocsin import __version__
from tocsin.model.severity import Severity

COLOURS = {
    Severity.CRITICAL: "red-10",
    Severity.HIGH: "deep-orange-8",
    Severity.MEDIUM: "amber-9",
    Severity.LOW: "blue-7",
    Severity.INFORMATIONAL: "blue-grey-5",
}


@contextmanager
def frame(title: str) -> Iterator[None]:
    """Draw the header, and what is drawn inside below it."""
    ui.page_title(f"{title} · Tocsin")
    with ui.header().classes("items-center bg-blue-grey-10 q-py-sm"):
        ui.link("Tocsin", "/").classes("text-h6 text-white no-underline")
        ui.label(title).classes("text-subtitle1 text-blue-grey-2")
        ui.space()
        ui.label(__version__).classes("text-caption text-blue-grey-4")
    with ui.column().classes("w-full q-pa-md gap-4"):
        yield


def severity_badge(severity: Severity) -> None:
    """Draw a severity in its colour, by its name."""
    ui.badge(severity.value, color=COLOURS[severity]).props("rounded")


def stamp(moment: datetime) -> str:
    """Write a time in full, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def ago(moment: datetime, now: datetime) -> str:
    """Write how long ago something was."""
    seconds = max(0, round((now - moment).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
