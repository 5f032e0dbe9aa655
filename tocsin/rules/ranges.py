"""Which batches an evaluation covers, and how far the writers have come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.store.base import Columns
from tocsin.store.sql import Sql, bind, compose, join


@dataclass(frozen=True, slots=True)
class Range:
    """Batches `(after, upto]` of each writer.

    Attributes:
        after: Per writer, the last batch already evaluated; a writer not named begins at 0.
        upto: Per writer, the last batch to evaluate.
    """

    after: Mapping[str, int]
    upto: Mapping[str, int]

    def __bool__(self) -> bool:
        return any(last > self.after.get(writer, 0) for writer, last in self.upto.items())

    def condition(self) -> Sql:
        """A condition on `writer` and `batch`: the row is of the range."""
        parts = [
            compose(
                "(writer = {writer} AND batch > {first} AND batch <= {last})",
                writer=bind(writer),
                first=bind(self.after.get(writer, 0), "UInt64"),
                last=bind(last, "UInt64"),
            )
            for writer, last in sorted(self.upto.items())
            if last > self.after.get(writer, 0)
        ]
        return compose("({parts})", parts=join(" OR ", parts, empty="0"))


def committed(columns: Columns, after: Mapping[str, int], rows: int) -> dict[str, int]:
    """Return, per writer, how far the next evaluation goes: committed batches of about `rows` events in all.

    A writer without new batches is left out. At least one batch of each other writer is taken, however big.
    """
    seen = Range(after, dict.fromkeys(after, 2**63))
    query = compose(
        """SELECT writer, max(batch) AS last FROM (
            SELECT writer, batch, sum(arraySum(mapValues(rows))) OVER (ORDER BY first, writer, batch) AS total,
                row_number() OVER (PARTITION BY writer ORDER BY batch) AS nth
            FROM (SELECT writer, batch, any(rows) AS rows, min(ingested) AS first FROM batches
                WHERE {unseen} GROUP BY writer, batch)
        ) WHERE total <= {rows} OR nth = 1 GROUP BY writer""",
        unseen=_unseen(seen, list(after)),
        rows=bind(rows, "UInt64"),
    )
    return {str(row["writer"]): int(row["last"]) for row in columns.fetch(query)}


def _unseen(seen: Range, known: list[str]) -> Sql:
    return compose("({new} OR writer NOT IN {known})", new=seen.condition(), known=bind(known))
