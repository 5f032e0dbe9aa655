"""The settings file: every mistake is told with file, line, column and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.app.settings import Settings, find, load, parse
from tocsin.model.errors import SettingsError

_MISTAKES = [
    ("listen: 9319\n", 1, 1, "listen", "str"),
    ("listen: nowhere\n", 0, 0, "listen", "host:port"),
    ("stor: {}\n", 1, 1, "stor", "no setting"),
    ("store:\n  retention:\n    security: 30\n", 3, 5, "store.retention.security", "duration"),
    ("store:\n  disk_reserve: lots\n", 2, 3, "store.disk_reserve", "size"),
    ("receivers:\n- name: a\n  slack:\n    uri: x\n", 4, 5, "receivers[0].slack.uri", "no setting"),
    ("receivers:\n- slack:\n    url: https://x.example\n", 2, 3, "receivers[0]", "'name' is missing"),
    ("a: [1\n", 2, 1, "", "YAML"),
    ("data: x\ndata: y\n", 2, 1, "", "twice"),
]


@pytest.mark.parametrize(("text", "line", "column", "key", "says"), _MISTAKES)
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path, text: str, line: int, column: int, key: str, says: str
) -> None:
    """A person finds the line at once."""
    path = tmp_path / "tocsin.yaml"
    path.write_text(text)

    with pytest.raises(SettingsError, match=says) as wrong:
        load(path)

    assert wrong.value.location is not None
    assert wrong.value.location.file == str(path)
    assert (wrong.value.location.line, wrong.value.location.column) == (line, column)
    assert wrong.value.key == key


def test_no_file_means_defaults(tmp_path: Path) -> None:
    """`tocsin run` works without any file: loopback, ./tocsin-data."""
    assert find(None, {}) is None or Path("tocsin.yaml").exists()
    assert load(None) == Settings()
    assert Settings().listen == "127.0.0.1:9319"
    assert Settings().data == "./tocsin-data"
    assert parse("", "x") == Settings()


def test_overrides_win(tmp_path: Path) -> None:
    """The command line beats the file; what it does not say stays."""
    path = tmp_path / "tocsin.yaml"
    path.write_text("data: /a\nlisten: 127.0.0.1:1\n")

    settings = load(path, {"data": "/b", "listen": None})

    assert (settings.data, settings.listen) == ("/b", "127.0.0.1:1")


def test_a_secret_comes_from_its_file_and_never_into_a_message(tmp_path: Path) -> None:
    """`state_url_file` beside `state_url`; a missing file is told by its key."""
    secret = tmp_path / "url"
    secret.write_text("postgresql://u:hunter2@h/d\n")
    path = tmp_path / "tocsin.yaml"
    path.write_text("store:\n  state_url_file: url\n")
    assert load(path).store.state_url == "postgresql://u:hunter2@h/d"

    path.write_text("store:\n  state_url_file: gone\n")
    with pytest.raises(SettingsError, match="gone") as missing:
        load(path)
    assert missing.value.key == "store.state_url_file"

    path.write_text("store:\n  state_url: sqlite:///hunter2\n  state_url_file: url\n")
    with pytest.raises(SettingsError, match="not both") as both:
        load(path)
    assert "hunter2" not in str(both.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    """Missing or not UTF-8."""
    path = tmp_path / "tocsin.yaml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SettingsError, match=r"cannot be read|not UTF-8"):
        load(path)
