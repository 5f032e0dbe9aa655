"""The journal's JSON export."""

from __future__ import annotations

from tests.intake.parsing import Parser


def test_an_entry(parse: Parser) -> None:
    row = parse(
        "journald",
        b'{"__REALTIME_TIMESTAMP":"1795423853417001","MESSAGE":"cannot start","PRIORITY":"3","_HOSTNAME":"node-1",'
        b'"SYSLOG_IDENTIFIER":"systemd","_SYSTEMD_UNIT":"kubelet.service","_PID":"12","__CURSOR":"s=1"}',
    ).row
    assert row["line"] == "cannot start"
    assert row["time"] == "2026-11-23T08:50:53.417001Z"
    assert (row["level"], row["node"], row["app"], row["source"]) == ("error", "node-1", "systemd", "node")
    assert row["stream"]["unit"] == "kubelet.service"
    assert row["fields"]["_PID"] == "12"
    assert "__CURSOR" not in row["fields"]


def test_messages_that_are_bytes_or_several(parse: Parser) -> None:
    rows = parse(
        "journald",
        b'{"__REALTIME_TIMESTAMP":"1795423853000000","MESSAGE":[104,105,255]}\n'
        b'{"__REALTIME_TIMESTAMP":"1795423853000000","MESSAGE":["a","b"]}\n'
        b'{"__REALTIME_TIMESTAMP":"1795423853000000","MESSAGE":null}\n',
    ).rows
    assert sorted(row["line"] for row in rows) == ["", "a\nb", "hi\ufffd"]


def test_a_program_that_says_its_level_is_believed(parse: Parser) -> None:
    # systemd gives everything a service prints priority 6.
    row = parse(
        "journald",
        b'{"__REALTIME_TIMESTAMP":"1795423853000000","PRIORITY":"6","SYSLOG_IDENTIFIER":"kubelet",'
        b'"MESSAGE":"E1123 08:50:51.653869 7759 flags.go:64] \\"boom\\" err=\\"x\\""}',
    ).row
    assert (row["level"], row["fields"]["err"]) == ("error", "x")


def test_what_is_no_entry_is_rejected_with_its_reason(parse: Parser) -> None:
    done = parse(
        "journald", b'{"MESSAGE":"cut\n{"a":1}\n{"__REALTIME_TIMESTAMP":"1795423853000000","MESSAGE":"good"}\n'
    )
    assert done.row["line"] == "good"
    assert {line: reason for reason, line in done.rejected} == {
        '{"MESSAGE":"cut': "not valid JSON; truncated?",
        '{"a":1}': "no MESSAGE and no __REALTIME_TIMESTAMP: not a journal entry",
    }
