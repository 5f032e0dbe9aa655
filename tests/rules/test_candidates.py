"""Which rules are evaluated over a range: all that can match something in it, and not many more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rules.support import SECRETS, base, book, event, put
from tocsin.rules.candidates import Candidates
from tocsin.rules.ranges import Range
from tocsin.store.base import Columns

WHOLE = Range({}, {"w": 9})


def chosen(columns: Columns, *texts: str, table: str = "audit", **limits: int) -> list[str]:
    """Titles of the rules that are chosen for all that is stored."""
    found = Candidates(table, book(*texts).of(table), **limits).among(columns, WHOLE)
    return [rule.title for rule in found.rules] if found else []


def test_a_rule_that_no_row_can_match_is_left_out(columns: Columns) -> None:
    put(columns, 1, [event("1", verb="list"), event("2", resource="pods")])

    assert chosen(columns, SECRETS, base("lists", verb="list")) == ["lists"]


def test_a_range_without_rows_needs_no_rule(columns: Columns) -> None:
    put(columns, 10, [event("1")])

    assert chosen(columns, SECRETS) == []
    assert chosen(columns, base("body", **{"requestObject.kind": "Pod"})) == []


def test_requests_that_were_only_received_do_not_count(columns: Columns) -> None:
    put(columns, 1, [event("1", stage="RequestReceived")])

    assert chosen(columns, SECRETS) == []
    assert chosen(columns, base("received", stage="RequestReceived")) == ["received"]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"requestObject.kind": "Pod"}, True),
        ({"responseStatus.code": 200}, True),
        ({"responseStatus.code": None}, True),
        ({"responseStatus.code|gt": 200}, False),
        ({"user.groups": "b"}, True),
        ({"user.groups": "d"}, False),
        ({"user.username": "alice", "user.groups": "c"}, False),
        ({"objectRef.name|startswith": "d"}, True),
        ({"objectRef.name|startswith": "x"}, False),
        ({"verb": "get", "objectRef.name|re": "x"}, False),
        ({"objectRef.namespace": "dev"}, True),
        ({"verb": "list", "objectRef.namespace": "dev"}, False),
        ({"user.username": "jürgen"}, True),
    ],
)
def test_what_is_known_of_the_rows_decides(columns: Columns, selection: dict[str, Any], expected: bool) -> None:
    rows = [
        event("1", groups=["a", "b"]),
        event("2", user="bob", groups=["c"], code=0, namespace="dev"),
        event("3", user="JÜRGEN"),
        event("4", verb="list"),
    ]
    put(columns, 1, rows)

    assert chosen(columns, base("asked", **selection)) == (["asked"] if expected else [])


def test_beyond_a_limit_more_rules_are_taken(columns: Columns) -> None:
    """A flood of different users, names or kinds costs selectivity, never a match."""
    put(columns, 1, [event(str(n), user=f"user-{n}", name=f"name-{n}", verb=f"verb-{n % 2}") for n in range(12)])
    other_user = base("user", verb="verb-0", **{"user.username": "root"})
    other_name = base("name", verb="verb-1", **{"objectRef.name": "root"})
    other_verb = base("verb", verb="delete")
    texts = (other_user, other_name, other_verb)

    assert chosen(columns, *texts) == []
    assert chosen(columns, *texts, most_details=5) == ["user", "name"]
    assert chosen(columns, *texts, most_kinds=2) == ["user", "name"]
    assert chosen(columns, *texts, most_kinds=1) == ["user", "name", "verb"]


def test_rows_of_logs_are_told_apart_by_where_they_come_from(columns: Columns) -> None:
    rule = "title: {0}\nlogsource: {{{1}}}\ndetection: {{selection: [refused], condition: selection}}\n"
    texts = [
        rule.format("sshd", "product: linux, service: sshd"),
        rule.format("shop", "product: shop"),
        rule.format("falco", "product: falco"),
    ]
    put(columns, 1, [{"source": "node", "app": "sshd", "line": "x"}, {"source": "pod", "app": "shop"}], table="logs")

    assert chosen(columns, *texts, table="logs") == ["sshd", "shop"]
