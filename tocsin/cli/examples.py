"""Runs rules' examples in a store made for it, through the formats that real senders' lines go through."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from tocsin.intake.formats.detect import detect
from tocsin.intake.formats.kubernetes_audit import KUBERNETES_AUDIT
from tocsin.intake.formats.table import format_named
from tocsin.kit.clock import SystemClock
from tocsin.model.errors import InvalidInput, Location, RuleError
from tocsin.rules.book import RuleBook
from tocsin.rules.unit_tests import Load, Located, Outcome, example_files, read_examples, run
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
        load, now = loader(columns), SystemClock().now()
        for each in located:
            # Evaluated alone, a rule takes a fraction of the time; only what fails is put before all of them.
            outcomes = list(run(columns, load, _needed(book, each.examples.rule), [each], now))
            failed = not all(outcome.passed for outcome in outcomes)
            yield from run(columns, load, book, [each], now) if failed else outcomes
    finally:
        columns.close()


def _needed(book: RuleBook, rule_id: str) -> RuleBook:
    """Return the part of a book that a rule needs: itself, and what a correlation refers to."""
    rule = book.find(rule_id)
    wanted = {rule.id} if rule else set()
    for correlation in reversed(book.correlations):  # Each stands after those that it refers to.
        if correlation.id in wanted:
            wanted.update(correlation.bases)
    return RuleBook(
        tuple(each for each in book.rules if each.id in wanted),
        tuple(each for each in book.correlations if each.id in wanted),
    )


def loader(columns: Columns) -> Load:
    """Return what stores an example's lines. It raises InvalidInput for lines that a server would reject."""
    committer, numbers = Committer(columns, "examples"), itertools.count(1)

    def load(lines: bytes, table: str) -> None:
        now = SystemClock().now()
        done = committer.commit(next(numbers), [Delivery(_format(lines, table), lines, now, {})], now)
        if done.receipts[0].rejected:
            raise InvalidInput("an example holds an event that would be rejected; see `tocsin ingest`")

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
