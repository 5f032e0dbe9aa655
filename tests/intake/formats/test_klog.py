"""klog lines, with real ones of a kubelet and an API server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.intake.parsing import Parser

_DATA = Path(__file__).parents[1] / "data"


def test_a_structured_line(parse: Parser) -> None:
    line = (
        b'E1123 09:03:05.149242    8051 a.go:2193] "failed to \\"read\\"" err="not implemented" pods=["a/b","c d"] n=3'
    )
    row = parse("klog", line, app="kubelet").row
    assert row["level"] == "error"
    assert row["time"] == "2026-11-23T09:03:05.149242Z"
    assert (row["app"], row["source"]) == ("kubelet", "node")
    assert row["fields"] == {
        "msg": 'failed to "read"',
        "caller": "a.go:2193",
        "pid": "8051",
        "err": "not implemented",
        "pods": '["a/b","c d"]',
        "n": "3",
    }


def test_an_old_style_line(parse: Parser) -> None:
    line = b"W1123 09:19:01.566257    7759 logging.go:55] [core] grpc: it = failed"
    row = parse("klog", line, app="kube-apiserver").row
    assert row["level"] == "warning"
    assert row["source"] == "control-plane"
    assert row["fields"]["msg"] == "[core] grpc: it = failed"


def test_the_year_is_that_of_arrival_or_the_one_before(parse: Parser) -> None:
    new_year = datetime(2027, 1, 1, 0, 0, 5, tzinfo=UTC)
    rows = parse("klog", b"I1231 23:59:59.000001 1 a.go:1] old\nI0101 00:00:01.000001 1 a.go:1] new", received=new_year)
    assert [row["time"] for row in rows.rows] == ["2026-12-31T23:59:59.000001Z", "2027-01-01T00:00:01.000001Z"]


def test_a_date_that_does_not_exist_leaves_the_arrival_time(parse: Parser) -> None:
    assert parse("klog", b"I0230 09:03:05.149242 1 a.go:1] x").row["time"] == "2026-11-23T12:00:00.000000Z"


def test_continuation_lines_are_kept(parse: Parser) -> None:
    row = parse("klog", b"goroutine 1 [running]:").row
    assert (row["line"], row["level"], row["fields"]) == ("goroutine 1 [running]:", "", {})


def test_real_lines_all_have_level_time_caller_and_message(parse: Parser) -> None:
    for name in ("kubelet.log", "kube-apiserver.log"):
        payload = (_DATA / name).read_bytes()
        done = parse("klog", payload)
        assert done.receipt.accepted == payload.count(b"\n")
        for row in done.rows:
            assert row["level"] in ("info", "warning", "error")
            assert row["time"].startswith("2026-11-23T0")
            assert row["fields"]["caller"]
            assert row["fields"]["msg"]
    errors = {row["fields"]["err"] for row in done.rows if row["level"] == "error"}
    assert errors == {"invalid bearer token"}
