"""YAML keeps its places, and no file gets past as anything but documents or an error with a place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.kit.yaml_source import YamlError, parse_path, read_yaml

TEXT = """\
receivers:
  - name: oncall
    slack: {url: x}
"""


def test_values_know_their_places() -> None:
    (document,) = read_yaml(TEXT)
    assert document.value == {"receivers": [{"name": "oncall", "slack": {"url": "x"}}]}
    assert document.position(["receivers", 0, "slack", "url"]) == (3, 13)
    assert document.position(["receivers", 0, "name"]) == (2, 5)


def test_what_is_not_there_is_placed_at_its_parent() -> None:
    (document,) = read_yaml(TEXT)
    assert document.position(["receivers", 0, "nothing", "more"]) == (2, 5)
    assert document.position(["receivers", 7]) == (1, 1)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: 1\nb: [", 3, 1),
        ("a: 1\na: 2\n", 2, 1),
        ("a:\n\tb: 1\n", 2, 1),
        ("a: !!python/object:os.system x\n", 1, 4),
        ("x: *nope\n", 1, 4),
        ("? {a: 1}\n: 2\n", 1, 3),
    ],
)
def test_what_is_wrong_has_a_place(text: str, line: int, column: int) -> None:
    with pytest.raises(YamlError) as caught:
        read_yaml(text)
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize("text", ["[" * 102 + "]" * 102, "[" * 100_000, "{a: " * 100_000, "- " * 50_000])
def test_depth_is_limited(text: str) -> None:
    with pytest.raises(YamlError, match=r"deep|nesting depth"):
        read_yaml(text)


@pytest.mark.parametrize("text", ['a: "\x00"', "a: \x07", "a: 2026-13-45", '"\\ud800": 1'])
def test_characters_and_values_that_are_none_are_errors(text: str) -> None:
    with pytest.raises(YamlError):
        read_yaml(text)


@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"\\ \n\t#?%@`0é\x00"), max_size=40))
def test_any_text_is_documents_or_an_error(text: str) -> None:
    try:
        places = [document.position(["a", 0, "b"]) for document in read_yaml(text)]
    except YamlError as error:
        places = [(error.line, error.column)]
    assert all(line >= 1 and column >= 1 for line, column in places)


def test_paths_of_error_messages_are_read() -> None:
    assert parse_path("$.receivers[0].slack.url") == ["receivers", 0, "slack", "url"]
