"""Alertmanager's API v2, as its clients read it."""

from __future__ import annotations

import httpx

from tests.api.serving import Inbox, Running, keep_alerts, make_alert, resolved

FIELDS = {
    "labels",
    "annotations",
    "startsAt",
    "endsAt",
    "updatedAt",
    "generatorURL",
    "fingerprint",
    "receivers",
    "status",
}


async def names(http: httpx.AsyncClient, **params: str | list[str]) -> list[str]:
    found = (await http.get("/api/v2/alerts", params=params)).json()
    return sorted(item["labels"]["alertname"] for item in found)


async def test_firing_alerts_in_alertmanagers_form(http: httpx.AsyncClient, running: Running) -> None:
    running.receivers = {"oncall": [("slack", Inbox()), ("email", Inbox())], "team": [("webhook", Inbox())]}
    alert = make_alert(running.clock, namespace="shop")
    keep_alerts(running.state, alert, resolved(make_alert(running.clock, title="Over")))
    (item,) = (await http.get("/api/v2/alerts")).json()
    assert set(item) == FIELDS
    assert item["labels"] == {"alertname": "Shell in a pod", "severity": "high", "namespace": "shop"}
    assert item["status"] == {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []}
    assert item["receivers"] == [{"name": "oncall"}, {"name": "team"}]
    assert item["fingerprint"] == alert.fingerprint
    assert item["startsAt"] == "2025-12-31T23:59:00Z"
    assert item["endsAt"] > item["updatedAt"]


async def test_filters(http: httpx.AsyncClient, running: Running) -> None:
    running.receivers = {"oncall": [("slack", Inbox())]}
    keep_alerts(
        running.state,
        make_alert(running.clock, title="A", namespace="shop"),
        make_alert(running.clock, title="B", namespace="bank"),
        make_alert(running.clock, title="C", severity="informational"),
    )
    assert await names(http) == ["A", "B", "C"]
    assert await names(http, filter='namespace="shop"') == ["A"]
    assert await names(http, filter=['namespace=~".+"', 'alertname!="A"']) == ["B"]
    assert await names(http, active="false") == []
    assert await names(http, silenced="false", inhibited="false", unprocessed="false") == ["A", "B", "C"]
    assert await names(http, receiver="on.*") == ["A", "B"]  # By default nobody is told of informational alerts.
    assert await names(http, receiver="on") == []
    assert (await http.get("/api/v2/alerts", params={"filter": "?"})).status_code == 400


async def test_status_has_what_clients_need(http: httpx.AsyncClient) -> None:
    status = (await http.get("/api/v2/status")).json()
    assert set(status) == {"cluster", "config", "uptime", "versionInfo"}
    assert status["uptime"] == "2026-01-01T00:00:00Z"
