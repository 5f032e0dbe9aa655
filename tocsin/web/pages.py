"""The pages, mounted on the HTTP application."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from nicegui import ui

from tocsin.api.services import Services
from tocsin.web import alert, login, overview, runbook

Page = Callable[[Services], None]

PAGES: tuple[Page, ...] = (overview.page, alert.page, runbook.page)
"""Each registers its address; each address needs a line in `api/access.py`."""


def mount(application: FastAPI, services: Services) -> None:
    """Add the pages to `application`. Everything they load comes from this server."""
    application.router.routes[:0] = login.routes(services)
    for page in PAGES:
        page(services)
    ui.run_with(application, title="Tocsin", favicon="🔔", dark=None, language="en-US")
