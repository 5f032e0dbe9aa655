"""Lines of any program."""

from __future__ import annotations

import json

import pytest

from tests.intake.parsing import Parser
from tocsin.intake.formats.content import LINE_LIMIT
from tocsin.intake.formats.expressions import FIELD_LIMIT, VALUE_LIMIT


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ('{"level":"warn"}', "warning"),
        ('{"severity":"CRITICAL"}', "critical"),
        ('{"lvl":"eror"}', ""),
        ('{"log":{"level":"Information"}}', "info"),
        ('{"level":50}', "error"),
        ('level=debug msg="x y"', "debug"),
        ("2026-11-23 08:50:51,123 - root - ERROR - boom", "error"),
        ("2026-11-23 08:50:51.123  INFO 1 --- [main] c.e.App : started", "info"),
        ("2026-11-23 08:50:51.123 UTC [31] FATAL:  role does not exist", "critical"),
        ("2026/11/23 08:50:51 [error] 31#31: *1 open() failed", "error"),
        ("[Wed Oct 11 14:32:52 2000] [core:error] [client 192.0.2.1] denied", "error"),
        ("WARNING:root:careful", "warning"),
        ("Error: cannot find module", "error"),
        ("panic: runtime error: index out of range", "critical"),
        ("alert manager started", ""),
        ("information about errors", ""),
        ("all is well, no error", ""),
    ],
)
def test_the_level_is_found(parse: Parser, line: str, level: str) -> None:
    assert parse("json-lines", line.encode()).row["level"] == level


@pytest.mark.parametrize(
    ("line", "time"),
    [
        ('{"ts":1.580306777e+09}', "2020-01-29T14:06:17.000000Z"),
        ('{"time":1795423853417}', "2026-11-23T08:50:53.417000Z"),
        ('{"t":1795423853417000123}', "2026-11-23T08:50:53.417000Z"),
        ('{"@timestamp":"2026-11-23T09:50:53.4170019+01:00"}', "2026-11-23T08:50:53.417001Z"),
        ('time="2026-11-23T08:50:51Z" level=info', "2026-11-23T08:50:51.000000Z"),
        ("2026-11-23 08:50:51,123 x", "2026-11-23T08:50:51.123000Z"),
        ("2026/11/23 08:50:51 x", "2026-11-23T08:50:51.000000Z"),
        ('192.0.2.4 - - [23/Nov/2026:08:50:51 +0200] "GET / HTTP/1.1" 200 5', "2026-11-23T06:50:51.000000Z"),
        ("nothing", "2026-11-23T12:00:00.000000Z"),
        ('{"time":"yesterday"}', "2026-11-23T12:00:00.000000Z"),
        ('{"time":"2036-01-01T00:00:00Z"}', "2026-11-23T12:00:00.000000Z"),
        ('{"time":5}', "2026-11-23T12:00:00.000000Z"),
    ],
)
def test_the_time_is_found_if_it_can_be(parse: Parser, line: str, time: str) -> None:
    assert parse("json-lines", line.encode()).row["time"] == time


def test_fields_are_flattened(parse: Parser) -> None:
    line = {"a": {"b": {"c": {"d": {"e": 1}}, "n": None}}, "list": [1, "x"], "s": "ü\n", "t": True, "empty": {}}
    assert parse("json-lines", json.dumps(line).encode()).row["fields"] == {
        "a.b.c.d": '{"e":1}',
        "list": '[1,"x"]',
        "s": "ü\n",
        "t": "true",
        "empty": "{}",
    }


def test_logfmt_fields(parse: Parser) -> None:
    fields = parse("json-lines", b'ts=1 msg="say \\"hi\\"" path=/a?b=c err= list=[a b] level=info').row["fields"]
    assert fields == {"ts": "1", "msg": 'say "hi"', "path": "/a?b=c", "list": "[a b]", "level": "info"}


def test_an_array_is_taken_apart(parse: Parser) -> None:
    assert {row["line"] for row in parse("json-lines", b' [{"a":1},\n {"a":2}]').rows} == {'{"a":1}', '{"a":2}'}


def test_debug_lines_are_kept_shorter_unless_told_otherwise(parse: Parser) -> None:
    assert parse("json-lines", b"DEBUG x").row["priority"] == "debug"
    assert parse("json-lines", b"DEBUG x", priority="security").row["priority"] == "security"


def test_a_long_line_is_cut_and_says_so(parse: Parser) -> None:
    row = parse("json-lines", b"x" * (LINE_LIMIT + 10)).row
    assert len(row["line"]) == LINE_LIMIT
    assert row["fields"] == {"_original_bytes": str(LINE_LIMIT + 10)}


@pytest.mark.parametrize(
    "line",
    [
        json.dumps({f"k{n}": n for n in range(3000)}),
        " ".join(f"k{n}=v" for n in range(3000)),
        " ".join(f"k{n}=[v]" for n in range(3000)),
        json.dumps({"a": {f"k{n}": {f"m{m}": m for m in range(20)} for n in range(300)}}),
    ],
)
def test_fields_without_end_are_bounded(parse: Parser, line: str) -> None:
    assert 0 < len(parse("json-lines", line.encode()).row["fields"]) <= FIELD_LIMIT


def test_a_long_value_is_cut(parse: Parser) -> None:
    row = parse("json-lines", json.dumps({"a": "ü" * VALUE_LIMIT}).encode()).row
    assert len(row["fields"]["a"].encode()) <= VALUE_LIMIT + 2
    assert row["line"].count("ü") == 0 or len(row["line"]) > VALUE_LIMIT
