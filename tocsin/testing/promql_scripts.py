"""Test scripts for PromQL: samples that are loaded, queries, and what they must answer. docs/reference/promql.md.

    load 30s
      requests_total{path="/"} 0+10x10

    eval instant at 5m rate(requests_total[1m])
      {path="/"} 0.33333

    eval range from 0 to 1m step 30s sum(requests_total)
      {} 0 10 20

Lines below an `eval` say what is expected: series, one number for a scalar, `string "..."`, or `fail` (with a part of
the message), `warning`, `info`, `ordered`, `nothing`. `clear` forgets the samples. `#` begins a comment line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tocsin.kit.units import Duration
from tocsin.model.errors import InvalidInput
from tocsin.model.labels import Labels
from tocsin.query.promql import MemorySource, QueryError, Result, SampleSource, instant_query, parse, range_query
from tocsin.query.promql.nodes import Selector
from tocsin.query.promql.source import STALE_BITS
from tocsin.query.promql.values import Floats, Integers, Ranges, Scalar, Text, Vector, show

TOLERANCE = 1e-6
"""Relative difference between an expected and an answered value that is let pass."""

_INSTANT = re.compile(r"eval instant at (\S+) (.+)", re.DOTALL)
_RANGE = re.compile(r"eval range from (\S+) to (\S+) step (\S+) (.+)", re.DOTALL)
_SERIES = re.compile(r"(\{.*\}|[a-zA-Z_:][\w:]*(?:\{.*\})?)(?:\s+(.*))?", re.DOTALL)
_REPEATED = re.compile(r"(?P<first>[-+]?[\w.]+?)(?:(?P<step>[-+][\d.]+(?:e[-+]?\d+)?))?x(?P<times>\d+)", re.ASCII)


class ScriptError(InvalidInput):
    """A script is not written as it should be."""


@dataclass(frozen=True, slots=True)
class Load:
    """Samples that are added.

    Attributes:
        interval: Milliseconds between two of a series.
        series: Label sets, and their samples; None where there is none.
    """

    interval: int
    series: Sequence[tuple[Labels, Sequence[float | None]]]


@dataclass(frozen=True, slots=True)
class Clear:
    """All samples are forgotten."""


@dataclass(slots=True)
class Eval:
    """A query and what it must answer; `end` and `step` are None in an instant query."""

    line: int
    query: str
    start: int
    end: int | None = None
    step: int | None = None
    series: list[tuple[Labels, list[float | None]]] = field(default_factory=list)
    scalar: float | None = None
    text: str | None = None
    fail: str | None = None
    warning: bool = False
    info: bool = False
    ordered: bool = False


Step = Load | Clear | Eval


@dataclass(frozen=True, slots=True)
class Case:
    """One `eval` and all that was loaded before it."""

    name: str
    loads: Sequence[Load]
    check: Eval

    def run(self, source: SampleSource | None = None) -> list[str]:
        """Evaluate over `source`, or over the loaded samples in memory; returns what is wrong with the answer."""
        return compare(self.check, source or memory(self.loads))


def memory(loads: Sequence[Load]) -> MemorySource:
    """A source with the loaded samples."""
    source = MemorySource()
    for load in loads:
        for labels, values in load.series:
            times, kept = samples(load, values)
            source.add(labels, times, kept)
    return source


def samples(load: Load, values: Sequence[float | None]) -> tuple[Integers, Floats]:
    """Times and values of the samples of a loaded series."""
    there = [index for index, value in enumerate(values) if value is not None]
    kept = np.array([values[index] for index in there], np.float64)
    return np.array(there, np.int64) * load.interval, kept


def read(path: Path) -> list[Case]:
    """Read a script file as cases, each with the file's name and line as its name."""
    cases: list[Case] = []
    loads: list[Load] = []
    for step in parse_script(path.read_text(), path.name):
        if isinstance(step, Clear):
            loads = []
        elif isinstance(step, Load):
            loads = [*loads, step]
        else:
            cases.append(Case(f"{path.name}:{step.line}: {step.query}", tuple(loads), step))
    return cases


def parse_script(text: str, file: str = "script") -> Iterator[Step]:
    """Read a script.

    Raises:
        ScriptError: A line is not understood; the message names it.
    """
    for line, head, body in _blocks(text):
        try:
            yield _step(line, head, body)
        except (ScriptError, QueryError, ValueError) as error:
            raise ScriptError(f"{file}:{line}: {error}") from None


def _blocks(text: str) -> Iterator[tuple[int, str, list[str]]]:
    head, body, at = "", [], 0  # type: tuple[str, list[str], int]
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace():
            body.append(line.strip())
            continue
        if head:
            yield at, head, body
        head, body, at = line.strip(), [], number
    if head:
        yield at, head, body


def _step(line: int, head: str, body: Sequence[str]) -> Step:
    if head == "clear":
        return Clear()
    if head.startswith("load "):
        return Load(_time(head.removeprefix("load ")), [_loaded(item) for item in body])
    if found := _INSTANT.fullmatch(head):
        check = Eval(line, found[2], _time(found[1]))
    elif found := _RANGE.fullmatch(head):
        check = Eval(line, found[4], _time(found[1]), _time(found[2]), _time(found[3]))
    else:
        raise ScriptError(f"expected load, eval instant, eval range or clear, found {head!r}")
    for item in body:
        _expect(check, item)
    return check


def _time(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    text = text.removeprefix("-")
    seconds = float(text) if re.fullmatch(r"[\d.]+", text) else Duration.parse(text).total_seconds()
    return sign * round(seconds * 1000)


def _loaded(text: str) -> tuple[Labels, list[float | None]]:
    labels, values = _series(text)
    return labels, list(_values(values))


def _series(text: str) -> tuple[Labels, str]:
    found = _SERIES.fullmatch(text)
    if not found:
        raise ScriptError(f"expected a series and its values, found {text!r}")
    if found[1] == "{}":
        return {}, found[2] or ""
    node = parse(found[1])
    if not isinstance(node, Selector) or any(matcher.op != "=" for matcher in node.matchers):
        raise ScriptError(f"expected a series, found {found[1]!r}")
    return {matcher.name: matcher.value for matcher in node.matchers}, found[2] or ""


def _values(text: str) -> Iterator[float | None]:
    """`1 2 3`, `0+10x5` (six values), `7x3` (four times 7), `_` for none, `_x3`, `stale`."""
    for word in text.split():
        if word.startswith("_"):
            yield from [None] * int(word.removeprefix("_").removeprefix("x") or 1)
        elif word == "stale":
            yield float(np.array(STALE_BITS, np.uint64).view(np.float64))
        elif found := _REPEATED.fullmatch(word):
            first, step = float(found["first"]), float(found["step"] or 0)
            yield from (first + step * index for index in range(int(found["times"]) + 1))
        else:
            yield float(word)


def _expect(check: Eval, text: str) -> None:
    word, _, rest = text.partition(" ")
    if word == "fail":
        check.fail = rest
    elif word == "string":
        check.text = rest.strip('"')
    elif word in ("warning", "info", "ordered"):
        setattr(check, word, True)
    elif word != "nothing":
        try:
            check.scalar = float(text)
        except ValueError:
            labels, values = _series(text)
            check.series.append((labels, list(_values(values))))


def compare(check: Eval, source: SampleSource) -> list[str]:
    """Evaluate the query; returns what is wrong with the answer, nothing if all is as expected."""
    try:
        result = _evaluate(check, source)
    except QueryError as error:
        if check.fail is not None and check.fail in str(error):
            return []
        return [f"failed: {error}"]
    if check.fail is not None:
        return ["expected to fail, but there is an answer"]
    problems = _different(check, result)
    for name, wanted, found in (("warning", check.warning, result.warnings), ("info", check.info, result.infos)):
        if wanted != bool(found):
            problems.append(f"expected {'a' if wanted else 'no'} {name}, found {list(found)}")
    return problems


def _evaluate(check: Eval, source: SampleSource) -> Result:
    if check.end is None or check.step is None:
        return instant_query(check.query, source, check.start)
    return range_query(check.query, source, check.start, check.end, check.step)


def _different(check: Eval, result: Result) -> list[str]:
    value = result.value
    if isinstance(value, Text):
        return [] if value.value == check.text else [f"expected {check.text!r}, found {value.value!r}"]
    if isinstance(value, Scalar):
        found = float(value.values[0])
        return [] if check.scalar is not None and close(check.scalar, found) else [f"found {found}"]
    if check.scalar is not None or check.text is not None:
        return ["expected a scalar or string, found series"]
    rows = list(_rows(value))
    return _different_series(check, rows)


def _rows(value: Vector | Ranges) -> Iterator[tuple[Labels, list[float | None]]]:
    for row, labels in enumerate(value.labels):
        if isinstance(value, Ranges):
            if value.low[row, 0] < value.high[row, 0]:
                yield labels, list(value.values[value.low[row, 0] : value.high[row, 0]].tolist())
        else:
            there = value.present[row].tolist()
            yield labels, [v if p else None for v, p in zip(value.values[row].tolist(), there, strict=True)]


def _different_series(check: Eval, rows: Sequence[tuple[Labels, list[float | None]]]) -> list[str]:
    if check.ordered and [dict(labels) for labels, _ in rows] != [dict(labels) for labels, _ in check.series]:
        return [f"expected another order, found {[show(labels) for labels, _ in rows]}"]
    answered = {frozenset(labels.items()): values for labels, values in rows}
    problems = []
    for labels, wanted in check.series:
        found = answered.pop(frozenset(labels.items()), None)
        if found is None:
            problems.append(f"expected {show(labels)}, which is not in the answer")
        elif not _all_close(wanted, found):
            problems.append(f"expected {show(labels)} {wanted}, found {found}")
    problems += [f"did not expect {show(dict(labels))} {values}" for labels, values in answered.items()]
    return problems


def _all_close(wanted: Sequence[float | None], found: Sequence[float | None]) -> bool:
    while wanted and wanted[-1] is None and len(wanted) > len(found):
        wanted = wanted[:-1]
    padded = [*wanted, *[None] * (len(found) - len(wanted))]
    return len(padded) == len(found) and all(map(close, padded, found))


def close(wanted: float | None, found: float | None) -> bool:
    """Whether two values are the same, but for errors of floating point."""
    if wanted is None or found is None:
        return wanted is found
    if math.isnan(wanted) or math.isnan(found):
        return math.isnan(wanted) and math.isnan(found)
    return math.isclose(wanted, found, rel_tol=TOLERANCE, abs_tol=1e-12)
