"""Secrets are read from where they are, and are shown nowhere."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.model.errors import DeliveryFailed, SettingsError
from tocsin.notify.secrets import Secret, SecretiveSettings, check_url, mask, one_of, origin

HOOK = "https://hooks.slack.com/services/T000/B000/abcdefghijklmnopqrstuvwx?sig=0123456789abcdef0123"


def test_a_file_is_read_at_every_use_so_that_a_rotated_secret_counts(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("old\n")
    secret = Secret("key", file=str(file))
    assert secret.check() == secret.read() == "old"
    file.write_text("  new ")
    assert secret.read() == "new"


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "cannot read .*No such file"), (b" \n", "is empty"), (b"\xff\xfe", "not UTF-8")]
)
def test_an_unreadable_file_is_a_settings_error_first_and_worth_a_retry_later(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    secret = Secret("key", file=str(file))
    with pytest.raises(SettingsError, match=reason) as wrong:
        secret.check()
    assert wrong.value.key == "key_file"
    with pytest.raises(DeliveryFailed, match=reason) as failed:
        secret.read()
    assert failed.value.retry


def test_a_file_must_hold_a_url_where_one_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("hunter2-is-no-url")
    with pytest.raises(SettingsError, match="must be an address") as wrong:
        Secret("url", file=str(file), address=True).check()
    assert "hunter2" not in str(wrong.value)


def test_a_secret_is_given_once() -> None:
    one_of("a", "", "key")
    one_of("", "f", "key")
    one_of("", "", "key", required=False)
    with pytest.raises(ValueError, match="either `key` or `key_file`"):
        one_of("a", "f", "key")
    with pytest.raises(ValueError, match="is required"):
        one_of("", "", "key")


@pytest.mark.parametrize(
    "url", [HOOK, "http://10.1.2.3:8080", "https://user:pw@example.com/x", "http://[2001:db8::1]/"]
)
def test_addresses_that_can_be_posted_to(url: str) -> None:
    check_url(url, "url")


@pytest.mark.parametrize(
    "url",
    ["", "hooks.slack.com/x", "ftp://a/b", "https://", "https:///x", "http://a:0/", "http://a:99999/", "http://a/b c"],
)
def test_addresses_that_cannot(url: str) -> None:
    with pytest.raises(ValueError, match="`url` must be an address"):
        check_url(url, "url")


def test_settings_do_not_show_their_secrets() -> None:
    class Settings(SecretiveSettings, kw_only=True, frozen=True):
        password: str = ""
        password_file: str = ""
        user: str = ""

    assert repr(Settings(password="hunter2", user="me")) == (
        f"{Settings.__name__}(password='***', password_file='', user='me')"
    )
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"pasword": "x"}, Settings)


@pytest.mark.parametrize(
    "echo",
    [
        HOOK,
        "POST /services/T000/B000/abcdefghijklmnopqrstuvwx?sig=0123456789abcdef0123 failed",
        "no hook abcdefghijklmnopqrstuvwx",
        "bad sig: 0123456789abcdef0123",
        "https%3A%2F%2Fhooks.slack.com%2Fservices%2FT000%2FB000%2Fabcdefghijklmnopqrstuvwx%3Fsig%3D0123456789abcdef0123",
    ],
)
def test_no_part_of_a_secret_url_is_shown(echo: str) -> None:
    masked = mask(echo, [HOOK])
    assert "abcdefgh" not in masked
    assert "01234567" not in masked


def test_what_is_no_secret_is_left_alone() -> None:
    assert mask("hooks.slack.com said no", [HOOK, "", "no", "http://[x"]) == "hooks.slack.com said no"


@given(st.text(min_size=4, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_a_secret_is_never_left_in_a_text(secret: str, before: str, after: str) -> None:
    if secret in before + after or secret in "***":
        return
    assert secret not in mask(before + secret + after, [secret]).replace("***", "\x00")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (HOOK, "https://hooks.slack.com"),
        ("http://user:pw@10.0.0.7:8080/x", "http://10.0.0.7:8080"),
        ("http://[::/secret", "an address that cannot be read"),
        ("http://[2001:db8::1]:80/x", "http://[2001:db8::1]:80"),
        ("http://a:99999/secret", "an address that cannot be read"),
    ],
)
def test_only_the_origin_of_an_address_is_shown(url: str, shown: str) -> None:
    assert origin(url) == shown
