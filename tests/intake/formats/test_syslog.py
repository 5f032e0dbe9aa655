"""Syslog lines of both RFCs, with examples of theirs."""

from __future__ import annotations

import pytest

from tests.intake.parsing import Parser


def test_rfc5424_with_structured_data(parse: Parser) -> None:
    row = parse(
        "syslog",
        b"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog 8710 ID47 "
        b'[exampleSDID@32473 iut="3" eventSource="say \\"x\\]\\""][ex@1 class="high"] \xef\xbb\xbfAn event',
    ).row
    assert row["line"] == "An event"
    assert row["time"] == "2003-10-11T22:14:15.003000Z"
    assert (row["node"], row["app"], row["level"]) == ("mymachine.example.com", "evntslog", "info")
    assert row["fields"] == {
        "pid": "8710",
        "msgid": "ID47",
        "facility": "local4",
        "exampleSDID@32473.iut": "3",
        "exampleSDID@32473.eventSource": 'say "x]"',
        "ex@1.class": "high",
    }


def test_rfc5424_with_nothing_known(parse: Parser) -> None:
    row = parse("syslog", b"<0>1 - - - - - -", node="n1").row
    assert (row["line"], row["level"], row["node"], row["app"]) == ("", "critical", "n1", "")
    assert row["time"] == "2026-11-23T12:00:00.000000Z"


def test_rfc3164(parse: Parser) -> None:
    row = parse("syslog", b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8").row
    assert row["line"] == "'su root' failed for lonvick on /dev/pts/8"
    assert row["time"] == "2026-10-11T22:14:15.000000Z"
    assert (row["node"], row["app"], row["level"], row["fields"]) == (
        "mymachine",
        "su",
        "critical",
        {"facility": "auth"},
    )


@pytest.mark.parametrize("stamp", [b"Nov  3 08:50:51", b"2026-11-03T08:50:51+00:00"])
def test_files_of_a_daemon_without_priority(parse: Parser, stamp: bytes) -> None:
    row = parse("syslog", stamp + b" node-1 sshd[123]: Failed password for root from 192.0.2.4 port 22 ssh2").row
    assert row["line"] == "Failed password for root from 192.0.2.4 port 22 ssh2"
    assert row["time"] == "2026-11-03T08:50:51.000000Z"
    assert (row["node"], row["app"], row["fields"]) == ("node-1", "sshd", {"pid": "123"})


def test_klog_inside_syslog_is_read(parse: Parser) -> None:
    row = parse("syslog", b'Nov  3 08:50:51 n kubelet[12]: E1103 08:50:51.653869 7759 flags.go:64] "boom" err="x"').row
    assert (row["level"], row["app"], row["fields"]["err"]) == ("error", "kubelet", "x")


@pytest.mark.parametrize("line", ["no syslog at all", "<999>1 x", "<13>"])
def test_anything_else_is_kept_as_it_is(parse: Parser, line: str) -> None:
    assert parse("syslog", line.encode()).row["line"] == line


def test_endless_structured_data_does_no_harm(parse: Parser) -> None:
    data = b"".join(b'[a%d b="c"]' % n for n in range(2000))
    assert parse("syslog", b"<13>1 - h a - - " + data + b" text").row["line"] == "text"
