"""Commands that read from a server, against a real one."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from sqlalchemy import delete

from tests.api.serving import Inbox, keep_alerts, make_alert
from tests.cli.conftest import Tool
from tests.query.search.rows import put
from tocsin.cli.client import Client, Refused, Unreachable
from tocsin.cli.query import follow_lines
from tocsin.model.alerts import AlertStatus, Notification
from tocsin.store.sql import Sql
from tocsin.store.state import outbox, tables
from tocsin.store.state.outbox import MessageQuery, NewMessage


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


class TestQuery:
    def test_a_table_for_people(self, tool: Tool) -> None:
        row = {"user": "alice", "verb": "create", "resource": "pods", "subresource": "exec", "code": 101}
        put(tool.running.columns, "audit", row | {"namespace": "shop", "name": "web-0"})
        result = tool("query", "user:alice", "verb:create")
        assert result.exit_code == 0, result.stderr
        head, line = result.stdout.splitlines()
        assert head.split() == ["time", "user", "verb", "object", "code", "source_ip"]
        assert line.split() == ["2026-11-23", "09:00:00Z", "alice", "create", "pods/exec", "shop/web-0", "101"]

    def test_json_lines_for_programs(self, tool: Tool) -> None:
        put(tool.running.columns, "audit", {"user": "alice"}, {"user": "bob"})
        found = objects(tool("query", "--json").stdout)
        assert [row["user"] for row in found] == ["bob", "alice"]
        assert objects(tool("query", "--json", "--fields", "user,time", "--limit", "1").stdout) == [
            {"user": "bob", "time": "2026-11-23T09:01:00.000000Z"}
        ]

    def test_counts(self, tool: Tool) -> None:
        put(tool.running.columns, "audit", {"user": "alice"}, {"user": "bob"}, {"user": "bob"})
        assert tool("query", "user:b*", "--count").stdout == "2\n"
        assert objects(tool("query", "--by", "user", "--json").stdout) == [
            {"value": "bob", "count": 2},
            {"value": "alice", "count": 1},
        ]
        assert tool("query", "--count", "--since", "2026-11-23T09:01", "--until", "2026-11-23T09:02").stdout == "1\n"

    def test_nothing_found_is_no_error_and_no_output(self, tool: Tool) -> None:
        result = tool("query", "user:nobody")
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", "nothing found\n")

    def test_what_a_log_line_holds_cannot_steer_the_terminal(self, tool: Tool) -> None:
        put(tool.running.columns, "logs", {"source": "pod", "line": "evil\x1b[2J\x07\u202e[bold]end"})
        shown = tool("query", "--table", "logs").stdout
        assert "evil\\x1b[2J\\x07\\u202e[bold]end" in shown

    def test_a_wrong_search_is_explained(self, tool: Tool) -> None:
        result = tool("query", "usr:alice")
        assert isinstance(result.exception, Refused)
        assert result.exception.exit_code == 1
        assert "did you mean user" in str(result.exception)

    def test_follow_refuses_a_range(self, tool: Tool) -> None:
        result = tool("query", "--follow", "--since", "1h")
        assert result.exit_code == 2
        assert "--follow" in result.stderr

    def test_follow_shows_what_arrives(self, tool: Tool) -> None:
        columns = tool.running.columns

        def arrive(_: float) -> None:
            columns.run(Sql("INSERT INTO batches (writer, batch, ingested) SELECT 'w', 1, now64(6)"))

        put(columns, "audit", {"user": "alice", "batch": 1})
        with Client(tool.server) as client:
            (line,) = islice(follow_lines(client, {"q": "user:*"}, arrive), 1)
        assert orjson.loads(line)["user"] == "alice"

    def test_following_goes_on_after_the_server_was_away(self, tool: Tool, capsys: pytest.CaptureFixture[str]) -> None:
        columns = tool.running.columns
        pauses = iter(["away", "back"])
        with Client(tool.server) as client:

            def pause(_: float) -> None:
                if next(pauses) == "away":
                    client._http.base_url = httpx.URL("http://127.0.0.1:1")
                    return
                put(columns, "audit", {"user": "alice", "batch": 1})
                columns.run(Sql("INSERT INTO batches (writer, batch, ingested) SELECT 'w', 1, now64(6)"))
                client._http.base_url = httpx.URL(tool.server)

            (line,) = islice(follow_lines(client, {"q": "user:*"}, pause), 1)
        assert orjson.loads(line)["user"] == "alice"
        assert "waiting for it" in capsys.readouterr().err

    def test_following_does_not_begin_without_a_server(self) -> None:
        with Client("http://127.0.0.1:1") as client, pytest.raises(Unreachable):
            next(follow_lines(client, {"q": ""}, lambda _: None))

    def test_fields_may_be_paths_of_the_event(self, tool: Tool) -> None:
        raw = {"user": {"groups": ["a", "b"]}, "requestURI": "/x", "requestObject": {"spec": {"containers": [
            {"image": "one"}, {"image": "two"}, {}]}}}  # fmt: skip
        put(tool.running.columns, "audit", {"user": "alice", "raw": json.dumps(raw)}, {"user": "bob", "raw": "cut{"})
        names = "user,user.groups,requestURI,requestObject.spec.containers.image,nothing.at.all"
        bob, alice = objects(tool("query", "--json", "--fields", names).stdout)
        assert alice == {
            "user": "alice",
            "user.groups": ["a", "b"],
            "requestURI": "/x",
            "requestObject.spec.containers.image": ["one", "two"],
            "nothing.at.all": None,
        }
        assert (bob["user"], bob["requestURI"]) == ("bob", None)
        assert '["one", "two"]' in tool("query", "user:alice", "--fields", names).stdout


class TestAlerts:
    def test_the_list_and_one_of_it(self, tool: Tool) -> None:
        alert = make_alert(tool.running.clock, namespace="shop")
        keep_alerts(tool.running.state, alert)
        listed = tool("alerts", "--status", "firing", "--severity", "high", "-m", 'namespace="shop"').stdout
        assert listed.splitlines()[1].split()[:2] == ["high", "firing"]
        assert alert.fingerprint in listed
        shown = tool("alerts", alert.fingerprint).stdout
        for expected in ("Shell in a pod", "alice opened a shell", "audit-1", "namespace=shop", "T1609", "began"):
            assert expected in shown
        (details,) = objects(tool("alerts", alert.fingerprint, "--json").stdout)
        assert details["alert"]["fingerprint"] == alert.fingerprint

    def test_an_unknown_alert_is_an_error(self, tool: Tool) -> None:
        result = tool("alerts", "0000000000000000")
        assert isinstance(result.exception, Refused)
        assert tool("alerts", "../status").exit_code == 2


def test_detections_as_json_lines(tool: Tool) -> None:
    row = {"rule_id": "r", "title": "R", "severity": "high", "kind": "match", "time": "2026-11-23 09:00:00",
           "event_ids": ["a", "b"], "labels": {"user": "alice"}}  # fmt: skip
    tool.running.columns.insert("detections", list(row), "JSONEachRow", orjson.dumps(row))
    (found,) = objects(tool("detections", "--json").stdout)
    assert {name: found[name] for name in row} == row | {"time": "2026-11-23T09:00:00.000000Z"}
    assert "a and 1 more" in tool("detections").stdout


def test_notifications_and_sources_of_an_empty_server(tool: Tool) -> None:
    assert tool("notifications").stderr == "no messages\n"
    assert tool("sources").stderr == "nothing arrived in this time\n"
    assert tool("notifications", "--state", "lost").exit_code == 2


def test_notify_test_prints_each_answer(tool: Tool) -> None:
    tool.running.receivers = {"on call": [("slack", Inbox()), ("email", Inbox(refuse=True))]}
    result = tool("notify", "test", "on call")
    assert result.exit_code == 1
    assert "200 ok" in result.stdout
    assert "500 from the other side" in result.stdout
    tool.running.receivers = {"on call": [("slack", Inbox())]}
    assert tool("notify", "test", "on call").exit_code == 0
    assert isinstance(tool("notify", "test", "nobody").exception, Refused)


def test_status_ends_with_1_while_not_ready(tool: Tool) -> None:
    assert "ready" in tool("status").stdout
    tool.running.unready = ["starting"]
    result = tool("status", "--json")
    assert result.exit_code == 1
    assert objects(result.stdout)[0]["unready"] == ["starting"]


def test_no_server_is_said_with_what_to_do(tool: Tool) -> None:
    result = tool("status", "--server", "http://127.0.0.1:1")
    assert isinstance(result.exception, Unreachable)
    assert result.exception.exit_code == 3
    assert "tocsin run" in str(result.exception)


@pytest.mark.parametrize("server", ["127.0.0.1:9319", "ftp://x", "http://"])
def test_an_address_must_be_one(tool: Tool, server: str) -> None:
    assert "no address" in str(tool("status", "--server", server).exception)


class TestRetry:
    @pytest.fixture
    def failed(self, tool: Tool) -> list[int]:
        """Ids of two messages that were given up."""
        running, now = tool.running, tool.running.clock.now()
        running.receivers = {"oncall": [("slack", Inbox())], "team": [("email", Inbox())]}
        alert = make_alert(running.clock)
        with running.state.write() as connection:
            connection.execute(delete(tables.outbox))
            for name, kind in (("oncall", "slack"), ("team", "email")):
                told = Notification(name, "g", AlertStatus.FIRING, (alert,), {}, "", f"{name}/{uuid4()}", now)
                outbox.enqueue(connection, [NewMessage(f"{name}/{kind}", name, kind, "new", told)])
            waiting = outbox.find(connection, MessageQuery())
            for message in waiting:
                outbox.give_up(connection, message, "403", "client", now)
        return [message.id for message in waiting]

    def test_named_ones(self, tool: Tool, failed: list[int]) -> None:
        assert tool("notifications", "retry", str(failed[0])).stdout == "1 of 1 will be sent again\n"
        again = tool("notifications", "retry", *map(str, failed))
        assert (again.exit_code, again.stdout) == (1, "1 of 2 will be sent again\n")
        assert again.stderr == f"message {failed[0]} is pending; only one that failed can be sent again\n"

    def test_all_that_failed(self, tool: Tool, failed: list[int]) -> None:
        tool("notifications", "retry", "--failed", "--receiver", "team")
        left = objects(tool("notifications", "--state", "failed", "--json").stdout)
        assert [message["receiver"] for message in left] == ["oncall"]
        done = objects(tool("notifications", "retry", "--failed", "--json").stdout)
        assert [message["state"] for message in done] == ["pending"]
        nothing = tool("notifications", "retry", "--failed")
        assert (nothing.exit_code, nothing.stderr) == (0, "no message failed\n")

    @pytest.mark.parametrize(
        "arguments",
        [["retry"], ["retry", "1", "--failed"], ["retry", "1", "--receiver", "x"], ["--json", "retry", "1"]],
    )
    def test_wrong_usage_is_told(self, tool: Tool, arguments: list[str]) -> None:
        assert tool("notifications", *arguments).exit_code == 2


def test_the_evidence_of_an_alert_one_event_a_line(tool: Tool) -> None:
    alert = make_alert(tool.running.clock)
    keep_alerts(tool.running.state, alert)
    for number in range(3):
        row = {"rule_id": "rule-1", "kind": "match", "time": alert.starts_at.strftime("%Y-%m-%d %H:%M:%S"),
               "event_table": "audit", "event_id": f"e{number}", "event_ids": [f"e{number}"], "labels": alert.labels,
               "event": f'{{"auditID":"e{number}"}}'}  # fmt: skip
        tool.running.columns.insert("detections", list(row), "JSONEachRow", orjson.dumps(row))
    plain = objects(tool("alerts", alert.fingerprint, "--evidence").stdout)
    assert [event["auditID"] for event in plain] == ["e0", "e1", "e2"]
    told = objects(tool("alerts", alert.fingerprint, "--evidence", "--json").stdout)
    assert [event["event_id"] for event in told] == ["e0", "e1", "e2"]
    assert tool("alerts", "--evidence").exit_code == 2
