"""Paths into JSON: how they are read, and what they lead to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.query.sigma.paths import Step, parse_path, pieces, texts
from tocsin.query.sigma.sharing import Shared, inlined
from tocsin.store.base import Columns
from tocsin.store.sql import bind, compose


def follow(engine: Columns, document: str, path: str) -> list[str]:
    """The texts of the values that `path` leads to."""
    shared = Shared()
    found = texts(pieces(bind(document), parse_path(path), shared), shared)
    rows = engine.fetch(compose("SELECT {found} AS found", found=inlined(found, shared.used_in(found))))
    result: list[str] = rows[0]["found"]
    return result


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("spec.hostPID", ["spec", "hostPID"]),
        ("metadata.labels.app.kubernetes.io/name", ["metadata", "labels", "app.kubernetes.io/name"]),
        ("metadata.annotations.a.b.c", ["metadata", "annotations", "a.b.c"]),
        (r"spec.a\.b.c", ["spec", "a.b", "c"]),
        ("spec['a.b'].c", ["spec", "a.b", "c"]),
        ('data["x"].y', ["data", "x", "y"]),
        ("spec.containers[].image", ["spec", "containers", "image"]),
        ("spec.containers[0].image", ["spec", "containers", "image"]),
        ("spec.containers.0.image", ["spec", "containers", "image"]),
        ("a[b", ["a", "[b"]),
    ],
)
def test_a_path_is_split_into_keys(path: str, keys: list[str]) -> None:
    assert [step.key for step in parse_path(path)] == keys


def test_brackets_and_numbers_note_an_array() -> None:
    assert parse_path("a[].b.1.c") == (Step("a", array=True), Step("b", array=True), Step("c"))


@given(st.text(min_size=1, max_size=30))
def test_any_text_is_a_path(text: str) -> None:
    assert all(isinstance(step.key, str) for step in parse_path(text))


POD = {
    "spec": {
        "hostPID": True,
        "containers": [
            {"name": "a", "command": ["sh", "-c"], "securityContext": {"privileged": False, "runAsUser": 0}},
            {"name": "b", "securityContext": {"privileged": True}, "env": [{"name": "X", "value": "1"}, {"name": "Y"}]},
            {"name": "c"},
        ],
        "nodeName": None,
        "priority": 1.5,
        "text": "[::]:8080",
    },
    "metadata": {"labels": {"app.kubernetes.io/name": "web"}},
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("spec.containers.name", ["a", "b", "c"]),
        ("spec.containers[].name", ["a", "b", "c"]),
        ("spec.containers.securityContext.privileged", ["false", "true"]),
        ("spec.containers.securityContext.runAsUser", ["0"]),
        ("spec.containers.command", ["sh", "-c"]),
        ("spec.containers.env.name", ["X", "Y"]),
        ("spec.containers.env.value", ["1"]),
        ("spec.hostPID", ["true"]),
        ("spec.nodeName", []),
        ("spec.priority", ["1.5"]),
        ("spec.text", ["[::]:8080"]),
        ("spec.missing.deeper", []),
        ("metadata.labels.app.kubernetes.io/name", ["web"]),
        ("metadata.labels", ['{"app.kubernetes.io/name":"web"}']),
    ],
)
def test_a_path_leads_through_arrays_at_any_level(engine: Columns, path: str, values: list[str]) -> None:
    assert follow(engine, json.dumps(POD), path) == values


def test_a_document_that_is_an_array_is_gone_through(engine: Columns) -> None:
    patch = [{"op": "add", "value": {"spec": {"hostPID": True}}}, {"op": "remove"}]
    assert follow(engine, json.dumps(patch), "op") == ["add", "remove"]
    assert follow(engine, json.dumps(patch), "value.spec.hostPID") == ["true"]


def test_keys_written_with_escapes_are_found(engine: Columns) -> None:
    """A patch is recorded as the client wrote it, so escapes must not hide a key from the search before parsing."""
    assert follow(engine, r'{"spec":{"host\u0050ID":true}}', "spec.hostPID") == ["true"]
    assert follow(engine, r'{"metadata":{"labels":{"a\/b":"x"}}}', "metadata.labels.a/b") == ["x"]


@pytest.mark.parametrize("document", ["", "not json", "[", "null", '"text"', "12", "{}"])
def test_a_document_without_the_path_leads_nowhere(engine: Columns, document: str) -> None:
    assert follow(engine, document, "spec.containers.image") == []


_leaf = st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.text(max_size=5))
_json = st.recursive(
    _leaf,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


def reference(value: Any, keys: list[str]) -> list[str]:
    """The plain meaning of a path: through objects by key, through one level of array at every step."""
    found = [value]
    for key in keys:
        opened = [each for one in found for each in (one if isinstance(one, list) else [one])]
        found = [one[key] for one in opened if isinstance(one, dict) and key in one]
    leaves = [each for one in found for each in (one if isinstance(one, list) else [one])]
    return [leaf if isinstance(leaf, str) else _compact(leaf) for leaf in leaves if leaf is not None]


def test_any_document_and_path_agree_with_the_plain_meaning(engine: Columns) -> None:
    @settings(deadline=None, max_examples=60)
    @given(document=_json, keys=st.lists(st.sampled_from("abc"), min_size=1, max_size=3))
    def check(document: Any, keys: list[str]) -> None:
        found = follow(engine, _compact(document), ".".join(keys))
        assert found == reference(document, keys)

    check()


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
