"""A runbook: what to do, for a reader who came from a message."""

from __future__ import annotations

from nicegui import ui

from tocsin.api.functions.operating import get_runbook
from tocsin.api.services import Services
from tocsin.model.errors import TocsinError
from tocsin.web.layout import frame


def page(services: Services) -> None:
    """Register the page at `/runbooks/<slug>`."""

    @ui.page("/runbooks/{slug}")
    async def one_runbook(slug: str) -> None:
        try:
            found = await get_runbook(services, slug)
        except TocsinError as error:
            with frame("Runbook"):
                ui.label(str(error)).classes("text-h6")
            return
        with frame(found.title):
            ui.markdown(found.text).classes("runbook")
