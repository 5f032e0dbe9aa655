"""The first page: open alerts, live, and what arrives."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from tocsin.api.functions.alerts import list_alerts
from tocsin.api.functions.operating import status
from tocsin.api.functions.sources import SourceFacts, list_sources
from tocsin.api.services import Services
from tocsin.model.alerts import Alert, AlertStatus
from tocsin.model.errors import TocsinError
from tocsin.web.layout import COLOURS, ago, frame

_REFRESH = 2.0
_SHOWN = 500
_OWN = ("alertname", "severity")

_COLUMNS: list[dict[str, Any]] = [
    {
        "name": "severity",
        "label": "Severity",
        "field": "severity",
        "align": "left",
        "sortable": True,
        ":sort": "(a, b, x, y) => x.rank - y.rank",
    },
    {
        "name": "title",
        "label": "Alert",
        "field": "title",
        "align": "left",
        "sortable": True,
        "style": "min-width: 14em",
    },
    {"name": "count", "label": "Events", "field": "count", "align": "right", "sortable": True},
    {"name": "started", "label": "Since (UTC)", "field": "started", "align": "left", "sortable": True},
    {"name": "summary", "label": "Latest", "field": "summary", "align": "left", "classes": "break"},
    {"name": "entity", "label": "Who, where", "field": "entity", "align": "left", "classes": "break text-grey-8"},
]
_SEVERITY_CELL = """
<q-td :props="props"><q-badge rounded :color="props.row.colour">{{ props.row.severity }}</q-badge></q-td>
"""
_TITLE_CELL = """
<q-td :props="props"><a :href="props.row.link" class="text-primary">{{ props.row.title }}</a></q-td>
"""


def page(services: Services) -> None:
    """Register the page at `/`."""

    @ui.page("/")
    async def overview() -> None:
        ui.add_css(".break { overflow-wrap: anywhere }")
        with frame("Open alerts"):
            health = ui.label().classes("text-body2 text-grey-7")
            alerts = ui.table(rows=[], columns=_COLUMNS, row_key="fingerprint", pagination=50).classes("w-full alerts")
            alerts.props('flat bordered wrap-cells no-data-label="No open alerts."')
            alerts.add_slot("body-cell-severity", _SEVERITY_CELL)
            alerts.add_slot("body-cell-title", _TITLE_CELL)
            ui.label("Sources of the last day").classes("text-h6 q-mt-md")
            sources = ui.table(rows=[], columns=_source_columns(), row_key="key").classes("w-full sources")
            sources.props('flat bordered dense no-data-label="Nothing has arrived yet."')

        async def refresh() -> None:
            try:
                health.text = await _health(services)
                found = await list_alerts(services, status=AlertStatus.FIRING, limit=_SHOWN)
                alerts.rows = [_row(each) for each in found]
                alerts.update()
                sources.rows = [_source_row(each, services) for each in await list_sources(services)]
                sources.update()
            except TocsinError as error:
                health.text = str(error)

        await refresh()
        ui.timer(_REFRESH, refresh, immediate=False)


async def _health(services: Services) -> str:
    facts = await status(services)
    batches = facts["batches"]
    behind = {k: v for k, v in batches.get("committed", {}).items() if v > batches.get("evaluated", {}).get(k, 0)}
    rules = facts["rules"]
    parts = [f"{rules['loaded']} rules watch" + (f", {rules['errors']} do not run" if rules["errors"] else "")]
    parts.append("rules are catching up" if behind else "rules have seen everything that arrived")
    if facts.get("disk", {}).get("full"):
        parts.append("DISK NEARLY FULL: intake is refused")
    return "; ".join(parts) + "."


def _row(alert: Alert) -> dict[str, str | int]:
    return {
        "fingerprint": alert.fingerprint,
        "severity": alert.severity.value,
        "rank": alert.severity.rank,
        "colour": COLOURS[alert.severity],
        "title": alert.title,
        "entity": "  ".join(f"{k}={v}" for k, v in sorted(alert.labels.items(), key=_order) if k not in _OWN),
        "summary": alert.annotations.get("summary", ""),
        "count": alert.count,
        "started": alert.starts_at.strftime("%Y-%m-%d %H:%M:%S"),
        "link": f"/alerts/{alert.fingerprint}",
    }


def _order(label: tuple[str, str]) -> tuple[int, str]:
    """Who first, the cluster last: it is mostly the same."""
    return {"user": 0, "cluster": 2}.get(label[0], 1), label[0]


def _source_columns() -> list[dict[str, str]]:
    names = {
        "table": "Kind",
        "cluster": "Cluster",
        "source": "Source",
        "rows": "Rows",
        "minute": "Last minute",
        "seen": "Last seen",
    }
    return [{"name": name, "label": label, "field": name, "align": "left"} for name, label in names.items()]


def _source_row(source: SourceFacts, services: Services) -> dict[str, str | int]:
    return {
        "key": f"{source.table}/{source.cluster}/{source.source}",
        "table": source.table,
        "cluster": source.cluster,
        "source": source.source,
        "rows": source.rows,
        "minute": source.last_minute,
        "seen": ago(source.last_seen, services.clock.now()),
    }
