"""Requests of remote write 2.0: texts are references into a table of symbols, and references may be wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.metric_parsing import NOW, NOW_MS, Metrics
from tests.store.prometheus_wire import Request, integer, nested, series, varint
from tocsin.intake.formats.remote_write import REMOTE_WRITE_V1 as V1
from tocsin.intake.formats.remote_write import REMOTE_WRITE_V2 as V2
from tocsin.model.errors import InvalidInput
from tocsin.store.base import Columns
from tocsin.store.metrics import MetricDelivery, MetricReceipt
from tocsin.testing.stores import fresh_columns

_UP = {"__name__": "up", "job": "a"}


@pytest.fixture(scope="module")
def store() -> Iterator[Columns]:
    """One store for the module."""
    found = fresh_columns()
    yield found
    found.close()


@pytest.fixture
def metrics(store: Columns) -> Iterator[Metrics]:
    """A committer over empty tables."""
    found = Metrics(store)
    yield found
    found.clear()


def test_each_request_is_read_by_its_own_symbols(metrics: Metrics) -> None:
    """Requests of one batch number their symbols each from 0."""
    one = Request().add(_UP, (NOW_MS, 1.0)).encode()
    other = Request().add({"job": "b", "zone": "z", "__name__": "down"}, (NOW_MS, 2.0), (NOW_MS + 1, 3.0)).encode()

    receipts = metrics.store(V2, one, other, Request().encode())

    assert receipts == [MetricReceipt(samples=1), MetricReceipt(samples=2), MetricReceipt()]
    assert metrics.samples() == {
        ("{__name__=up,job=a}", 0): 1.0,
        ("{__name__=down,job=b,zone=z}", 0): 2.0,
        ("{__name__=down,job=b,zone=z}", 1): 3.0,
    }


def test_a_series_is_the_same_however_it_comes(metrics: Metrics) -> None:
    """1.0 and 2.0, in one batch."""
    old = MetricDelivery(V1, series(_UP, (NOW_MS, 1.0)), NOW)
    new = MetricDelivery(V2, Request().add(_UP, (NOW_MS + 1, 2.0)).encode(), NOW)

    metrics.commit([old, new])

    assert len(metrics.rows("series")) == 1
    assert metrics.samples() == {("{__name__=up,job=a}", 0): 1.0, ("{__name__=up,job=a}", 1): 2.0}


def test_references_to_nothing_are_told_and_never_reach_into_another_request(metrics: Metrics) -> None:
    """A symbol of the next request must not become this one's label."""
    wrong = nested(4, "") + nested(5, nested(1, varint(1) + varint(2)) + nested(2, integer(2, NOW_MS)))
    right = Request().add(_UP, (NOW_MS, 1.0)).encode()

    receipts = metrics.store(V2, wrong, right)

    assert "a symbol that is not there" in receipts[0].problems[0]
    assert receipts[1] == MetricReceipt(samples=1)
    assert list(metrics.samples()) == [("{__name__=up,job=a}", 0)]


def test_half_a_label_is_told(metrics: Metrics) -> None:
    """References come in pairs."""
    body = nested(4, "") + nested(4, "__name__") + nested(5, nested(1, varint(1)) + nested(2, integer(2, NOW_MS)))

    (receipt,) = metrics.store(V2, body)

    assert "odd length" in receipt.problems[0]


def test_exemplars_and_metadata_are_kept(metrics: Metrics) -> None:
    """Metadata comes with each series and is kept once a family."""
    request = Request()
    told = request.metadata(3, "How long it took.", "seconds")
    for bound in ("0.1", "+Inf"):
        labels = {"__name__": "took_seconds_bucket", "le": bound}
        request.add(labels, (NOW_MS, 1.0), extra=told + request.exemplar({"trace_id": "t"}, NOW_MS, 0.05))

    (receipt,) = metrics.store(V2, request.encode())

    assert receipt == MetricReceipt(samples=2, exemplars=2)
    assert [row["labels"] for row in metrics.rows("exemplars")] == [{"trace_id": "t"}] * 2
    (row,) = metrics.rows("metric_metadata")
    assert (row["name"], row["type"], row["unit"], row["help"]) == (
        "took_seconds",
        "histogram",
        "seconds",
        "How long it took.",
    )


_TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.dictionaries(_TEXT, _TEXT, max_size=4), min_size=1, max_size=5, unique_by=lambda d: str(sorted(d.items()))
    )
)
def test_any_labels_are_read_as_1_0_reads_them(store: Columns, sets: list[dict[str, str]]) -> None:
    """Names and values may be any text."""
    metrics = Metrics(store)
    sets = [labels | {"__name__": "m"} for labels in sets]
    request = Request()
    for labels in sets:
        request.add(labels, (NOW_MS, 1.0))

    metrics.store(V2, request.encode())
    by_v2 = metrics.rows("series")
    metrics.clear()
    metrics.store(V1, b"".join(series(labels, (NOW_MS, 1.0)) for labels in sets))

    assert metrics.rows("series") == by_v2
    assert len(by_v2) == len({str(sorted(labels.items())) for labels in sets})
    metrics.clear()


def test_a_truncated_body_is_told(metrics: Metrics) -> None:
    """The message of 2.0 is named."""
    with pytest.raises(InvalidInput, match="not a valid Protobuf Request"):
        metrics.store(V2, Request().add(_UP, (NOW_MS, 1.0)).encode()[:-3])
