"""Runs rules' examples in a store made for it, through the formats that real senders' lines go through."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tocsin.intake.formats.detect import detect
from tocsin.intake.formats.kubernetes_audit import KUBERNETES_AUDIT
from tocsin.intake.formats.table import format_named
from tocsin.kit.clock import SystemClock
from tocsin.model.errors import Location, RuleError
from tocsin.rules.book import RuleBook
from tocsin.rules.unit_tests import Lines, Load, Located, Outcome, example_files, read_examples, run
from tocsin.store.base import Columns, Delivery, RowFormat
from tocsin.store.committer import Committer
from tocsin.testing.stores import fresh_columns


def find_examples(places: Iterable[Path]) -> tuple[list[Located], list[RuleError]]:
    """Return the examples at `places`, and what is wrong with the files that cannot be read."""
    located, errors = list[Located](), list[RuleError]()
    for path in example_files(places):
        try:
            located.append(read_examples(str(path), _text(path)))
        except RuleError as error:
            errors.append(error)
    return located, errors


def run_examples(book: RuleBook, located: Iterable[Located]) -> Iterator[Outcome]:
    """Yield what became of every example."""
    columns = fresh_columns()
    try:
        yield from run(columns, loader(columns), book, located, SystemClock().now())
    finally:
        columns.close()


def loader(columns: Columns) -> Load:
    """Return what stores examples' lines as a server would, all of one call as one batch."""
    committer, numbers = Committer(columns, "examples"), itertools.count(1)

    def load(examples: Sequence[Lines]) -> None:
        now = SystemClock().now()
        deliveries = [
            Delivery(_format(each.payload, each.table), each.payload, now, {"cluster": each.cluster})
            for each in examples
        ]
        committer.commit(next(numbers), deliveries, now)

    return load


def _format(lines: bytes, table: str) -> RowFormat:
    if table == KUBERNETES_AUDIT.table:
        return KUBERNETES_AUDIT
    found = format_named(detect(lines))
    return found if found.table == table else format_named("json-lines")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"cannot be read: {error}", Location(str(path))) from None
