"""What can be said of a rule from some columns: never anything that the engine does not say too."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.query.sigma.support import hits, predicate_for
from tocsin.query.sigma.verdicts import Condition, Known, all_of, any_of, negated
from tocsin.store.base import Columns
from tocsin.store.sql import Sql

_TRUTH = (True, False, None)


def _fixed(truth: bool | None) -> Condition:
    return Condition(Sql("1"), lambda _: truth, frozenset(["verb"]))


def test_three_values_are_joined_as_any_completion_of_the_unknown_would_be() -> None:
    for parts in product(_TRUTH, repeat=3):
        conditions = [_fixed(part) for part in parts]
        completed = list(product(*([part] if part is not None else [True, False] for part in parts)))
        every, some = {all(each) for each in completed}, {any(each) for each in completed}

        assert all_of(conditions).verdict({}) == (every.pop() if len(every) == 1 else None)
        assert any_of(conditions).verdict({}) == (some.pop() if len(some) == 1 else None)


@pytest.mark.parametrize(("part", "opposite"), [(True, False), (False, True), (None, None)])
def test_the_opposite_of_the_unknown_is_unknown(part: bool | None, opposite: bool | None) -> None:
    assert negated(_fixed(part)).verdict({}) is opposite


@pytest.mark.parametrize(
    ("detection", "known", "verdict"),
    [
        ({"selection": {"verb": "GET"}}, {"verb": ["get"]}, True),
        ({"selection": {"verb": "get"}}, {"verb": ["list"]}, False),
        ({"selection": {"verb": "get"}}, {}, None),
        ({"selection": {"verb": "get", "requestObject.kind": "Pod"}}, {"verb": ["get"]}, None),
        ({"selection": {"verb": "get", "requestObject.kind": "Pod"}}, {"verb": ["list"]}, False),
        ({"selection": [{"verb": "get"}, {"requestObject.kind": "Pod"}]}, {"verb": ["get"]}, True),
        ({"selection": {"verb": "get"}, "condition": "not selection"}, {"verb": ["get"]}, False),
        ({"selection": {"requestObject.kind": "Pod"}, "condition": "not selection"}, {"verb": ["get"]}, None),
        ({"selection": {"objectRef.resource": None}}, {"resource": [""]}, True),
        ({"selection": {"responseStatus.code|lt": 400}}, {"code": ["201"]}, True),
        ({"selection": {"responseStatus.code|lt": 400}}, {"code": [""]}, False),
        ({"selection": {"responseStatus.code": [401, 403]}}, {"code": ["404"]}, False),
        ({"selection": {"user.groups": "system:masters"}}, {"groups": ["dev", "system:masters"]}, True),
        ({"selection": {"user.groups": "system:masters"}}, {"groups": []}, False),
        ({"selection": {"user.username|re": "^system:(node|kube-)"}}, {"user": ["system:kube-proxy"]}, True),
        ({"selection": {"user.username": "böse"}}, {"user": ["BÖSE"]}, None),
        ({"selection": {"user.username|fieldref": "objectRef.name"}}, {"user": ["a"], "name": ["b"]}, None),
        ({"selection": ["miner"]}, {"verb": ["get"]}, None),
    ],
)
def test_a_rule_is_judged_by_what_is_known(detection: dict[str, Any], known: Known, verdict: bool | None) -> None:
    predicate = predicate_for(detection)

    assert predicate.verdict(known) is verdict
    assert predicate.possible(known) is (verdict is not False)


@pytest.mark.parametrize(
    ("logsource", "known", "verdict"),
    [
        ({"product": "linux", "service": "sshd"}, {"source": ["node"], "app": ["sshd"]}, True),
        ({"product": "linux", "service": "sshd"}, {"source": ["node"], "app": ["cron"]}, False),
        ({"product": "linux", "service": "cron"}, {"source": ["node"], "app": ["CRON"]}, True),
        ({"product": "kubernetes", "service": "kubelet"}, {"app": ["kubelet"]}, True),
        ({"product": "kubernetes", "service": "kubelet"}, {"app": ["etcd"]}, None),
        ({"product": "kubernetes", "service": "kubelet"}, {"app": ["etcd"], "container": ["etcd"]}, False),
        ({"category": "webserver"}, {"source": ["falco"]}, False),
    ],
)
def test_the_log_source_counts(logsource: dict[str, str], known: Known, verdict: bool | None) -> None:
    assert predicate_for({"selection": {"level": "info"}}, logsource).verdict({**known, "level": ["info"]}) is verdict


# Short texts of few characters, so that rules and rows meet; the last three are what case and encodings trip over.
_TEXTS = ["", "a", "A", "ab", "aB:c", "b\n", "\\", "10", "0", "403", "a*b", "nan", "é", "İ", "K"]
_TEXT_COLUMNS = {"verb": "verb", "user.username": "user", "userAgent": "user_agent", "objectRef.name": "name"}
_LIST_COLUMNS = {"user.groups": "groups", "impersonatedUser.groups": "impersonated_groups"}
_ROWS = 300


def _rows() -> list[dict[str, Any]]:
    some = random.Random(20261124)
    return [
        {
            "batch": number,
            "code": some.choice([0, 0, 10, 200, 403]),
            **{column: some.choice(_TEXTS) for column in _TEXT_COLUMNS.values()},
            **{column: some.choices(_TEXTS, k=some.randrange(3)) for column in _LIST_COLUMNS.values()},
            "raw": "{}",
        }
        for number in range(_ROWS)
    ]


def _known(row: Mapping[str, Any]) -> Known:
    texts = {column: (row[column],) for column in _TEXT_COLUMNS.values()}
    return {**texts, **{c: row[c] for c in _LIST_COLUMNS.values()}, "code": (str(row["code"] or ""),)}


_values = st.one_of(
    st.sampled_from(_TEXTS).map(lambda text: text.replace("\\", "\\\\")),
    st.text("aAb*?:1é", min_size=1, max_size=4),
    st.sampled_from([None, 0, 10, 403, True, "*", "**"]),
)
_patterns = st.sampled_from(["", "a", "(?i)A", "^a|b$", "b.", "^$", r"\d+", "[^a]", r"(?i)é", "a{2}|:c$", "A.*c"])
_fields = st.sampled_from([*_TEXT_COLUMNS, *_LIST_COLUMNS, "responseStatus.code", "requestURI", "objectRef.uid"])
_texts_only = st.text("aAb*?:1é", min_size=1, max_size=3)
_items = st.one_of(
    st.tuples(_fields, st.sampled_from(["", "|neq"]), st.one_of(_values, st.lists(_values, min_size=1, max_size=4))),
    st.tuples(
        _fields,
        st.sampled_from(["|contains", "|startswith", "|endswith", "|contains|all", "|cased", "|contains|cased"]),
        st.lists(_texts_only, min_size=2, max_size=3),
    ),
    st.tuples(_fields, st.sampled_from(["|re", "|re|i", "|re|startswith"]), _patterns),
    st.tuples(_fields, st.sampled_from(["|lt", "|lte", "|gt", "|gte"]), st.sampled_from([0, 10, 300])),
    st.tuples(_fields, st.just("|exists"), st.booleans()),
    st.tuples(_fields, st.just("|fieldref"), st.sampled_from(list(_TEXT_COLUMNS))),
)
_selections = st.lists(_items, min_size=1, max_size=3).map(lambda items: {f + m: value for f, m, value in items})
_conditions = st.sampled_from(
    ["a", "not a", "a and b", "a or not b", "1 of them", "a and not 1 of b*", "not (a or b) or c", "all of them"]
)


def test_no_verdict_differs_from_the_engine(engine: Columns) -> None:
    """Whatever the rule and whichever columns are known, a verdict is what the engine finds for that row."""
    rows = _rows()
    engine.insert("audit", list(rows[0]), "JSONEachRow", "\n".join(map(json.dumps, rows)).encode())
    decided = 0

    @settings(deadline=None, max_examples=150)
    @given(
        st.tuples(_selections, _selections, _selections), _conditions, st.sets(st.sampled_from(sorted(_known(rows[0]))))
    )
    def check(selections: tuple[dict[str, Any], ...], condition: str, hidden: set[str]) -> None:
        nonlocal decided
        predicate = predicate_for({**dict(zip("abc", selections, strict=True)), "condition": condition})
        found = set(hits(engine, predicate))
        for row in rows:
            for known in (_known(row), {c: v for c, v in _known(row).items() if c not in hidden}):
                verdict = predicate.verdict(known)
                decided += verdict is not None
                assert verdict is None or verdict is (row["batch"] in found), row

    check()
    assert decided > 1000
