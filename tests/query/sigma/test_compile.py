"""Whole rules against events in the real engine: conditions, fields, negation, keywords, null and exists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.query.sigma.support import hits, predicate_for, rule_for, store
from tocsin.model.errors import RuleError
from tocsin.query.sigma.compile import compile_rule, together
from tocsin.store.base import Columns
from tocsin.store.sql import Sql, compose, join

EVENTS: list[dict[str, Any]] = [
    {
        "verb": "create",
        "user": {"username": "alice", "groups": ["dev", "system:authenticated"]},
        "objectRef": {"resource": "pods", "namespace": "web", "name": "a"},
        "responseStatus": {"code": 201},
        "sourceIPs": ["10.0.0.9", "192.168.1.5"],
        "annotations": {"authorization.k8s.io/decision": "allow", "pod-security.kubernetes.io/exempt": "user"},
        "requestObject": {
            "spec": {
                "containers": [
                    {"name": "x", "image": "registry/app:1", "securityContext": {"privileged": False}},
                    {"name": "y", "image": "evil/miner", "securityContext": {"privileged": True}},
                ]
            }
        },
    },
    {
        "verb": "get",
        "user": {
            "username": "system:serviceaccount:kube-system:job",
            "extra": {
                "authentication.kubernetes.io/credential-id": ["JTI=1"],
                "authentication.kubernetes.io/pod-uid": ["u-1", "u-2"],
            },
        },
        "objectRef": {"resource": "secrets", "namespace": "web", "name": 'say "hi"', "uid": "abc"},
        "responseStatus": {"code": 403, "reason": "Forbidden"},
        "sourceIPs": ["203.0.113.7"],
        "annotations": {"authorization.k8s.io/decision": "forbid"},
        "userAgent": "curl <script>",
        "requestURI": "/api/v1/namespaces/web/secrets?command=cat /etc/passwd",
    },
    {
        "verb": "patch",
        "user": {"username": "Bob", "groups": ["admins"]},
        "requestObject": {"spec": {"hostPID": None, "replicas": 3, "containers": [{"image": "registry/app:2"}]}},
    },
    {"verb": "list", "user": {"username": "carol"}, "objectRef": {"resource": "pods"}, "requestObject": {}},
]


@pytest.fixture(scope="module")
def events(engine: Columns) -> Columns:
    """A store that holds `EVENTS`, numbered by `batch`."""
    store(engine, EVENTS)
    return engine


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        ({"verb": "CREATE"}, [0]),
        ({"user.username": ["alice", "bob"]}, [0, 2]),
        ({"user.groups": "dev"}, [0]),
        ({"user.groups|contains": "AUTHENTICATED"}, [0]),
        ({"user.groups|startswith": "admin"}, [2]),
        ({"objectRef.resource": "pods", "verb": ["create", "patch"]}, [0]),
        ({"objectRef.uid": "abc"}, [1]),
        ({"responseStatus.code": 403}, [1]),
        ({"responseStatus.code|lt": 300}, [0]),
        ({"responseStatus.code": None}, [2, 3]),
        ({"responseStatus.reason": "forbidden"}, [1]),
        ({"sourceIPs|cidr": "10.0.0.0/8"}, [0]),
        ({"sourceIP|cidr": "10.0.0.0/8"}, []),
        ({"sourceIP|cidr": ["192.168.0.0/16", "203.0.113.0/24"]}, [0, 1]),
        ({"annotations.authorization.k8s.io/decision": "forbid"}, [1]),
        ({"annotations.pod-security.kubernetes.io/exempt|exists": True}, [0]),
        ({"annotations.pod-security.kubernetes.io/exempt": None}, [1, 2, 3]),
        ({"user.extra.authentication.kubernetes.io/credential-id|startswith": "JTI="}, [1]),
        ({"user.extra.authentication.kubernetes.io/pod-uid": "u-2"}, [1]),
        ({"user.extra.authentication.kubernetes.io/credential-id": None}, [0, 2, 3]),
        ({"requestURI|contains": "command=cat /etc"}, [1]),
        ({"requestObject.spec.containers.image|contains": "miner"}, [0]),
        ({"requestObject.spec.containers.securityContext.privileged": True}, [0]),
        ({"requestObject.spec.containers.securityContext.privileged": "true"}, [0]),
        ({"requestObject.spec.containers[].image": "registry/app:2"}, [2]),
        ({"requestObject.spec.containers.image": None}, [1, 3]),
        ({"requestObject.spec.containers": "*"}, [0, 2]),
        ({"requestObject.spec.replicas": 3}, [2]),
        ({"requestObject.spec.replicas": "3"}, [2]),
        ({"requestObject.spec.replicas|gte": 4}, []),
        ({"requestObject.spec.hostPID|exists": True}, [2]),
        ({"requestObject.spec.hostPID": None}, [0, 1, 2, 3]),
        ({"requestObject|exists": False}, [1]),
        ({"requestObject|contains": "evil/"}, [0]),
        ({"verb|fieldref": "verb"}, [0, 1, 2, 3]),
        ({"objectRef.namespace|fieldref": "user.username"}, []),
        ({"requestURI|fieldref|contains": "objectRef.resource"}, [1]),
        ({"stageTimestamp|hour": 5}, [0, 1, 2, 3]),
        ({"stageTimestamp|hour|lt": 5}, []),
        ({"stageTimestamp|startswith": "2026-03-04T05"}, [0, 1, 2, 3]),
        ({"namespace": "web", "user": "alice"}, [0]),
        ({"no.such.field": "x"}, []),
        ({"no.such.field": None}, [0, 1, 2, 3]),
        ([{"verb": "create"}, {"user.username": "carol"}], [0, 3]),
        (["miner", "/etc/passwd"], [0, 1]),
        ({"|all": ["forbid", "secrets"]}, [1]),
        (['say "hi"'], [1]),
        (["evil*miner"], [0]),
        (["<SCRIPT>"], [1]),
        (["curl*>"], [1]),
        ({"|re": "app:[0-9]"}, [0, 2]),
        ([403], [1]),
    ],
)
def test_a_selection_finds_its_events(events: Columns, selection: Any, found: list[int]) -> None:
    assert hits(events, predicate_for({"selection": selection})) == found


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("not pods", [1, 2]),
        ("pods and not privileged", [3]),
        ("not (pods or admin)", [1]),
        ("pods and admin or secret", [1]),
        ("1 of *", [0, 1, 2, 3]),
        ("all of p*", [0]),
        ("1 of them and not 1 of p*", [1, 2]),
        (["secret", "admin"], [1, 2]),
    ],
)
def test_conditions(events: Columns, condition: Any, found: list[int]) -> None:
    detection = {
        "pods": {"objectRef.resource": "pods"},
        "privileged": {"requestObject.spec.containers.securityContext.privileged": True},
        "admin": {"user.groups": "admins"},
        "secret": {"objectRef.resource": "secrets"},
        "condition": condition,
    }
    assert hits(events, predicate_for(detection)) == found


def test_the_negation_of_a_list_is_that_no_element_fits(events: Columns) -> None:
    detection = {
        "all": {"verb": "*"},
        "evil": {"requestObject.spec.containers.image|startswith": "evil/"},
        "condition": "all and not evil",
    }
    assert hits(events, predicate_for(detection)) == [1, 2, 3]
    assert hits(events, predicate_for({"selection": {"user.groups|neq": "dev"}})) == [1, 2, 3]


def test_placeholders_are_filled_in(events: Columns) -> None:
    rule = rule_for({"selection": {"user.username|expand": "%people%"}})
    assert hits(events, compile_rule(rule, {"people": ["alice", "b*"]})) == [0, 2]
    with pytest.raises(RuleError, match="%people% is not defined"):
        compile_rule(rule)


def test_predicates_in_one_query_say_the_same_as_alone(events: Columns) -> None:
    selections: list[Any] = [
        {"verb": "create"},
        {"requestObject.spec.containers.image|contains": "evil"},
        {"requestObject.spec.containers.securityContext.privileged": True, "user.username": "alice"},
        {"requestObject.spec.hostPID|exists": True},
        ["forbid"],
    ]
    predicates = [predicate_for({"selection": selection}) for selection in selections]
    one = together(predicates)
    query = compose(
        "{let}SELECT batch, arrayFilter((i, c) -> c, range({n}), [{all}]) AS found FROM audit ORDER BY batch",
        let=one.with_clause,
        n=Sql(str(len(predicates))),
        all=join(", ", one.conditions),
    )
    found = {row["batch"]: row["found"] for row in events.fetch(query)}
    alone = [hits(events, predicate) for predicate in predicates]
    assert found == {event: [i for i, each in enumerate(alone) if event in each] for event in range(len(EVENTS))}


def test_together_without_common_parts_needs_no_with(events: Columns) -> None:
    one = together([predicate_for({"selection": {"verb|cased": "get"}})])
    assert one.with_clause == Sql("")


def test_no_text_of_a_rule_stands_in_the_query() -> None:
    nasty = "'); DROP TABLE audit --{x}"
    selection = {
        "verb": nasty,
        f"requestObject.{nasty}": nasty,
        f"annotations.{nasty}|contains": nasty,
        f"{nasty}|re": "DROP",
    }
    predicate = predicate_for({"selection": selection})
    assert "DROP" not in predicate.where.text
    assert "DROP" not in predicate.short.text + "".join(each.text for each in predicate.names.values())


_conditions = st.recursive(
    st.sampled_from(["a", "b", "c"]),
    lambda inner: st.one_of(
        inner.map(lambda x: f"not {x}" if " " not in x else f"not ({x})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]}) and not ({t[1]})"),
    ),
    max_leaves=5,
)


def test_any_condition_is_the_logic_it_says(events: Columns) -> None:
    truth: dict[str, Sequence[int]] = {"a": [0, 3], "b": [0], "c": [1, 3]}
    detection = {
        "a": {"objectRef.resource": "pods"},
        "b": {"requestObject.spec.containers.securityContext.privileged": True},
        "c": {"verb": ["get", "list"]},
    }

    @settings(deadline=None, max_examples=40)
    @given(condition=_conditions)
    def check(condition: str) -> None:
        found = hits(events, predicate_for({**detection, "condition": condition}))
        expected = [
            number
            for number in range(len(EVENTS))
            if eval(condition, {}, {name: number in numbers for name, numbers in truth.items()})
        ]
        assert found == expected

    check()
