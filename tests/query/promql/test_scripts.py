"""PromQL by scripts: every case of tests/scripts/promql, on samples in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.testing.promql_scripts import Case, ScriptError, parse_script, read

_SCRIPTS = sorted((Path(__file__).resolve().parents[2] / "scripts" / "promql").glob("*.test"))
_CASES = [case for script in _SCRIPTS for case in read(script)]


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.name)
def test_script(case: Case) -> None:
    """The answer is the expected one."""
    assert case.run() == []


@pytest.mark.parametrize(
    "script",
    [
        "evaluate instant at 0 x",
        "load soon\n  x 1",
        "load 1m\n  x{a=~'b'} 1",
        "load 1m\n  x one",
        "eval instant at x 1",
    ],
)
def test_a_wrong_script_is_refused_with_its_line(script: str) -> None:
    """A typing error does not silently test nothing."""
    with pytest.raises(ScriptError, match=r"script:1: "):
        list(parse_script(script))


@pytest.mark.parametrize(
    "expectation",
    ["{} 3", '{a="b"} 2', "nothing", "2", 'string "2"', "fail", "{} 2\n  warning", "{} 2\n  info", "{} 2\n  {a='b'} 1"],
)
def test_a_wrong_expectation_is_found(expectation: str) -> None:
    """The runner can fail."""
    cases = list(parse_script(f"eval instant at 0 vector(2)\n  {expectation}"))

    assert len(cases) == 1
    assert Case("case", (), cases[0]).run() != []  # type: ignore[arg-type]
