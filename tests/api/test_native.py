"""The native interface in process, over the real stores."""

from __future__ import annotations

from pathlib import Path

import httpx
import orjson
import pytest

from tests.api.serving import Inbox, Running, keep_alerts, make_alert, make_rule, resolved
from tests.query.search.rows import put
from tocsin.api.access import NATIVE
from tocsin.model.errors import Location, RuleError
from tocsin.model.severity import Severity
from tocsin.store.sql import Sql
from tocsin.store.state import trail, watermarks


def lines(response: httpx.Response) -> list[dict[str, object]]:
    assert response.headers["content-type"] == "application/x-ndjson"
    return [orjson.loads(line) for line in response.content.splitlines()]


async def get(http: httpx.AsyncClient, path: str, **params: str | int) -> httpx.Response:
    return await http.get(f"{NATIVE}/{path}", params=params)


async def test_a_search_streams_rows_newest_first(http: httpx.AsyncClient, running: Running) -> None:
    put(running.columns, "audit", *({"user": f"user-{n}", "verb": "get"} for n in range(5)))
    found = lines(await get(http, "search", q="user:user-*", limit=2))
    assert [row["user"] for row in found] == ["user-4", "user-3"]
    assert found[0]["time"] == "2026-11-23T09:04:00.000000Z"
    assert "request_object" not in found[0]
    assert "raw" in found[0]


async def test_a_search_counts_and_ranks(http: httpx.AsyncClient, running: Running) -> None:
    put(running.columns, "audit", {"user": "a"}, {"user": "b"}, {"user": "b"})
    assert (await get(http, "search", q="user:*", count=1)).json() == {"count": 3}
    ranked = (await get(http, "search", by="user")).json()
    assert ranked == {"values": [{"value": "b", "count": 2}, {"value": "a", "count": 1}]}
    assert (await get(http, "search", since="2026-11-23T09:01:00Z", until="2026-11-23T09:02:00Z", count=1)).json() == {
        "count": 1
    }


async def test_a_wrong_search_says_where(http: httpx.AsyncClient) -> None:
    response = await get(http, "search", q="verb:get usr:x")
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["type"] == "SearchError"
    assert error["where"] == {"column": 10}
    assert "user" in error["message"]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"since": "soonish"}, "since: 'soonish' is no time"),
        ({"since": "2026-01-02", "until": "2026-01-01"}, "empty"),
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"after": "AAAA"}, "cursor"),
        ({"table": "passwords"}, "there is no table"),
    ],
)
async def test_wrong_parameters_are_refused(http: httpx.AsyncClient, params: dict[str, str], words: str) -> None:
    response = await get(http, "search", **params)
    assert response.status_code == 400
    assert words in response.json()["error"]["message"]


async def test_following_sees_every_row_once_however_late_its_time(http: httpx.AsyncClient, running: Running) -> None:
    async def follow(cursor: str) -> tuple[list[object], str]:
        response = await get(http, "search", q="user:*", after=cursor)
        return [row["user"] for row in lines(response)], response.headers["Tocsin-Cursor"]

    def commit(*names: str, first: int) -> None:
        rows = ({"user": name, "batch": first + n} for n, name in enumerate(names))
        put(running.columns, "audit", *rows)
        running.columns.run(
            Sql(f"INSERT INTO batches (writer, batch, ingested) SELECT 'w', {first + len(names) - 1}, now64(6)")
        )

    commit("before", first=1)
    got, cursor = await follow("now")
    assert got == []
    commit("one", "two", first=2)
    got, cursor = await follow(cursor)
    assert got == ["one", "two"]
    got, cursor = await follow(cursor)
    assert got == []
    commit("three", first=4)
    assert (await follow(cursor))[0] == ["three"]


async def test_a_follower_gets_more_than_a_page_in_pages(http: httpx.AsyncClient, running: Running) -> None:
    cursor = (await get(http, "search", after="now")).headers["Tocsin-Cursor"]
    put(running.columns, "audit", *({"user": str(n), "batch": 1} for n in range(2500)))
    running.columns.run(Sql("INSERT INTO batches (writer, batch, ingested) SELECT 'w', 1, now64(6)"))
    seen: list[str] = []
    for _ in range(4):
        response = await get(http, "search", q="user:*", after=cursor)
        cursor = response.headers["Tocsin-Cursor"]
        seen += [str(row["user"]) for row in lines(response)]
    assert len(seen) == 2500
    assert len(set(seen)) == 2500


async def test_a_query_over_its_budget_is_answered_so(http: httpx.AsyncClient, running: Running) -> None:
    # Reading is bounded by rows here, as that is exact.
    from dataclasses import replace

    from tocsin.api.app import build_app
    from tocsin.store.base import Budget

    put(running.columns, "audit", *({"user": str(n)} for n in range(100)))
    tight = replace(running.services, budget=Budget(rows=10))
    transport = httpx.ASGITransport(build_app(tight, running.web))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        response = await client.get(f"{NATIVE}/search")
    assert response.status_code == 422
    assert "budget" in response.json()["error"]["message"]


async def test_detections_hide_what_only_feeds_correlations(http: httpx.AsyncClient, running: Running) -> None:
    for kind, rule in (("match", "r1"), ("base", "r2"), ("correlation", "r3")):
        running.columns.insert(
            "detections",
            ["rule_id", "title", "severity", "kind", "time", "event_ids", "labels", "event"],
            "JSONEachRow",
            orjson.dumps(
                {"rule_id": rule, "title": rule.upper(), "severity": "high", "kind": kind,
                 "time": "2026-11-23 09:00:00", "event_ids": ["a", "b"], "labels": {"user": "alice"}, "event": "{}"}
            ),
        )  # fmt: skip
    found = lines(await get(http, "detections"))
    assert {row["rule_id"] for row in found} == {"r1", "r3"}
    assert found[0]["event_ids"] == ["a", "b"]
    assert found[0]["labels"] == {"user": "alice"}
    assert "event" not in found[0]
    assert {row["rule_id"] for row in lines(await get(http, "detections", all=1, limit=0))} == {"r1", "r2", "r3"}
    assert [row["rule_id"] for row in lines(await get(http, "detections", rule="R2", kind="base"))] == ["r2"]
    assert lines(await get(http, "detections", since="2026-11-23T09:00:01Z")) == []


async def test_alerts_are_listed_firing_and_worst_first(http: httpx.AsyncClient, running: Running) -> None:
    clock = running.clock
    over = resolved(make_alert(clock, title="Over", severity="critical"))
    low = make_alert(clock, title="Mild", severity="low", namespace="shop")
    bad = make_alert(clock, title="Bad", severity="critical", namespace="bank")
    keep_alerts(running.state, over, low, bad)
    assert [a["title"] for a in (await get(http, "alerts")).json()] == ["Bad", "Mild", "Over"]
    assert [a["title"] for a in (await get(http, "alerts", severity="high", status="firing")).json()] == ["Bad"]
    assert [a["title"] for a in (await get(http, "alerts", match='namespace=~"sh.*"')).json()] == ["Mild"]
    assert [a["title"] for a in (await get(http, "alerts", limit=1, offset=1)).json()] == ["Mild"]
    assert (await get(http, "alerts", match="nonsense")).status_code == 400
    assert (await get(http, "alerts", status="odd")).status_code == 400


async def test_one_alert_comes_with_evidence_history_and_runbook(
    http: httpx.AsyncClient, running: Running, tmp_path: Path
) -> None:
    from dataclasses import replace

    (tmp_path / "pod-shell.md").write_text("# Shell in a pod\nLook.\n")
    running.services = replace(running.services, runbooks=(tmp_path,))
    alert = make_alert(running.clock, user="alice")
    keep_alerts(running.state, alert)
    transport = httpx.ASGITransport(running.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        details = (await client.get(f"{NATIVE}/alerts/{alert.fingerprint}")).json()
        runbook = (await client.get(f"{NATIVE}/runbooks/pod-shell")).json()
    assert details["alert"]["evidence"][0]["event_id"] == "audit-1"
    assert details["alert"]["url"] == f"https://tocsin.example/alerts/{alert.fingerprint}"
    assert [entry["change"] for entry in details["history"]] == ["new"]
    assert (
        details["runbook"]
        == runbook
        == {"slug": "pod-shell", "title": "Shell in a pod", "text": "# Shell in a pod\nLook.\n"}
    )
    assert (await get(http, "alerts/0000000000000000")).status_code == 404


async def test_all_events_of_an_alert_come_in_pages(http: httpx.AsyncClient, running: Running) -> None:
    alert = make_alert(running.clock, user="alice")
    keep_alerts(running.state, alert)
    for number in range(5):
        row = {"rule_id": "rule-1", "kind": "match", "time": alert.starts_at.strftime("%Y-%m-%d %H:%M:%S"),
               "event_table": "audit", "event_id": f"e{number}", "event_ids": [f"e{number}"], "labels": alert.labels,
               "event": f'{{"n":{number}}}'}  # fmt: skip
        running.columns.insert("detections", list(row), "JSONEachRow", orjson.dumps(row))
    seen: list[str] = []
    page = (await get(http, f"alerts/{alert.fingerprint}/evidence", limit=2)).json()
    seen += [event["raw"] for event in page["events"]]
    while page["following"]:
        page = (await get(http, f"alerts/{alert.fingerprint}/evidence", limit=2, after=page["following"])).json()
        seen += [event["raw"] for event in page["events"]]
    assert seen == [f'{{"n":{number}}}' for number in range(5)]
    for wrong in ("x", "2026-01-01~x", "~"):
        assert (await get(http, f"alerts/{alert.fingerprint}/evidence", after=wrong)).status_code == 400
    assert (await get(http, "alerts/00/evidence")).status_code == 404


@pytest.mark.parametrize("slug", ["..%2Fstate", "%2e%2e", "A", "x.md", "nothing"])
async def test_a_runbook_is_never_a_path(http: httpx.AsyncClient, slug: str) -> None:
    assert (await http.get(f"{NATIVE}/runbooks/{slug}")).status_code == 404


async def test_rules_and_their_errors(http: httpx.AsyncClient, running: Running) -> None:
    running.rules = [make_rule("Mild", Severity.LOW), make_rule("Worst", Severity.CRITICAL)]
    running.correlations = [make_rule("Many")]
    running.errors = [RuleError("no field 'x'", Location("rules/bad.yml", 7, 3), "detection")]
    listed = (await get(http, "rules")).json()
    assert [(rule["title"], rule["kind"], rule["quiet"]) for rule in listed] == [
        ("Worst", "sigma", "15m"),
        ("Many", "correlation", "15m"),
        ("Mild", "sigma", "15m"),
    ]
    (error,) = (await get(http, "rules/errors")).json()
    assert error["where"] == {"key": "detection", "file": "rules/bad.yml", "line": 7, "column": 3}


async def test_status_tells_how_far_the_rules_have_seen(http: httpx.AsyncClient, running: Running) -> None:
    running.columns.run(Sql("INSERT INTO batches (writer, batch, ingested) SELECT 'w', 7, now64(6)"))
    with running.state.write() as connection:
        watermarks.advance(connection, {"w": 6}, running.clock.now())
    status = (await get(http, "status")).json()
    assert status["batches"] == {"committed": {"w": 7}, "evaluated": {"w": 6}}
    assert status["ready"] is True
    assert status["authentication"] == "off"


async def test_sources_are_what_arrived(http: httpx.AsyncClient, running: Running) -> None:
    put(running.columns, "logs", {"source": "pod", "cluster": "c1", "line": "x"}, {"source": "pod", "cluster": "c1"})
    (source,) = (await get(http, "sources", since="2026-11-23")).json()
    assert (source["table"], source["cluster"], source["source"], source["rows"]) == ("logs", "c1", "pod", 2)
    assert source["last_event"] == "2026-11-23T09:01:00Z"


async def test_a_receiver_is_tried_and_that_is_on_record(http: httpx.AsyncClient, running: Running) -> None:
    good, bad = Inbox(), Inbox(refuse=True)
    running.receivers = {"oncall": [("slack", good), ("email", bad)]}
    outcomes = (await http.post(f"{NATIVE}/receivers/oncall/test")).json()
    assert [(o["kind"], o["delivered"], o["answer"]) for o in outcomes] == [
        ("slack", True, "200 ok"),
        ("email", False, "500 from the other side"),
    ]
    assert good.got[0].test
    with running.state.read() as connection:
        (entry,) = trail.entries(connection)
    assert (entry.action.actor, entry.action.action, entry.action.subject) == ("local", "receiver.test", "oncall")
    missing = await http.post(f"{NATIVE}/receivers/nobody/test")
    assert missing.status_code == 404
    assert "oncall" in missing.json()["error"]["message"]


async def test_the_interface_describes_itself(http: httpx.AsyncClient) -> None:
    described = (await http.get(f"{NATIVE}/openapi.json")).json()
    assert f"{NATIVE}/search" in described["paths"]
    assert "fingerprint" in described["components"]["schemas"]["Alert"]["properties"]


async def test_answers_are_compressed_for_who_wants_it(http: httpx.AsyncClient, running: Running) -> None:
    put(running.columns, "audit", *({"user": "u" * 50} for _ in range(100)))
    response = await http.get(f"{NATIVE}/search", headers={"Accept-Encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    assert len(lines(response)) == 100
