"""Bodies of scrapes: the two text formats, what merges with the target's labels, and lines that are broken."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.metric_parsing import NOW, NOW_MS, Metrics
from tocsin.intake.formats.exposition import complete, exposition
from tocsin.store.base import Columns
from tocsin.store.metrics import MetricDelivery, MetricReceipt
from tocsin.store.sql import Sql
from tocsin.testing.stores import fresh_columns

_TEXT = exposition(openmetrics=False)
_OPEN = exposition(openmetrics=True)
_KIND = Sql("SELECT isNaN(value) AS nan, isInfinite(value) AS inf, value < 0 AS negative FROM samples")


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


def test_an_ordinary_body_is_read(metrics: Metrics) -> None:
    """Comments, spaces, a trailing comma, a time of its own, and the target's labels."""
    body = (
        b"# HELP http_requests_total Requests.\n"
        b"# TYPE http_requests_total counter\n"
        b'http_requests_total{method="post",code="200",} 1027 %d\n'
        b'http_requests_total{ method = "get" , code="400" }\t3\n'
        b"\n# just a remark\n"
        b"  up 1\r\n" % (NOW_MS - 500)
    )

    (receipt,) = metrics.store(_TEXT, body, job="web", instance="10.0.0.1:80")

    assert receipt == MetricReceipt(samples=3)
    assert metrics.samples() == {
        ("{__name__=http_requests_total,code=200,instance=10.0.0.1:80,job=web,method=post}", -500): 1027.0,
        ("{__name__=http_requests_total,code=400,instance=10.0.0.1:80,job=web,method=get}", 0): 3.0,
        ("{__name__=up,instance=10.0.0.1:80,job=web}", 0): 1.0,
    }
    (told,) = metrics.rows("metric_metadata")
    assert (told["name"], told["type"], told["help"]) == ("http_requests_total", "counter", "Requests.")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("+1.5e3", 1500.0),
        ("-.5", -0.5),
        ("NaN", math.nan),
        ("+Inf", math.inf),
        ("-Inf", -math.inf),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("12345678901234567890", 12345678901234567890.0),
    ],
)
def test_values_are_read_as_go_reads_them(metrics: Metrics, text: str, value: float) -> None:
    """The special ones included; the engine tells, as JSON has no word for them."""
    metrics.store(_TEXT, f"m {text}\n".encode())

    (row,) = metrics.rows("samples")
    (kind,) = metrics.columns.fetch(_KIND)
    if math.isfinite(value):
        assert float(row["value"]) == value
    assert (bool(kind["nan"]), bool(kind["inf"]), bool(kind["negative"])) == (
        math.isnan(value),
        math.isinf(value),
        value < 0,
    )


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=50))
def test_every_bit_of_a_value_counts(store: Columns, values: list[float]) -> None:
    """Written in full, a value is read back as the same one."""
    metrics = Metrics(store)
    body = "".join(f'm{{n="{n:03}"}} {value!r}\n' for n, value in enumerate(values))

    metrics.store(_TEXT, body.encode())

    assert [bits for _, bits in sorted(metrics.bits().items())] == [struct.pack(">d", v).hex() for v in values]
    metrics.clear()


_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x01\x02"), min_size=1, max_size=8)


@settings(max_examples=8, deadline=None)
@given(st.lists(_TEXTS, min_size=1, max_size=12, unique=True))
def test_any_label_value_is_read_as_it_was_meant(store: Columns, values: list[str]) -> None:
    r"""Escaped as the format says: `\\`, `\"` and `\n`."""
    metrics = Metrics(store)
    escaped = (v.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for v in values)
    body = "".join(f'm{{v="{text}"}} {n}\n' for n, text in enumerate(escaped))

    assert metrics.store(_TEXT, body.encode()) == [MetricReceipt(samples=len(values))]

    assert {row["labels"]["v"] for row in metrics.rows("series")} == set(values)
    metrics.clear()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("up1", "cannot be read: up1"),
        ('m{a="1" 2', "cannot be read"),
        ('m{a="1"b="2"} 2', "cannot be read"),
        ("m{a=1} 2", "cannot be read"),
        ('m{1a="1"} 2', "cannot be read"),
        ("m 1 2 3", "cannot be read"),
        ("m 1x", "the value is no number: m 1x"),
        ("m 1 soon", "the time is no number: m 1 soon"),
        ('m{a="1",a="2"} 2', "stands twice"),
        ('{a="1"} 2', "no metric name"),
        ('m{a="1"} 3 # {t="x"} 1', "cannot be read"),
    ],
)
def test_a_broken_line_is_told_and_the_others_are_kept(metrics: Metrics, line: str, says: str) -> None:
    """One exporter's slip must not cost the scrape."""
    (receipt,) = metrics.store(_TEXT, f"good 1\n{line}\nfine 2\n".encode())

    assert receipt.samples == 2
    assert says in receipt.problems[0]
    assert "1 series refused" in receipt.problems[0]


@settings(max_examples=15, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(store: Columns, body: bytes) -> None:
    """Every line is a sample, a remark or a problem."""
    metrics = Metrics(store)

    (receipt,) = metrics.store(_TEXT, body + b"\ngood 1\n")

    assert receipt.samples >= 1
    metrics.clear()


def test_names_in_quotation_marks_are_read(metrics: Metrics) -> None:
    """As Prometheus 3 writes names that are not of the old alphabet."""
    metrics.store(_TEXT, b'{"http.server.duration","service name"="a"} 1\n')

    (row,) = metrics.rows("series")
    assert row["labels"] == {"__name__": "http.server.duration", "service name": "a"}


def test_labels_of_the_target_win_unless_the_bodys_are_honoured(metrics: Metrics) -> None:
    """`honor_labels`: a federating or pushing target knows better."""
    body = b'm{job="theirs",x="1"} 1\n'
    metrics.store(_TEXT, body, job="ours")
    metrics.store(exposition(openmetrics=False, honor_labels=True), body, job="ours")

    assert sorted(row["labels"].get("exported_job", "") + row["labels"]["job"] for row in metrics.rows("series")) == [
        "theirs",
        "theirsours",
    ]


def test_times_of_the_body_count_only_if_honoured(metrics: Metrics) -> None:
    """`honor_timestamps: false`."""
    metrics.store(exposition(openmetrics=False, honor_timestamps=False), f"m 1 {NOW_MS - 5}\n".encode())

    assert list(metrics.samples()) == [("{__name__=m}", 0)]


def test_openmetrics_has_seconds_and_exemplars(metrics: Metrics) -> None:
    """An exemplar without a time of its own is of its sample's time."""
    seconds = NOW_MS / 1000
    body = (
        "# TYPE took_seconds histogram\n# UNIT took_seconds seconds\n# HELP took_seconds How \\\\ long.\n"
        f'took_seconds_bucket{{le="0.1"}} 8 {seconds - 1.5} # {{trace_id="a\\"b"}} 0.054 {seconds - 2}\n'
        'took_seconds_bucket{le="+Inf"} 9 # {} 2.5\n'
        "# EOF\n"
    ).encode()

    (receipt,) = metrics.store(_OPEN, body)

    assert receipt == MetricReceipt(samples=2, exemplars=2)
    assert [time for _, time in sorted(metrics.samples())] == [0, -1500]
    found = sorted((row["value"], row["time"], row["labels"].get("trace_id", "")) for row in metrics.rows("exemplars"))
    assert found == [(0.054, "2026-11-24T11:59:58.000Z", 'a"b'), (2.5, "2026-11-24T12:00:00.000Z", "")]
    (told,) = metrics.rows("metric_metadata")
    assert (told["type"], told["unit"], told["help"]) == ("histogram", "seconds", "How \\ long.")


@pytest.mark.parametrize(
    ("body", "whole"), [(b"m 1\n# EOF\n", True), (b"# EOF", True), (b"m 1\n", False), (b"m 1\n# E", False)]
)
def test_a_body_that_was_cut_short_is_known_by_its_end(body: bytes, whole: bool) -> None:
    """OpenMetrics marks its end, so that half a scrape is not taken for a whole one."""
    assert complete(body) is whole


def test_scrapes_of_several_targets_share_a_batch(metrics: Metrics) -> None:
    """Each with its own labels and time."""
    deliveries = [MetricDelivery(_TEXT, b"up 1\n", NOW, {"instance": str(n)}) for n in range(3)]

    receipts = metrics.commit(deliveries)

    assert receipts == [MetricReceipt(samples=1)] * 3
    assert {series for series, _ in metrics.samples()} == {f"{{__name__=up,instance={n}}}" for n in range(3)}
