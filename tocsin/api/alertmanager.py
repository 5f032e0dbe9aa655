"""The reading half of Alertmanager's API v2, for the tools that show its alerts.

Alerts that fire are its active ones. Nothing is silenced, inhibited or unprocessed here, so the parameters that ask for
such are taken and change nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from tocsin import __version__
from tocsin.api.functions.alerts import list_firing
from tocsin.api.services import Services
from tocsin.model.alerts import Alert
from tocsin.model.matchers import Matcher, parse_matchers

_RESOLVE_TIMEOUT = timedelta(minutes=5)
"""What Alertmanager says of an alert whose end is not known: it ends this much later unless it is told otherwise."""


def router(services: Services, started: datetime) -> APIRouter:
    """Return the routes.

    Args:
        services: What is needed.
        started: When the process began to serve.
    """
    routes = APIRouter(prefix="/api/v2", tags=["Alertmanager"])

    @routes.get("/alerts")
    async def alerts(
        active: bool = True,
        silenced: bool = True,
        inhibited: bool = True,
        unprocessed: bool = True,
        filter_: Annotated[list[str], Query(alias="filter")] = [],  # noqa: B006 - FastAPI copies it
        receiver: str | None = None,
    ) -> list[dict[str, Any]]:
        """List firing alerts in Alertmanager's form."""
        matchers = tuple(matcher for text in filter_ for matcher in parse_matchers(text))
        wanted = Matcher("receiver", "=~", receiver) if receiver else None
        found = await list_firing(services, matchers) if active else []
        ends = services.clock.now() + _RESOLVE_TIMEOUT
        return [
            _gettable(alert, receivers, ends)
            for alert, receivers in found
            if wanted is None or any(wanted.matches({"receiver": name}) for name in receivers)
        ]

    @routes.get("/status")
    async def status() -> dict[str, Any]:
        """Tell the version, in Alertmanager's form."""
        return {
            "cluster": {"status": "disabled", "peers": []},
            "config": {"original": ""},
            "uptime": started,
            "versionInfo": {
                "version": __version__,
                "revision": "",
                "branch": "",
                "buildUser": "",
                "buildDate": "",
                "goVersion": "",
            },
        }

    return routes


def _gettable(alert: Alert, receivers: tuple[str, ...], ends: datetime) -> dict[str, Any]:
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": alert.starts_at,
        "endsAt": ends,
        "updatedAt": alert.updated_at,
        "generatorURL": alert.url,
        "fingerprint": alert.fingerprint,
        "receivers": [{"name": name} for name in receivers],
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []},
    }
