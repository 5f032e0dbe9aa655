"""Values against the engine: strings with wildcards, case, regular expressions, numbers, networks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.query.sigma.support import predicate_for
from tocsin.model.errors import RuleError
from tocsin.store.base import Columns
from tocsin.store.sql import Sql, bind, compose


def which(engine: Columns, texts: Sequence[str], item: dict[str, Any], *, many: bool = False) -> list[bool]:
    """For each text, whether a row whose column `user` (or, if `many`, `groups`) holds it fits the item."""
    key, value = next(iter(item.items()))
    column = "groups" if many else "user"
    where = predicate_for({"selection": {key.replace("$", column): value}}).where
    row = Sql("[x] AS groups") if many else Sql("x AS user")
    query = compose(
        "SELECT groupArray(hit) AS hits FROM (SELECT toUInt8({where}) AS hit FROM "
        "(SELECT {row} FROM (SELECT arrayJoin({texts}) AS x)))",
        where=where,
        row=row,
        texts=bind(list(texts)),
    )
    return [bool(hit) for hit in engine.fetch(query)[0]["hits"]]


def fits(pattern: str, text: str) -> bool:
    """The plain meaning of a Sigma string: `*` any characters, `?` one, a backslash before them or itself an escape."""
    parts: list[str | None] = []  # None for `*`, "" for `?`
    position = 0
    while position < len(pattern):
        char = pattern[position]
        if char == "\\" and pattern[position + 1 : position + 2] in {"*", "?", "\\"}:
            parts.append(pattern[position + 1])
            position += 1
        else:
            parts.append(None if char == "*" else "" if char == "?" else char)
        position += 1
    reached = {0}
    for part in parts:
        if part is None:
            reached = {end for start in reached for end in range(start, len(text) + 1)}
        else:
            reached = {n + 1 for n in reached if n < len(text) and part in {"", text[n]}}
    return len(text) in reached


_alphabet = st.sampled_from("aAbBé%_.\\*?(\n")
_texts = st.lists(st.text(_alphabet, max_size=6), min_size=1, max_size=8)


@pytest.mark.parametrize("many", [False, True])
def test_strings_with_wildcards_mean_what_sigma_says(engine: Columns, many: bool) -> None:
    @settings(deadline=None, max_examples=60)
    @given(pattern=st.text(_alphabet, min_size=1, max_size=6), texts=_texts)
    @example(pattern="a?b", texts=["a\nb", "aéb", "ab"])
    @example(pattern="*", texts=["", "a"])
    def check(pattern: str, texts: list[str]) -> None:
        expected = [fits(pattern.lower(), text.lower()) and (many or text != "") for text in texts]
        assert which(engine, texts, {"$": pattern}, many=many) == expected

    check()


def test_cased_strings_keep_case(engine: Columns) -> None:
    @settings(deadline=None, max_examples=60)
    @given(pattern=st.text(_alphabet, min_size=1, max_size=6), texts=_texts)
    def check(pattern: str, texts: list[str]) -> None:
        expected = [fits(pattern, text) and text != "" for text in texts]
        assert which(engine, texts, {"$|cased": pattern}) == expected

    check()


def test_any_value_equals_itself_in_any_case(engine: Columns) -> None:
    """Whatever stands in an event: quotes, NUL, other scripts; also that Python and the engine agree on lower case."""

    @settings(deadline=None, max_examples=60)
    @given(st.text(st.characters(codec="utf-8", exclude_characters="*?\\"), min_size=1, max_size=10))
    @example("İSTANBUL ẞ ΟΔΟΣ")
    @example('it\'s \0 "x" {y} `z` \t')
    def check(text: str) -> None:
        assert which(engine, [text, text + "x"], {"$": text}) == [True, False]
        assert which(engine, [text, "y"], {"$": [text.swapcase(), "z"]}) == [
            text.swapcase().lower() == text.lower(),
            False,
        ]
        assert which(engine, [f"a{text}b"], {"$|contains": text}) == [f"a{text}b".lower().find(text.lower()) >= 0]

    check()


@pytest.mark.parametrize(
    ("item", "hit", "miss"),
    [
        ({"$": ["alice", "BOB"]}, ["Alice", "bob"], ["alic", "bobby", ""]),
        ({"$|contains": ["adm", "root"]}, ["ADMIN", "xrooty"], ["user", ""]),
        ({"$|contains|all": ["a", "b"]}, ["xbxa"], ["aaa", "b"]),
        ({"$|startswith": "system:"}, ["system:admin", "SYSTEM:"], ["xsystem:"]),
        ({"$|endswith": ":masters"}, ["system:masters"], ["system:masters2"]),
        ({"$|contains": ""}, ["x"], [""]),
        ({"$": r"a\*b"}, ["a*b"], ["axb"]),
        ({"$": r"C:\dir\file"}, [r"c:\dir\file"], ["c:dirfile"]),
        ({"$": r"a\\*"}, ["a\\x"], ["ax"]),
        ({"$|base64": "admin"}, ["YWRtaW4="], ["ywrtaw4=", "admin"]),
        ({"$|base64offset|contains": "secret"}, ["xxc2VjcmV0", "eHNlY3JldA==", "eHhzZWNyZXQ="], ["secret"]),
        ({"$|wide|base64": "ab"}, ["YQBiAA=="], ["YWI="]),
        ({"$|utf16|base64": "ab"}, ["//5hAGIA"], ["YWI="]),
        ({"$|utf16be|base64": "ab"}, ["AGEAYg=="], ["YWI="]),
        ({"$|windash|contains": "-enc"}, ["x -enc y", "x /ENC y", "x \u2013enc"], ["enc"]),
        ({"$|re": "^sys.*[0-9]$"}, ["system:1"], ["System:1", "xsystem:1"]),
        ({"$|re": "b"}, ["abc"], ["ac"]),
        ({"$|re|i": "^SYS"}, ["system"], ["x"]),
        ({"$|re": "a.b"}, ["axb"], ["a\nb"]),
        ({"$|re|s": "a.b"}, ["axb", "a\nb"], ["ab"]),
        ({"$|re|m": "^b$"}, ["a\nb\nc"], ["a b"]),
        ({"$|re": ".*"}, ["x"], [""]),
        ({"$|re|startswith": "b|c"}, ["bx", "cx"], ["xb", "xc"]),
        ({"$|re|endswith": "b|c"}, ["xb"], ["bx"]),
        ({"$|re|contains": "b|c"}, ["xcx"], ["xx"]),
        ({"$": 17}, ["17", "17.0"], ["170", "", "x"]),
        ({"$": 1 << 60}, ["1152921504606846976"], ["1152921504606846977"]),
        ({"$": True}, ["true", "True"], ["false", "1", ""]),
        ({"$|gt": 5}, ["6", "5.5"], ["5", "x", ""]),
        ({"$|gte": 5}, ["5"], ["4"]),
        ({"$|lt": 5}, ["-6"], ["5", "", "x"]),
        ({"$|lte": 5}, ["5"], ["6"]),
        ({"$|neq": "x"}, ["y", ""], ["X"]),
        ({"$|cidr": "10.1.0.0/16"}, ["10.1.255.255", "::ffff:10.1.2.3"], ["10.2.0.0", "10.1.0.0/16", "", "x"]),
        ({"$|cidr": "2001:db8::/32"}, ["2001:DB8::1"], ["2001:db9::1", "1.2.3.4", "x"]),
        ({"$|cidr": "::/0"}, ["::", "fe80::1"], ["1.2.3.4", "x", ""]),
        ({"$|hour": 22}, ["2026-03-04T22:10:00Z"], ["2026-03-04T21:59:59Z", "x", ""]),
        ({"$|hour|gte": 22}, ["2026-03-04T23:10:00Z"], ["2026-03-04T21:59:59Z"]),
        ({"$|minute": 10}, ["2026-03-04T22:10:00Z"], ["2026-03-04T22:11:00Z"]),
        ({"$|day": 4}, ["2026-03-04T22:10:00Z"], ["2026-03-05T22:10:00Z"]),
        ({"$|week": 10}, ["2026-03-04T22:10:00Z"], ["2026-03-14T22:10:00Z"]),
        ({"$|month": 3}, ["2026-03-04T22:10:00Z"], ["2026-04-04T22:10:00Z"]),
        ({"$|year": 2026}, ["2026-03-04T22:10:00Z"], ["2025-03-04T22:10:00Z"]),
        ({"$": None}, [""], ["x"]),
        ({"$": ""}, [""], ["x"]),
        ({"$|exists": True}, ["x"], [""]),
        ({"$|exists": False}, [""], ["x"]),
    ],
)
def test_modifiers(engine: Columns, item: dict[str, Any], hit: list[str], miss: list[str]) -> None:
    assert which(engine, [*hit, *miss], item) == [True] * len(hit) + [False] * len(miss)


@pytest.mark.parametrize("pattern", ["*a*b", "a*b*"])
def test_bytes_that_are_not_utf8_hide_nothing(engine: Columns, pattern: str) -> None:
    where = predicate_for({"selection": {"user": pattern}}).where
    query = compose(
        "SELECT count() AS n FROM (SELECT concat('a', unhex('ff'), 'b') AS user) WHERE {where}", where=where
    )
    assert engine.fetch(query)[0]["n"] == 1


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"$|re": "x" * 20_000}, "10000 are allowed"),
        ({"$|expand": "%admins%"}, "%admins% is not defined"),
    ],
)
def test_what_has_no_meaning_is_refused(item: dict[str, Any], reason: str) -> None:
    with pytest.raises(RuleError, match=reason):
        predicate_for({"selection": json.loads(json.dumps(item).replace("$", "user"))})
