"""What searches find, asked of the real engine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.query.search.rows import START, put
from tocsin.model.errors import InvalidInput
from tocsin.query.search import SearchError, Window, arrived, count, plan, rows, top
from tocsin.store.base import Columns
from tocsin.store.sql import bind, compose
from tocsin.testing.stores import fresh_columns

POD = {
    "spec": {
        "hostPID": True,
        "priority": 7,
        "containers": [
            {"name": "web", "image": "nginx:1.27", "securityContext": {"privileged": False}},
            {
                "name": "sh",
                "image": "Busybox",
                "securityContext": {"privileged": True, "capabilities": {"add": ["NET_ADMIN"]}},
            },
        ],
    },
    "metadata": {"labels": {"app.kubernetes.io/name": "shop"}},
}


@pytest.fixture(scope="module")
def audit() -> Iterator[Columns]:
    columns = fresh_columns()
    put(
        columns,
        "audit",
        {"user": "alice", "verb": "create", "resource": "pods", "namespace": "shop", "code": 201,
         "groups": ["dev", "system:authenticated"], "source_ips": ["203.0.113.9", "10.1.2.3"], "source_ip": "10.1.2.3",
         "request_object": orjson.dumps(POD).decode(),
         "annotations": {"authorization.k8s.io/decision": "allow", "pod-security.kubernetes.io/exempt": "user"}},
        {"user": "system:serviceaccount:shop:web", "verb": "list", "resource": "secrets", "code": 403,
         "request_uri": "/api/v1/secrets?limit=500", "user_agent": "kubectl/v1.36 (linux/amd64)",
         "raw": '{"user":{"username":"system:serviceaccount:shop:web","extra":{"scopes.io/x":["read"]}},'
                '"responseStatus":{"message":"secrets is Forbidden"}}'},
        {"user": "bob_smith", "verb": "delete", "resource": "pods", "namespace": "shop-2", "code": 200, "name": "100%"},
    )  # fmt: skip
    yield columns
    columns.close()


def found(columns: Columns, text: str) -> list[str]:
    return sorted(row["audit_id"] for row in columns.fetch(rows(plan(text), Window(), 100)))


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", ["a0", "a1", "a2"]),
        ("user:alice", ["a0"]),
        ("user:ALICE", ["a0"]),
        ("user:alic", []),
        ("user:al*", ["a0"]),
        ("user:*li*e", ["a0"]),
        ("-user:alice", ["a1", "a2"]),
        ("NOT user:alice resource:pods", ["a2"]),
        ("user:system:serviceaccount:shop:web", ["a1"]),
        ("user:bob_s*", ["a2"]),
        ("user:bob?s*", []),
        ("user:b_b*", []),
        ("name:100%", ["a2"]),
        ("name:1%", []),
        ("verb:(create OR delete)", ["a0", "a2"]),
        ("verb:(create delete)", ["a0", "a2"]),
        ("verb:create OR verb:list", ["a0", "a1"]),
        ("resource:pods verb:create OR resource:secrets verb:list", ["a0", "a1"]),
        ("resource:pods (verb:create OR verb:list)", ["a0"]),
        ("resource:pods AND verb:delete", ["a2"]),
        ("code:403", ["a1"]),
        ("code:4*", ["a1"]),
        ("code:>=201", ["a0", "a1"]),
        ("code:>201 code:<500", ["a1"]),
        ("namespace:*", ["a0", "a2"]),
        ('namespace:""', ["a1"]),
        ("-namespace:*", ["a1"]),
        ("namespace:~^shop-\\\\d$", ["a2"]),
        ('namespace:~"^shop-[0-9]$"', ["a2"]),
        ("groups:system:authenticated", ["a0"]),
        ("-groups:dev", ["a1", "a2"]),
        ("groups:*", ["a0"]),
        ('groups:""', ["a1", "a2"]),
        ("source_ips:10.0.0.0/8", ["a0"]),
        ("sourceIP:203.0.113.0/24", []),
        ("sourceIPs:203.0.113.0/24", ["a0"]),
        ("request_uri:/api/v1/secrets?limit=500", ["a1"]),
        ("objectRef.resource:secrets user.username:system:*", ["a1"]),
        ("responseStatus.code:>=400", ["a1"]),
        ("annotations.authorization.k8s.io/decision:allow", []),  # its column holds it, and that is empty here
        ("annotations.pod-security.kubernetes.io/exempt:user", ["a0"]),
        ("requestObject.spec.hostPID:true", ["a0"]),
        ("requestObject.spec.priority:>=7", ["a0"]),
        ("requestObject.spec.priority:>7", []),
        ("requestObject.spec.containers.image:nginx*", ["a0"]),
        ("requestObject.spec.containers[].image:busybox", ["a0"]),
        ("requestObject.spec.containers.securityContext.privileged:true", ["a0"]),
        ("requestObject.spec.containers.securityContext.capabilities.add:NET_ADMIN", ["a0"]),
        ("-requestObject.spec.containers.image:nginx*", ["a1", "a2"]),
        ('requestObject.metadata.labels."app.kubernetes.io/name":shop', ["a0"]),
        ("requestObject.spec.nothing:*", []),
        ("user.extra.scopes.io/x:read", ["a1"]),
        ("forbidden", ["a1"]),
        ('"Forbidden"', ["a1"]),
        ('"forbidden"', []),
        ('"secrets is Forbidden"', ["a1"]),
        ('"Forbidden is secrets"', []),
        ('"system:serviceaccount"', ["a1"]),
        ("time:>=2026-11-23T09:01:00Z", ["a1", "a2"]),
        ("time:<2026-11-23T09:01", ["a0"]),
        ("auditID:a1", ["a1"]),
        ("user_agent:kubectl/*", ["a1"]),
        ("table:audit user:alice", ["a0"]),
    ],
)  # fmt: skip
def test_a_search_finds_what_it_says(audit: Columns, text: str, ids: list[str]) -> None:
    assert found(audit, text) == ids


def test_log_lines_are_searched_by_labels_and_fields(columns: Columns) -> None:
    put(
        columns,
        "logs",
        {"namespace": "shop", "pod": "web-1", "level": "error", "line": "GET /x 500", "fields": {"status": "500"},
         "stream": {"namespace": "shop", "team": "red"}},
        {"namespace": "shop", "pod": "web-2", "level": "info", "line": "started", "fields": {},
         "stream": {"team": "blue"}},
    )  # fmt: skip

    def pods(text: str) -> list[str]:
        return [row["pod"] for row in columns.fetch(rows(plan(text), Window(), 10))]

    assert pods("pod:web-*") == ["web-2", "web-1"]
    assert pods("pod:* status:500") == ["web-1"]
    assert pods("fields.status:>=500 level:error") == ["web-1"]
    assert pods("stream.team:blue") == ["web-2"]
    assert pods("table:logs team:red") == ["web-1"]
    assert pods("table:logs get") == ["web-1"]


def test_rejected_lines_can_be_searched(columns: Columns) -> None:
    put(columns, "rejected", {"reason": "no auditID", "format": "audit", "line": "{}"})
    assert [r["line"] for r in columns.fetch(rows(plan("reason:*auditID*", "rejected"), Window(), 10))] == ["{}"]


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("user:alice", "audit"),
        ("objectRef.uid:x responseStatus.details.kind:y", "audit"),
        ("namespace:x", "audit"),
        ("pod:x", "logs"),
        ("pod:x namespace:x", "logs"),
        ("word", "audit"),
        ("table:rejected", "rejected"),
    ],
)
def test_the_table_is_the_one_that_has_the_fields(text: str, table: str) -> None:
    assert plan(text).table == table


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("usr:alice", 1, "did you mean user"),
        ("verb:get objectRef.resurce:pods", 10, "objectRef.resource"),
        ("verb:get obectRef.resource:pods", 10, "objectRef.resource"),
        ("pod:x user:alice", 7, "one table"),
        ("user:alice table:nothing", 18, "audit, logs, rejected"),
        ("(table:logs OR pod:x)", 2, "outside of parentheses"),
        ("table:logs namspace:x", 12, "did you mean namespace"),
        ("code:abc", 6, "not a number"),
        ("code:>=nan", 8, "not a number"),
        ("time:yesterday", 6, "compare a time"),
        ("time:>yesterday", 7, "2026-11-23"),
        ("source_ips:10.0.0/8", 12, "not a network"),
        ("system:masters", 1, "double quotes"),
    ],
)
def test_a_wrong_search_says_where_and_what_instead(text: str, column: int, words: str) -> None:
    with pytest.raises(SearchError, match=words) as caught:
        plan(text)
    assert caught.value.column == column


def test_the_engine_refuses_a_bad_pattern_as_the_users_fault(audit: Columns) -> None:
    with pytest.raises(InvalidInput):
        found(audit, 'user:~"(["')


def test_windows_count_and_top(audit: Columns) -> None:
    window = Window(START + timedelta(minutes=1), START + timedelta(minutes=2))
    assert audit.fetch(count(plan(""), window)) == [{"count": 1}]
    assert audit.fetch(top(plan("user:*"), "resource", Window(), 10)) == [
        {"value": "pods", "count": 2},
        {"value": "secrets", "count": 1},
    ]
    assert audit.fetch(top(plan(""), "groups", Window(), 1)) == [{"value": "dev", "count": 1}]
    assert audit.fetch(top(plan(""), "code", Window(), 1)) == [{"value": "200", "count": 1}]
    newest = audit.fetch(rows(plan(""), Window(), 2))
    assert [row["audit_id"] for row in newest] == ["a2", "a1"]


def test_pages_of_what_arrived_neither_repeat_nor_skip(audit: Columns) -> None:
    seen: list[str] = []
    for offset in range(4):
        page = audit.fetch(arrived(plan("resource:*"), {"w": 1}, {"w": 3, "idle": 0}, offset, 1))
        seen += [row["audit_id"] for row in page]
    assert seen == ["a1", "a2"]
    assert audit.fetch(arrived(plan(""), {"w": 3}, {"w": 3}, 0, 10)) == []


_PIECES = st.sampled_from(
    ["user:", "code:", "pod:", "time:", "requestObject.a[].b:", "(", ")", " OR ", " AND ", "NOT ", "-", '"', "\\", "*",
     "~", ">=", " ", "10.0.0.0/8", "alice", "%", "_", "'", "{x:String}", "\n", "é", "table:", "logs"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(text=st.one_of(st.text(max_size=40), st.lists(_PIECES, max_size=14).map("".join)))
@example(text="user:'; DROP TABLE audit --")
@example(text="user:\\")
def test_any_text_is_either_refused_or_a_query_the_engine_runs(audit: Columns, text: str) -> None:
    try:
        planned = plan(text)
        audit.fetch(count(planned, Window()))
    except InvalidInput:
        return


_VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(value=_VALUES)
def test_values_are_bound_never_pasted(value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    planned = plan(f'user:"{escaped}"')
    same_shape = plan('user:"x"')
    assert len(planned.where.text) == len(same_shape.where.text)
    assert len(planned.where.params) == 1


_ALPHABET = st.text("aB%_\\*'\"é \n?[", max_size=6)


@settings(max_examples=60, deadline=None)
@given(stored=st.lists(_ALPHABET, min_size=1, max_size=8), parts=st.lists(_ALPHABET, min_size=1, max_size=4))
def test_wildcards_mean_what_they_mean_whatever_the_text(audit: Columns, stored: list[str], parts: list[str]) -> None:
    """Against a reference in Python: `*` is any text, all else is itself, case does not count."""
    escaped = "*".join("".join(f"\\{c}" for c in part) for part in parts)
    pattern = re.compile(".*".join(re.escape(part) for part in parts), re.IGNORECASE | re.DOTALL)
    if not escaped:
        return
    names = compose(
        "SELECT arrayJoin({names}) AS name WHERE {where}", names=bind(stored), where=plan(f"name:{escaped}").where
    )
    expected = [text for text in stored if pattern.fullmatch(text) and (text or any(parts) or len(parts) == 1)]
    assert [row["name"] for row in audit.fetch(names)] == expected
