"""The CRI log format."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.intake.parsing import Parser

_HEAD = b"2026-11-23T08:50:51.123456789Z"


def test_a_line_keeps_its_time_stream_and_labels(parse: Parser) -> None:
    row = parse(
        "cri",
        b"2026-11-23T09:50:51.123456789+01:00 stderr F disk is gone\n",
        namespace="prod",
        pod="web-1",
        container="web",
        app="web",
        cluster="east",
        team="shop",
    ).row
    assert row["line"] == "disk is gone"
    assert row["time"] == "2026-11-23T08:50:51.123456Z"
    assert row["cluster"] == "east"
    assert (row["source"], row["namespace"], row["pod"], row["container"]) == ("pod", "prod", "web-1", "web")
    assert row["stream"] == {
        "namespace": "prod",
        "pod": "web-1",
        "container": "web",
        "app": "web",
        "team": "shop",
        "stream": "stderr",
    }


def test_partial_lines_of_two_streams_are_joined_apart(parse: Parser) -> None:
    done = parse(
        "cri",
        b"2026-11-23T08:50:51.1Z stdout P one \n"
        b"2026-11-23T08:50:51.2Z stderr P un \n"
        b"2026-11-23T08:50:51.3Z stdout P two \n"
        b"2026-11-23T08:50:51.4Z stderr F deux\n"
        b"2026-11-23T08:50:51.5Z stdout F three\n"
        b"2026-11-23T08:50:51.6Z stdout F alone\n",
    ).by_line()
    assert set(done) == {"one two three", "un deux", "alone"}
    assert done["one two three"]["time"] == "2026-11-23T08:50:51.100000Z"
    assert done["un deux"]["stream"] == {"stream": "stderr"}


def test_a_partial_line_without_its_end_is_kept(parse: Parser) -> None:
    assert parse("cri", _HEAD + b" stdout P half a\n" + _HEAD + b" stdout P  line\n").row["line"] == "half a line"
    assert parse("cri", _HEAD + b" stdout P lone\n").row["line"] == "lone"


def test_what_is_not_cri_is_kept_and_marked(parse: Parser) -> None:
    row = parse("cri", b"panic: \x00\xff torn\n").row
    assert row["line"] == "panic: \x00\ufffd torn"
    assert row["level"] == "critical"
    assert row["fields"] == {"_malformed": "cri"}
    assert row["time"] == "2026-11-23T12:00:00.000000Z"


def test_an_empty_line_is_a_line(parse: Parser) -> None:
    assert [row["line"] for row in parse("cri", _HEAD + b" stdout F \n").rows] == [""]


def test_what_the_program_wrote_is_read(parse: Parser) -> None:
    rows = parse(
        "cri",
        _HEAD
        + b' stdout F {"level":"warn","http":{"code":503}}\n'
        + _HEAD
        + b" stdout F E1123 08:50:51.653869  7 a.go:1] x\n",
    )
    json_row, klog_row = sorted(rows.rows, key=lambda row: str(row["line"]), reverse=True)
    assert json_row["level"] == "warning"
    assert json_row["fields"] == {"level": "warn", "http.code": "503"}
    assert klog_row["level"] == "error"
    assert klog_row["time"] == "2026-11-23T08:50:51.123456Z"


_TEXT = st.binary(max_size=30).map(base64.b16encode)


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([b"stdout", b"stderr"]), st.lists(_TEXT, min_size=1, max_size=4)),
        min_size=1,
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_any_interleaving_of_split_lines_comes_back_whole(
    parse: Parser, lines: list[tuple[bytes, list[bytes]]], order: object
) -> None:
    queues: dict[bytes, list[bytes]] = {b"stdout": [], b"stderr": []}
    for stream, pieces in lines:
        tags = [b"P"] * (len(pieces) - 1) + [b"F"]
        queues[stream] += [
            b"%s %s %s %s" % (_HEAD, stream, tag, piece) for tag, piece in zip(tags, pieces, strict=True)
        ]
    written: list[bytes] = []
    while any(queues.values()):
        stream = order.choice([s for s, queue in queues.items() if queue])  # type: ignore[attr-defined]
        written.append(queues[stream].pop(0))
    got = sorted((row["stream"]["stream"], row["line"]) for row in parse("cri", b"\n".join(written)).rows)
    assert got == sorted((stream.decode(), b"".join(pieces).decode()) for stream, pieces in lines)


@pytest.mark.parametrize("tag", ["F:x", "P:x"])
def test_further_tags_are_allowed(parse: Parser, tag: str) -> None:
    assert parse("cri", _HEAD + f" stdout {tag} text".encode()).row["line"] == "text"
