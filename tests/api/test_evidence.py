"""The evidence of every alert of a recorded attack leads back to the events, as a user reads it over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from tests.api.serving import Running, fresh_state
from tests.packs.replay import ARRIVED, recorded, replay
from tocsin.alerting.pipeline import AlertPipeline
from tocsin.alerting.routing import Routing
from tocsin.alerting.settings import AlertingSettings
from tocsin.api.access import NATIVE
from tocsin.model.alerts import Tick
from tocsin.rules.loading import load
from tocsin.rules.settings import RulesSettings
from tocsin.store.base import Columns
from tocsin.testing.clock import VirtualClock


@pytest.fixture(scope="module")
def attacked(store: Columns, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A Tocsin that has watched the attack, with the rules that ship."""
    clock = VirtualClock(ARRIVED)
    state = fresh_state(tmp_path_factory.mktemp("state"), clock)
    running = Running(store, state, clock)
    book = load(RulesSettings())
    running.rules, running.correlations = list(book.rules), list(book.correlations)
    signals = replay(store, book, [recorded("attack")]).signals
    AlertPipeline(state, Routing(AlertingSettings(), {})).accept(Tick(signals, {"w": 1}, ARRIVED))
    yield running
    running.services.workers.close()
    state.close()


@pytest.fixture
async def client(attacked: Running) -> AsyncIterator[httpx.AsyncClient]:
    """Its reader."""
    transport = httpx.ASGITransport(attacked.app())
    async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:9319{NATIVE}/") as found:
        yield found


async def evidence(client: httpx.AsyncClient, fingerprint: str, limit: int) -> list[dict[str, Any]]:
    """All pages of an alert's evidence."""
    events: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = (await client.get(f"alerts/{fingerprint}/evidence", params={"limit": limit, **after})).json()
        assert len(page["events"]) <= limit
        events += page["events"]
        if page["following"] is None:
            return events
        after = {"after": page["following"]}


async def test_every_alert_leads_back_to_the_recorded_events(client: httpx.AsyncClient, attacked: Running) -> None:
    sent = {event["auditID"]: event for event in map(json.loads, recorded("attack"))}
    alerts = (await client.get("alerts", params={"limit": 1000})).json()
    correlations = {rule.id for rule in attacked.correlations}

    assert {alert["rule_id"] in correlations for alert in alerts} == {True, False}, "both kinds are to be looked at"
    for alert in alerts:
        events = await evidence(client, alert["fingerprint"], limit=50)
        ids = [event["event_id"] for event in events]
        assert len(ids) == len(set(ids)) == alert["count"], alert["title"]
        assert [event["time"] for event in events] == sorted(event["time"] for event in events)
        for event in events:
            assert not event["cut"]
            assert json.loads(event["raw"]) == sent[event["event_id"]], alert["title"]


async def test_a_detections_events_are_those_of_its_alert(client: httpx.AsyncClient) -> None:
    alerts = (await client.get("alerts", params={"limit": 1000})).json()
    by_labels = {json.dumps(alert["labels"], sort_keys=True): alert["fingerprint"] for alert in alerts}
    wanted: dict[str, set[str]] = {}
    for line in (await client.get("detections", params={"limit": 0})).text.splitlines():
        found = json.loads(line)
        wanted.setdefault(by_labels[json.dumps(found["labels"], sort_keys=True)], set()).update(found["event_ids"])

    assert set(wanted) == set(by_labels.values())
    for fingerprint, ids in wanted.items():
        assert {event["event_id"] for event in await evidence(client, fingerprint, limit=1000)} == ids


async def test_the_page_has_its_limits(client: httpx.AsyncClient) -> None:
    (alert, *_) = (await client.get("alerts")).json()
    for limit in (0, -1, 1001, 10**30):
        response = await client.get(f"alerts/{alert['fingerprint']}/evidence", params={"limit": limit})
        assert response.status_code == 400
        assert "limit" in response.json()["error"]["message"]


async def test_a_large_event_comes_whole(columns: Columns, clock: VirtualClock, attacked: Running) -> None:
    """The detection keeps 16 KiB of it; the events themselves are in the table `audit`."""
    event = json.loads(recorded("attack")[0])
    large = {
        **event,
        "auditID": "large",
        "stage": "ResponseComplete",
        "verb": "create",
        "user": {"username": "eve"},
        "objectRef": {"apiVersion": "rbac.authorization.k8s.io/v1", "resource": "clusterrolebindings", "name": "x"},
        "requestObject": {
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "x", "annotations": {"note": "é" * 40_000}},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "User", "name": "eve"}],
        },
        "responseStatus": {"code": 201},
        "level": "RequestResponse",
    }
    book = load(RulesSettings())
    found = replay(columns, book, [[json.dumps(large, ensure_ascii=False).encode()]])
    assert found.signals
    pipeline = AlertPipeline(attacked.state, Routing(AlertingSettings(), {}))
    pipeline.accept(Tick(found.signals, {"w": 2}, clock.now()))
    transport = httpx.ASGITransport(attacked.app())
    async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:9319{NATIVE}/") as client:
        (alert,) = (await client.get("alerts", params={"match": 'user="eve"'})).json()
        (event,) = await evidence(client, alert["fingerprint"], limit=10)
    assert (json.loads(event["raw"]), event["cut"]) == (large, False)
