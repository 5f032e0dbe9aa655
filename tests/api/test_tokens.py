"""Tokens: what is printed once opens the door, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.api.settings import AuthSettings, TokenSettings
from tocsin.api.tokens import Principal, Role, TokenBook, make_token
from tocsin.model.errors import SettingsError


def book(*tokens: TokenSettings) -> TokenBook:
    return TokenBook(AuthSettings(tokens=list(tokens)))


@settings(max_examples=10, deadline=None)
@given(name=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40))
def test_the_printed_line_is_the_setting(name: str) -> None:
    token, line = make_token(name, Role.RESPONDER)
    entry = msgspec.convert(yaml.safe_load(line)[0], TokenSettings)
    assert entry.name == name
    assert token[len("tocsin_00000000_") :] not in line
    assert book(entry).check(token) == Principal(name, Role.RESPONDER)


def test_another_token_is_nobodys() -> None:
    first, line = make_token("a", Role.ADMIN)
    second, _ = make_token("a", Role.ADMIN)
    entry = msgspec.convert(yaml.safe_load(line)[0], TokenSettings)
    tokens = book(entry)
    same_id = first[: len("tocsin_00000000_")] + second[len("tocsin_00000000_") :]
    for wrong in ("", "x", second, same_id, first + "x", first.upper(), entry.hash, "\ud800"):
        assert tokens.check(wrong) is None


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (TokenSettings(name="x", role="viewer"), "needs one of"),
        (TokenSettings(name="x", role="viewer", hash="a", token="b" * 30), "needs one of"),
        (TokenSettings(name="x", role="viewer", token="short"), "20 characters"),
        (TokenSettings(name="x", role="viewer", token="b" * 30, token_file="/x"), "needs one of"),
        (TokenSettings(name="x", role="viewer", token_file="/nowhere/at/all"), "cannot read /nowhere/at/all"),
        (TokenSettings(name="x", role="viewer", token_file="/dev/null"), "20 characters"),
        (TokenSettings(name="x", role="viewer", hash="sha256$abc"), "not a hash"),
        (TokenSettings(name="x", role="viewer", hash=f"scrypt$31$8$1$00000000${'A' * 22}${'A' * 43}"), "not a hash"),
    ],
)
def test_an_ill_formed_token_is_refused_with_its_key(token: TokenSettings, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        book(token)
    assert caught.value.key.startswith("auth.tokens[0]")


def test_two_tokens_of_one_name_are_refused() -> None:
    twin = TokenSettings(name="x", role="viewer", token="b" * 30)
    with pytest.raises(SettingsError, match="two tokens"):
        book(twin, twin)


def test_a_token_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("b" * 30 + "\n")
    found = book(TokenSettings(name="x", role="intake", token_file=str(tmp_path / "token"))).check("b" * 30)
    assert found == Principal("x", Role.INTAKE)


def test_sessions_outlive_a_reload_but_not_a_changed_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    entry = TokenSettings(name="x", role="viewer", token_file=str(file))
    file.write_text("b" * 30)
    before = book(entry).sign(b"key")
    assert book(entry).sign(b"key") == before
    file.write_text("c" * 30)
    assert book(entry).sign(b"key") != before
