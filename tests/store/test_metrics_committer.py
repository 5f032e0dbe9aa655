"""Remote-write bodies become series and samples: what is stored, what is refused, and that bits survive."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.metric_parsing import NOW_MS, Metrics
from tests.store.prometheus_wire import STALE, Labels, exemplar, integer, metadata, nested, series
from tocsin.intake.formats.remote_write import REMOTE_WRITE_V1 as V1
from tocsin.model.errors import InvalidInput
from tocsin.store.base import Columns
from tocsin.store.metrics import MetricReceipt
from tocsin.store.sql import Sql
from tocsin.testing.stores import fresh_columns

_UP = {"__name__": "up", "job": "a"}
_HOUR = 3_600_000
_DAY = 24 * _HOUR
_COUNT_SERIES = Sql("SELECT count() AS n FROM series")


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


def test_samples_are_stored_under_their_labels(metrics: Metrics) -> None:
    """Two requests in one batch, each with its own account."""
    one = series(_UP, (NOW_MS - 15_000, 1.0), (NOW_MS, 0.0))
    other = series({"__name__": "up", "job": "b"}, (NOW_MS, 0.5))

    receipts = metrics.store(V1, one, other, b"")

    assert receipts == [MetricReceipt(samples=2), MetricReceipt(samples=1), MetricReceipt()]
    assert metrics.samples() == {
        ("{__name__=up,job=a}", -15_000): 1.0,
        ("{__name__=up,job=a}", 0): 0.0,
        ("{__name__=up,job=b}", 0): 0.5,
    }


def test_the_order_of_labels_and_empty_ones_do_not_make_another_series(metrics: Metrics) -> None:
    """Prometheus: a label with an empty value is a label that is not there."""
    metrics.store(V1, series(_UP, (NOW_MS, 1.0)))
    metrics.store(V1, series([("job", "a"), ("zone", ""), ("__name__", "up")], (NOW_MS + 1, 2.0)))

    (row,) = metrics.rows("series")

    assert row["labels"] == _UP
    assert len(metrics.samples()) == 2


def test_the_staleness_marker_and_other_values_keep_their_bits(metrics: Metrics) -> None:
    """A staleness marker is one NaN among many; an ordinary NaN is another."""
    values = [STALE, float("nan"), float("inf"), -float("inf"), -0.0, 5e-324, 1.7976931348623157e308]

    metrics.store(V1, series(_UP, *((NOW_MS + n, value) for n, value in enumerate(values))))

    stored = [bits for _, bits in sorted(metrics.bits().items())]
    assert stored == [struct.pack(">d", value).hex() for value in values]
    assert stored[0] == "7ff0000000000002"


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=50))
def test_any_bits_survive(store: Columns, patterns: list[int]) -> None:
    """Whatever the 64 bits are."""
    metrics = Metrics(store)
    values = [struct.unpack("<d", struct.pack("<Q", bits))[0] for bits in patterns]

    metrics.store(V1, series(_UP, *((NOW_MS + n, value) for n, value in enumerate(values))))

    assert [int(bits, 16) for _, bits in sorted(metrics.bits().items())] == patterns
    metrics.clear()


def test_a_repeated_request_changes_nothing(metrics: Metrics) -> None:
    """A sender that lost our answer sends again; a corrected value replaces the earlier one."""
    body = series(_UP, (NOW_MS, 1.0))
    metrics.store(V1, body)
    metrics.store(V1, body)
    metrics.store(V1, series(_UP, (NOW_MS, 3.0)))

    assert metrics.samples() == {("{__name__=up,job=a}", 0): 3.0}


def test_a_series_row_covers_its_samples(metrics: Metrics) -> None:
    """`first_seen` and `last_seen` may be wider than the samples, never narrower, also for late ones."""
    metrics.store(V1, series(_UP, (NOW_MS, 1.0)))
    metrics.store(V1, series(_UP, (NOW_MS + 1, 1.0)))
    metrics.store(V1, series(_UP, (NOW_MS - 5 * _HOUR + 1, 1.0)))

    (row,) = metrics.rows("series")

    assert row["first_seen"] == "2026-11-24T07:00:00.000Z"
    assert row["last_seen"] == "2026-11-24T13:00:00.000Z"


def test_a_known_series_is_not_written_again(metrics: Metrics) -> None:
    """A row per series and hour, not per request."""
    for n in range(5):
        metrics.store(V1, series(_UP, (NOW_MS + n, 1.0)))
        metrics.store(V1, series([("job", "a"), ("__name__", "up")], (NOW_MS + n, 1.0)))

    assert [row["n"] for row in metrics.columns.fetch(_COUNT_SERIES)] == [1]


_BAD_LABELS: list[tuple[Labels, str]] = [
    ([("__name__", "up"), ("a", "1"), ("a", "1")], "stands twice"),
    ([("__name__", "up"), ("a", "1"), ("b", "2"), ("a", "2")], "stands twice"),
    ([("__name__", "up"), ("", "x")], "no name"),
    ({"job": "a"}, "no metric name"),
    ({"__name__": ""}, "no metric name"),
    ([], "no metric name"),
]


@pytest.mark.parametrize(("labels", "says"), _BAD_LABELS)
def test_a_series_with_wrong_labels_is_told_and_the_others_are_kept(
    metrics: Metrics, labels: Labels, says: str
) -> None:
    """Nothing else is lost, and the sentence names the series."""
    (receipt,) = metrics.store(V1, series(_UP, (NOW_MS, 1.0)) + series(labels, (NOW_MS, 1.0)))

    assert receipt.samples == 1
    (problem,) = receipt.problems
    assert says in problem
    assert "1 series refused" in problem
    assert list(metrics.samples()) == [("{__name__=up,job=a}", 0)]


def test_labels_that_are_not_utf8_are_told(metrics: Metrics) -> None:
    """Names may be any UTF-8; bytes that are not cannot be asked for."""
    bad = nested(1, nested(1, nested(1, "__name__") + nested(2, b"a\xff")) + nested(2, integer(2, NOW_MS)))

    (receipt,) = metrics.store(V1, bad)

    assert "not valid UTF-8" in receipt.problems[0]
    assert metrics.samples() == {}


def test_times_out_of_bounds_are_told_and_the_others_are_kept(metrics: Metrics) -> None:
    """Too old to be kept, or too far in the future to be true."""
    times = [-31 * _DAY, -29 * _DAY, 0, 9 * 60_000, 11 * 60_000]

    (receipt,) = metrics.store(V1, series(_UP, *((NOW_MS + time, 1.0) for time in times)))

    assert [time for _, time in sorted(metrics.samples())] == times[1:-1]
    (problem,) = receipt.problems
    assert "2 samples refused" in problem
    assert "before 2026-10-25" in problem
    assert "10 minutes in the future" in problem


@pytest.mark.parametrize("time", [2**63 - 1, -(2**63), -1])
def test_impossible_times_are_told(metrics: Metrics, time: int) -> None:
    """Whatever a sender's clock says."""
    (receipt,) = metrics.store(V1, series(_UP, (time, 1.0)))

    assert "1 sample refused" in receipt.problems[0]
    assert metrics.rows("series") == []


def test_without_retention_everything_since_1970_is_taken(store: Columns) -> None:
    """Grafana asks at Unix time 4."""
    metrics = Metrics(store, timedelta())

    (receipt,) = metrics.store(V1, series(_UP, (4000, 1.0)))

    assert receipt == MetricReceipt(samples=1)
    assert metrics.samples() == {("{__name__=up,job=a}", 4000 - NOW_MS): 1.0}
    metrics.clear()


def test_exemplars_and_metadata_are_kept(metrics: Metrics) -> None:
    """They come beside samples, or alone."""
    body = series(_UP, (NOW_MS, 1.0), extra=exemplar({"trace_id": "t1"}, NOW_MS - 5, 0.25))
    told = metadata("up", 2, "Whether it's up.") + metadata("x_seconds", 3, "x", "seconds")

    receipts = metrics.store(V1, body, told, told)

    assert receipts[0].exemplars == 1
    (found,) = metrics.rows("exemplars")
    assert (found["labels"], found["value"]) == ({"trace_id": "t1"}, 0.25)
    assert [(r["name"], r["type"], r["unit"], r["help"]) for r in metrics.rows("metric_metadata")] == [
        ("up", "gauge", "", "Whether it's up."),
        ("x_seconds", "histogram", "seconds", "x"),
    ]


def test_native_histograms_are_told_not_to_be_stored(metrics: Metrics) -> None:
    """Until they are, a sender must not believe that they are."""
    (receipt,) = metrics.store(V1, series(_UP, (NOW_MS, 1.0), extra=nested(4, integer(15, NOW_MS))))

    assert receipt.samples == 1
    assert "1 native histogram refused" in receipt.problems[0]


_WHOLE = series(_UP, (NOW_MS, 1.0)) + metadata("up", 2, "help")


@settings(max_examples=40, deadline=None)
@given(st.integers(1, len(_WHOLE) - 1))
def test_a_truncated_body_is_told_unless_the_cut_is_between_fields(store: Columns, cut: int) -> None:
    """Half a sample is never stored."""
    metrics = Metrics(store)
    between = len(series(_UP, (NOW_MS, 1.0)))
    if cut == between:
        assert metrics.store(V1, _WHOLE[:cut]) == [MetricReceipt(samples=1)]
    else:
        with pytest.raises(InvalidInput, match="not a valid Protobuf WriteRequest"):
            metrics.store(V1, _WHOLE[:cut])
    metrics.clear()


@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"hello", integer(2047, 1), _WHOLE + integer(2047, 1)])
def test_what_is_no_write_request_is_told(metrics: Metrics, body: bytes) -> None:
    """Also a body that pretends to be another one of the batch."""
    with pytest.raises(InvalidInput):
        metrics.store(V1, body)

    assert metrics.samples() == {}
