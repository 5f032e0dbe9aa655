"""What operators and their tools ask for."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.api.serving import Running
from tocsin.store.state import trail


async def test_healthy_while_not_ready(http: httpx.AsyncClient, running: Running) -> None:
    running.unready = ["the rules are being loaded"]
    assert (await http.get("/-/healthy")).status_code == 200
    response = await http.get("/-/ready")
    assert response.status_code == 503
    assert "the rules are being loaded" in response.text
    running.unready = []
    assert (await http.get("/-/ready")).status_code == 200


async def test_metrics_in_prometheus_text(http: httpx.AsyncClient) -> None:
    response = await http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    found = {sample.name: sample.value for f in text_string_to_metric_families(response.text) for sample in f.samples}
    assert found["tocsin_things_total"] == 3


async def test_metrics_in_openmetrics_if_asked_for(http: httpx.AsyncClient) -> None:
    response = await http.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")


async def test_a_reload_tells_what_changed_and_is_on_record(http: httpx.AsyncClient, running: Running) -> None:
    assert (await http.post("/-/reload")).json() == {"changes": ["rules: 2 added"]}
    with running.state.read() as connection:
        (entry,) = trail.entries(connection)
    assert entry.action.action == "settings.reload"


async def test_a_bad_reload_says_where(http: httpx.AsyncClient, running: Running) -> None:
    running.broken = "expected host:port"
    response = await http.post("/-/reload")
    assert response.status_code == 400
    assert response.json()["error"]["where"] == {"key": "listen", "file": "tocsin.yaml", "line": 3, "column": 5}


async def test_a_body_over_the_limit_is_refused(http: httpx.AsyncClient) -> None:
    response = await http.post("/-/reload", content=b"x" * ((1 << 20) + 1))
    assert response.status_code == 413
    assert "web.body_limit" in response.json()["error"]["message"]


async def test_browsers_are_told_not_to_guess_or_frame(http: httpx.AsyncClient) -> None:
    for path in ("/-/healthy", "/nothing/here"):
        headers = (await http.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


async def test_an_unknown_address_is_answered_in_the_same_form(http: httpx.AsyncClient) -> None:
    response = await http.get("/nothing/here")
    assert (response.status_code, response.json()) == (404, {"error": {"type": "http", "message": "Not Found"}})
