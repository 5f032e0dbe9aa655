"""What holds for every format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.intake.parsing import Parser
from tocsin.intake.formats.table import ALIASES, FORMATS, format_named
from tocsin.model.errors import InvalidInput

_NOISE = st.one_of(
    st.binary(max_size=60),
    st.text(alphabet='{}[]":,=\\ \t\0<>-I1123:.ZPFstdout', max_size=60).map(str.encode),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
    .map(json.dumps)
    .map(str.encode),
)
_SETTINGS = settings(max_examples=8, deadline=None)


@pytest.mark.parametrize("name", sorted(FORMATS))
@_SETTINGS
@given(lines=st.lists(_NOISE, max_size=30))
def test_no_bytes_fail_a_delivery(parse: Parser, name: str, lines: list[bytes]) -> None:
    assert parse(name, b"\n".join(lines)).receipt.batch


@pytest.mark.parametrize("name", sorted(FORMATS))
@_SETTINGS
@given(lines=st.lists(_NOISE.map(lambda line: b"x" + line.replace(b"\n", b"")), min_size=1, max_size=30))
def test_every_line_is_stored_or_rejected(parse: Parser, name: str, lines: list[bytes]) -> None:
    receipt = parse(name, b"\n".join(lines)).receipt
    assert receipt.accepted + receipt.rejected == len(lines)
    if FORMATS[name].table == "logs" and name not in ("journald", "falco", "kubernetes-events"):
        assert receipt.rejected == 0


def test_formats_are_found_by_name_and_alias() -> None:
    assert format_named("Docker_JSON") is FORMATS["docker-json"]
    assert all(format_named(alias) is FORMATS[name] for alias, name in ALIASES.items())
    with pytest.raises(InvalidInput, match="expected one of auto, aks"):
        format_named("xml")


def test_every_format_has_its_module_its_test_and_its_section() -> None:
    root = Path(__file__).parents[3]
    page = (root / "docs/reference/formats.md").read_text()
    for name in FORMATS:
        module = name.replace("-", "_")
        assert (root / f"tocsin/intake/formats/{module}.py").exists()
        assert (root / f"tests/intake/formats/test_{module}.py").exists()
        assert f"\n## `{name}`\n" in page
    for alias in ALIASES:
        assert f"`{alias}`" in page
