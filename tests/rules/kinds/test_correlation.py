"""What a correlation may ask for."""

from __future__ import annotations

import pytest

from tests.rules.support import base, book, correlation
from tocsin.rules.loading import build

READ = base("read", verb="get")
COUNT = "  type: event_count\n  rules: [read]\n  timespan: 10s\n  condition: {gte: 3}\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("  type: temporal_ordered\n  timespan: 1m\n  condition: read or write\n", "wants all its rules"),
        (
            "  type: temporal_ordered\n  rules: [read, write]\n  timespan: 1m\n  condition: {gte: 1}\n",
            "wants all its rules",
        ),
        ("  type: event_count\n  rules: [nobody]\n  timespan: 1m\n  condition: {gte: 1}\n", "'nobody'"),
        (f"{COUNT}tocsin:\n  entity: [user.username]\n", "not in the correlation's group-by"),
        (f"{COUNT}tocsin:\n  summary: '{{verb}}'\n", "no field 'verb'"),
    ],
)
def test_what_is_wrong_with_a_correlation_is_said(body: str, message: str) -> None:
    book = build([("f.yml", correlation(body, [READ, base("write", verb="create")]))])
    assert book.correlations == ()
    assert any(message in str(error) for error in book.errors), [str(error) for error in book.errors]


def test_each_base_brings_the_fields_that_are_asked_of_it() -> None:
    rules = book(
        correlation(
            "  type: value_count\n  rules: [read, write]\n  group-by: [who, verb]\n  timespan: 1m\n"
            "  aliases: {who: {read: user.username, write: objectRef.name}}\n  condition: {gte: 2, field: sourceIP}\n",
            [READ, base("write", verb="create")],
        )
    )
    assert {rule.id: set(rule.fields) for rule in rules.rules} == {
        "read": {"user.username", "verb", "sourceIP"},
        "write": {"objectRef.name", "verb", "sourceIP"},
    }
