"""What the other rooms may ask of the columnar store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from tocsin.store.sql import Sql


@dataclass(frozen=True, slots=True)
class Budget:
    """What one query may use before it is stopped with `BudgetExceeded`; the server goes on.

    Attributes:
        memory: Bytes of the engine's memory.
        rows: Rows read; 0 means no limit.
        seconds: Wall time.
    """

    memory: int = 1 << 30
    rows: int = 0
    seconds: float = 30.0


DEFAULT_BUDGET = Budget()
INTERNAL_BUDGET = Budget(memory=4 << 30, rows=0, seconds=600.0)
"""For our own work: writing, rules, migrations."""

NO_SETTINGS: Mapping[str, str] = {}


class Columns(Protocol):
    """The columnar store. Calls block, so they are made from worker threads; any number of threads may call at once.

    Each thread has a session of its own, in which temporary tables live. A failed statement leaves the session usable.
    All methods raise `BudgetExceeded`, `InvalidInput` (a query the engine refuses), `StorageFull` or `StoreFailed`.
    """

    def run(self, statement: Sql, budget: Budget = INTERNAL_BUDGET) -> None:
        """Run a statement that returns nothing."""
        ...

    def fetch(self, query: Sql, budget: Budget = DEFAULT_BUDGET) -> list[dict[str, Any]]:
        """Return the rows, each a dict by column name.

        Integers come as int (64 bits included), DateTime64 as ISO 8601 text ending in `Z` (see `parse_time`), Map as
        dict, Array as list, NaN and infinities as None.
        """
        ...

    def stream(self, query: Sql, budget: Budget = DEFAULT_BUDGET) -> Iterator[bytes]:
        """Yield the result as chunks of JSON lines, never holding all of it. A chunk may end within a line."""
        ...

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        format_: str,
        payload: bytes,
        settings: Mapping[str, str] = NO_SETTINGS,
    ) -> None:
        """Insert `payload`, which is in the engine's input format `format_` (`RowBinary`, `JSONEachRow`...).

        `settings` are the format's, such as `format_schema`; they are code and must hold no outside text.
        """
        ...

    def close(self) -> None:
        """Close every session; the store cannot be used afterwards."""
        ...


def parse_time(text: str) -> datetime:
    """Read a DateTime64 as `Columns.fetch` gives it."""
    return datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class RowFormat:
    """How the engine turns delivered bytes of one wire format into rows of one table.

    The writer stages deliveries in the temporary table `staged(delivery UInt32, format String, received
    DateTime64(6,'UTC'), context Map(String,String), body String)` and runs
    `WITH <let> SELECT <columns> ... FROM (<rows>)`, so every expression may use `line` and all that `let` defines,
    `context` (facts about the delivery: `cluster`, `source`, `path`, `namespace`...) and `received`.

    Attributes:
        name: The format's name, as `context`, metrics and `tocsin ingest --format` know it.
        table: The table its rows go to: a key of `schema.tables.TABLES`.
        columns: Column name to SQL expression; columns left out get the table's default.
        reject: An expression that is '' for a good row, else the reason why the row goes into `rejected`.
        let: Common expressions, `(name, expression)` in order; later ones may use earlier ones.
        rows: A query over `staged` that yields at least `delivery, received, context, line`, and what else the
            expressions use; the placeholder `{staged}` is the source. By default one row per non-empty line of `body`.
    """

    name: str
    table: str
    columns: Mapping[str, str]
    reject: str
    let: Sequence[tuple[str, str]] = ()
    rows: str = (
        "SELECT delivery, received, context, arrayJoin(splitByChar('\\n', body)) AS line FROM {staged} "
        "WHERE NOT match(line, '^[ \\t\\r]*$')"
    )


@dataclass(frozen=True, slots=True)
class Delivery:
    """Bytes of one sender, not yet parsed.

    Attributes:
        format: How to read them.
        payload: Whole records, one a line (the last line's end may be missing).
        received: When they arrived, UTC.
        context: Facts that hold for all of them: `cluster`, `source`, `path`...
        token: A sender's own id of this delivery; a delivery with a token seen before is acknowledged, not stored.
    """

    format: RowFormat
    payload: bytes
    received: datetime
    context: Mapping[str, str] = field(default_factory=dict)
    token: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery, all of it on disk.

    Attributes:
        batch: The number of the batch it was committed in, by this writer.
        accepted: Rows stored.
        duplicates: Rows dropped because the same event (or the same token) was stored before.
        rejected: Rows kept in `rejected` with a reason.
    """

    batch: int
    accepted: int
    duplicates: int = 0
    rejected: int = 0


class Intake(Protocol):
    """Where receivers and collectors hand over what they got."""

    async def submit(self, delivery: Delivery) -> Receipt:
        """Store a delivery and return once it is on disk.

        Raises:
            Overloaded: The queue is full; nothing was kept.
            StorageFull: The disk is nearly full; nothing was kept.
            StoreFailed: The engine failed; nothing was acknowledged.
        """
        ...
