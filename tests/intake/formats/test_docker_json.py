"""Docker's json-file format."""

from __future__ import annotations

import json

from tests.intake.parsing import Parser


def _line(log: str, stream: str = "stdout", time: str = "2026-11-23T08:50:51.123456789Z") -> bytes:
    return json.dumps({"log": log, "stream": stream, "time": time}, separators=(",", ":")).encode() + b"\n"


def test_a_line_is_unwrapped(parse: Parser) -> None:
    row = parse("docker-json", _line("level=error msg=boom\n", "stderr")).row
    assert row["line"] == "level=error msg=boom"
    assert row["level"] == "error"
    assert row["stream"] == {"stream": "stderr"}
    assert row["time"] == "2026-11-23T08:50:51.123456Z"


def test_pieces_of_a_long_line_are_joined_by_stream(parse: Parser) -> None:
    payload = (
        _line('say "a', time="2026-11-23T08:50:51Z")
        + _line("other\n", "stderr")
        + _line('\\n"b', time="2026-11-23T08:50:52Z")
    )
    rows = parse("docker-json", payload + _line("c\n")).by_line()
    assert set(rows) == {'say "a\\n"bc', "other"}
    assert rows['say "a\\n"bc']["time"] == "2026-11-23T08:50:51.000000Z"


def test_a_torn_line_is_kept_and_marked(parse: Parser) -> None:
    row = parse("docker-json", b'{"log":"torn').row
    assert row["line"] == '{"log":"torn'
    assert row["fields"] == {"_malformed": "docker-json"}
