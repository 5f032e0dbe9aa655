"""One alert: what, who, how often, the events that raised it, its history, and what to do."""

from __future__ import annotations

import json

from nicegui import ui

from tocsin.api.functions.alerts import AlertDetails, get_alert
from tocsin.api.services import Services
from tocsin.model.alerts import Alert, AlertStatus, Evidence
from tocsin.model.errors import TocsinError
from tocsin.web.layout import frame, severity_badge, stamp

_RAW_SHOWN = 64 * 1024


def page(services: Services) -> None:
    """Register the page at `/alerts/<fingerprint>`."""

    @ui.page("/alerts/{fingerprint}")
    async def one_alert(fingerprint: str) -> None:
        try:
            details = await get_alert(services, fingerprint)
        except TocsinError as error:
            with frame("Alert"):
                ui.label(str(error)).classes("text-h6")
            return
        with frame(details.alert.title):
            _head(details.alert)
            with ui.row().classes("w-full no-wrap items-start gap-6"):
                with ui.column().classes("col gap-4"):
                    _evidence(details.alert)
                    _history(details)
                with ui.column().classes("col-5"):
                    _runbook(details)


def _head(alert: Alert) -> None:
    with ui.row().classes("items-center gap-3"):
        severity_badge(alert.severity)
        firing = alert.status is AlertStatus.FIRING
        ui.badge(alert.status.value, color="red-6" if firing else "green-7").props("rounded outline")
        for technique in alert.techniques:
            address = f"https://attack.mitre.org/techniques/{technique.replace('.', '/')}/"
            ui.link(technique, address, new_tab=True)
    ui.label(alert.annotations.get("summary", "")).classes("text-h6 summary")
    ui.label(alert.annotations.get("description", "")).classes("text-body2 text-grey-8")
    facts = {
        **{k: v for k, v in sorted(alert.labels.items()) if k not in ("alertname", "severity")},
        "events": str(alert.count),
        "first": stamp(alert.starts_at),
        "latest": stamp(alert.last_event),
        "rule": alert.rule_id,
    }
    with ui.grid(columns="auto 1fr").classes("gap-x-6 gap-y-1"):
        for name, value in facts.items():
            ui.label(name).classes("text-grey-7")
            ui.label(value).classes("text-weight-medium")


def _evidence(alert: Alert) -> None:
    ui.label(f"Evidence ({len(alert.evidence)} of {alert.count} events)").classes("text-h6")
    with ui.list().props("bordered separator").classes("w-full evidence"):
        for item in alert.evidence:
            with ui.expansion(f"{stamp(item.time)}  {item.summary}", caption=item.event_id).classes("w-full"):
                ui.code(_pretty(item), language="json").classes("w-full")


def _pretty(item: Evidence) -> str:
    try:
        text = json.dumps(json.loads(item.raw), indent=2, ensure_ascii=False)
    except ValueError:
        text = item.raw
    return text[:_RAW_SHOWN]


def _history(details: AlertDetails) -> None:
    ui.label("History").classes("text-h6")
    with ui.list().props("dense"):
        for entry in reversed(details.history):
            ui.item(f"{stamp(entry.at)}  {entry.change.value}  {entry.detail}")
        for message in details.messages:
            ui.item(f"{stamp(message.created_at)}  message to {message.destination}: {message.state.value}")


def _runbook(details: AlertDetails) -> None:
    if details.runbook:
        with ui.card().classes("w-full runbook").props("flat bordered"):
            ui.markdown(details.runbook.text)
    elif details.alert.runbook_url:
        ui.link("Runbook", details.alert.runbook_url, new_tab=True)
