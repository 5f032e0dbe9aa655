"""The one evaluation of all stream rules: live detection, unit tests and backtests call it over different ranges.

For each table one query tells which rules the range can concern, and one finds every row that any of them matches; a
further step, over those rows only, writes what the rules say about them. Then the correlations whose base rules matched
look at the windows around the new matches. What was found is stored in `detections` and handed over as signals.

Evaluating the same range again, after a crash, stores nothing twice and returns the same signals: they come from the
matches of the range, not from what was newly stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tocsin.model.alerts import Tick
from tocsin.rules import matching, windows
from tocsin.rules.book import RuleBook
from tocsin.rules.candidates import Candidates
from tocsin.rules.correlating import INVOLVED_TABLE, Bounds, correlate
from tocsin.rules.ranges import Range
from tocsin.rules.signals import read_signals
from tocsin.store.base import Columns, parse_time
from tocsin.store.sql import Sql

# Two hundred rules make a query longer and more branched than the engine's defaults allow.
_SETTINGS = ("max_query_size = 67108864", "max_ast_elements = 10000000", "max_expanded_ast_elements = 10000000")
_TABLES = (matching.FOUND_TABLE, windows.BASES_TABLE, INVOLVED_TABLE)


class Detector:
    """Evaluates a rule book over the columnar store. No evaluation depends on one before it.

    Args:
        columns: The store. Temporary tables of the calling thread's session are used, so any thread may call.
        book: The rules.
        label_sets: Signals that one rule may raise per evaluation; see `RulesSettings.label_sets`.
        matched: Told after each evaluation how many events each rule found, by rule id (for metrics).
    """

    def __init__(
        self,
        columns: Columns,
        book: RuleBook,
        *,
        label_sets: int = 500,
        matched: Callable[[Mapping[str, int]], None] = lambda _: None,
    ) -> None:
        self._columns = columns
        self._book = book
        self._label_sets = label_sets
        self._matched = matched
        self._rules = {rule.id: rule for rule in book.all()}
        self._tables = [Candidates(table, book.of(table)) for table in book.tables()]

    def evaluate(self, after: Mapping[str, int], upto: Mapping[str, int], now: datetime) -> Tick:
        """Evaluate the batches `(after, upto]` of each writer. Blocks.

        Args:
            after: Per writer, the watermark: the last batch already evaluated.
            upto: Per writer, the last batch to look at; it must be committed.
            now: The time of the evaluation, UTC.

        Raises:
            StoreFailed, StorageFull: The store failed; the same range can be evaluated again.
        """
        span = Range(after, upto)
        watermarks = {**after, **{w: max(b, after.get(w, 0)) for w, b in upto.items()}}
        if not span or not self._book.rules:
            return Tick((), watermarks, now)
        passes = [ready for rules in self._tables if (ready := rules.among(self._columns, span))]
        if not passes:
            return Tick((), watermarks, now)
        self._prepare()
        since = [began for ready in passes if (began := matching.find(self._columns, ready, span))]
        if not since:
            return Tick((), watermarks, now)
        matching.record(self._columns, min(since))
        found = self._found()
        for rule in self._book.correlations:
            bounds = _around([found[base].bounds for base in rule.bases if base in found])
            if bounds and correlate(self._columns, rule, bounds, span):
                found = self._found()
        signals = read_signals(self._columns, self._rules, self._label_sets)
        self._columns.run(Sql("TRUNCATE TABLE rule_found"))
        self._matched({rule_id: each.count for rule_id, each in found.items()})
        return Tick(signals, watermarks, now)

    def _prepare(self) -> None:
        for setting in _SETTINGS:
            self._columns.run(Sql(f"SET {setting}"))
        for statement in (*_TABLES, *(matching.hits_table(table) for table in self._book.tables())):
            self._columns.run(Sql(statement))
        self._columns.run(Sql("TRUNCATE TABLE rule_found"))

    def _found(self) -> dict[str, _Found]:
        query = (
            "SELECT rule_id, count() AS number, min(time) AS first, max(time) AS last FROM rule_found GROUP BY rule_id"
        )
        return {
            str(row["rule_id"]): _Found(
                int(row["number"]), Bounds(parse_time(str(row["first"])), parse_time(str(row["last"])))
            )
            for row in self._columns.fetch(Sql(query))
        }


@dataclass(frozen=True, slots=True)
class _Found:
    count: int
    bounds: Bounds


def _around(bounds: Sequence[Bounds]) -> Bounds | None:
    return Bounds(min(b.first for b in bounds), max(b.last for b in bounds)) if bounds else None
