"""Correlation rules as values."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sigma.correlations import SigmaCorrelationRule

from tests.query.sigma.support import rules_of
from tocsin.model.errors import RuleError
from tocsin.query.sigma.correlation import Correlation, Every, Never, Seen, Some, read_correlation

BASES = "\n---\n".join(
    f"""
title: Rule {name}
name: {name}
id: {number}1111111-1111-4111-8111-111111111111
logsource: {{product: kubernetes, service: audit}}
detection: {{selection: {{verb: get}}, condition: selection}}
"""
    for number, name in enumerate(("a", "b", "c"))
)
A, B, C = (f"{number}1111111-1111-4111-8111-111111111111" for number in range(3))


def read(body: str) -> Correlation:
    rules = rules_of(BASES, "title: C\ncorrelation:\n" + "".join(f"  {line}\n" for line in body.strip().splitlines()))
    (rule,) = [each for each in rules if isinstance(each, SigmaCorrelationRule)]
    return read_correlation(rule)


def test_an_event_count() -> None:
    correlation = read(
        "type: event_count\nrules: [a, b]\ngroup-by: [user.username]\ntimespan: 90s\ncondition: {gt: 10}"
    )
    assert correlation == Correlation(
        type="event_count",
        rules=(A, B),
        group_by=("user.username",),
        aliases={},
        timespan=timedelta(seconds=90),
        op="gt",
        count=10.0,
        fields=(),
        percentile=None,
        expression=None,
        generate=False,
    )


@pytest.mark.parametrize("kind", ["value_count", "value_sum", "value_avg", "value_median"])
def test_values_over_a_field(kind: str) -> None:
    correlation = read(
        f"type: {kind}\nrules: a\ntimespan: 1h\ngenerate: true\ncondition: {{lte: 2.5, field: objectRef.name}}"
    )
    assert (correlation.type, correlation.field, correlation.op, correlation.count) == (
        kind,
        "objectRef.name",
        "lte",
        2.5,
    )
    assert correlation.generate


def test_a_percentile() -> None:
    body = "type: value_percentile\nrules: a\ntimespan: 1h\ncondition: {gte: 2, field: x, percentile: 95}"
    assert read(body).percentile == 95


def test_several_fields_can_be_counted_together() -> None:
    correlation = read("type: value_count\nrules: a\ntimespan: 1h\ncondition: {gte: 2, field: [x, y]}")
    assert correlation.fields == ("x", "y")


@pytest.mark.parametrize("kind", ["temporal", "temporal_ordered"])
def test_a_temporal_correlation_wants_every_rule(kind: str) -> None:
    correlation = read(f"type: {kind}\nrules: [b, a]\ntimespan: 5m")
    assert (correlation.rules, correlation.op, correlation.count, correlation.expression) == ((B, A), "gte", 2.0, None)


def test_an_extended_condition_is_a_tree() -> None:
    correlation = read("type: temporal\ntimespan: 5m\ncondition: a and (b or not c)")
    assert correlation.rules == (A, B, C)
    assert correlation.expression == Every((Seen(A), Some((Seen(B), Never(Seen(C))))))


def test_an_alias_stands_for_each_rules_own_field() -> None:
    correlation = read(
        "type: temporal\nrules: [a, b]\ntimespan: 5m\ngroup-by: [who, sourceIP]\n"
        "aliases:\n  who:\n    a: user.username\n    b: impersonatedUser.username"
    )
    assert correlation.field_of("who", A) == "user.username"
    assert correlation.field_of("who", B) == "impersonatedUser.username"
    assert correlation.field_of("sourceIP", A) == "sourceIP"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("type: temporal\nrules: []\ntimespan: 5m", "at least one rule"),
        ("type: value_sum\nrules: a\ntimespan: 5m\ncondition: {gte: 2, field: [x, y]}", "one field"),
        ("type: value_percentile\nrules: a\ntimespan: 5m\ncondition: {gte: 2, field: x}", "percentile"),
        (
            "type: value_percentile\nrules: a\ntimespan: 5m\ncondition: {gte: 2, field: x, percentile: 101}",
            "percentile",
        ),
        ("type: temporal\nrules: [a]\ntimespan: 5m\naliases: {who: {b: x}}", "not among the correlation's rules"),
    ],
)
def test_what_has_no_meaning_is_refused(body: str, reason: str) -> None:
    with pytest.raises(RuleError, match=reason) as caught:
        read(body)
    assert caught.value.location is not None
    assert caught.value.location.file == "rules-1.yml"
