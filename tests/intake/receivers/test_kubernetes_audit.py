"""The audit webhook: bodies as API servers send them, and bodies that they do not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.intake.receivers.kubernetes_audit import split_event_list
from tocsin.model.errors import InvalidInput

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(
    items=st.lists(st.dictionaries(st.text(max_size=8), _JSON, max_size=4), max_size=6),
    indent=st.sampled_from([None, 2]),
)
def test_every_item_becomes_one_line_with_the_same_value(items: list[dict[str, object]], indent: int | None) -> None:
    """Compact or pretty-printed, whatever the events hold."""
    body = json.dumps({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": items}, indent=indent).encode()

    lines = split_event_list(body).splitlines() if items else []

    assert [json.loads(line) for line in lines] == items


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not valid JSON"),
        (b'{"kind":"EventList","items":[{"a":1},', "truncated"),
        (b"[]", "not an audit.k8s.io EventList"),
        (b'{"kind":"PodList","items":[]}', "PodList"),
        (b'{"kind":"EventList"}', "items"),
        (b'{"kind":"EventList","items":{}}', "items"),
        (b'{"items":[' + b'{"a":' * 100_000, "not valid JSON"),
        (b"\x1f\x8b junk", "not valid JSON"),
    ],
)
def test_what_is_no_event_list_is_told(body: bytes, says: str) -> None:
    """The API server logs the answer: it should say what is wrong."""
    with pytest.raises(InvalidInput, match=says):
        split_event_list(body)
