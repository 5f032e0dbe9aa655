"""Tokens: what is printed once opens the door, and nothing else does."""

from __future__ import annotations

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
    assert token.rpartition("_")[2] not in line
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
        (TokenSettings(name="x", role="viewer"), "needs either"),
        (TokenSettings(name="x", role="viewer", hash="a", token="b" * 30), "needs either"),
        (TokenSettings(name="x", role="viewer", token="short"), "20 characters"),
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
