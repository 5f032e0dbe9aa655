"""Turns the deliveries of one batch into stored rows: stage, parse, drop duplicates, insert, record the batch.

All of it is a dozen statements to the engine, whatever the number of rows. The temporary tables live in the session of
the calling thread, so one committer belongs to one thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tocsin.store.base import Columns, Delivery, Receipt, RowFormat, parse_time
from tocsin.store.schema.tables import AUDIT, LOGS, ORIGIN, Table
from tocsin.store.sql import Sql, bind, compose, join
from tocsin.store.staging import STAGED_COLUMNS, STAGED_TABLE, encode

_TARGETS = {table.name: table for table in (AUDIT, LOGS)}
_ORIGIN = [column.name for column in ORIGIN]
_EXTRA = (
    "`_delivery` UInt32, `_format` LowCardinality(String), `_source` String, `_reason` LowCardinality(String), "
    "`_rejected` String"
)
_EXTRA_NAMES = ("_delivery", "_format", "_source", "_reason", "_rejected")
_KEPT_OF_REJECTED = 65536
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
# The indexes of small fresh parts are left to the merges; see docs/architecture.md for the figures.
_FAST = "SETTINGS materialize_skip_indexes_on_insert = 0, max_insert_threads = 1"


@dataclass(frozen=True, slots=True)
class Committed:
    """A batch on disk.

    Attributes:
        receipts: One per delivery, in their order.
        rows: Rows stored, by table (`rejected` included).
        first_time, last_time: Range of the stored events' own times; None if there are none.
    """

    receipts: tuple[Receipt, ...]
    rows: Mapping[str, int]
    first_time: datetime | None
    last_time: datetime | None


@dataclass(slots=True)
class _Tally:
    """Rows by delivery and fate, while a batch is committed."""

    parsed: dict[int, int]
    stored: dict[int, int]
    rejected: dict[int, int]


class Committer:
    """Commits batches for one writer.

    Args:
        columns: The store.
        writer: The writer's name, stored in every row.
    """

    def __init__(self, columns: Columns, writer: str) -> None:
        self._columns = columns
        self._writer = writer

    def commit(self, batch: int, deliveries: Sequence[Delivery], now: datetime) -> Committed:
        """Store `deliveries` as batch number `batch`. When this returns, all rows are on disk.

        Raises StorageFull or StoreFailed; some rows may then be stored under this number, unacknowledged. A repeated
        delivery finds its audit events by (auditID, stage) and stores only the others.
        """
        self._prepare()
        try:
            self._columns.insert("staged", STAGED_COLUMNS, "RowBinary", encode(enumerate(deliveries)))
            formats = {delivery.format.name: delivery.format for delivery in deliveries}
            for row_format in formats.values():
                self._parse(batch, row_format)
            return self._store(batch, deliveries, sorted({f.table for f in formats.values()}), now)
        finally:
            self._clear()

    def _store(self, batch: int, deliveries: Sequence[Delivery], tables: Sequence[str], now: datetime) -> Committed:
        tally = _Tally({}, {}, {})
        rows: dict[str, int] = {}
        spans: list[tuple[datetime, datetime]] = []
        for name in tables:
            _count(tally.rejected, self._reject(name))
            facts = self._facts(name)
            _count(tally.parsed, facts)
            if not facts:
                continue
            stored = self._insert(name, facts)
            _count(tally.stored, stored)
            rows[name] = sum(int(row["rows"]) for row in stored)
            spans += [(parse_time(str(row["first"])), parse_time(str(row["last"]))) for row in facts]
        if rejected := sum(tally.rejected.values()):
            rows["rejected"] = rejected
        first, last = (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else (None, None)
        self._record(batch, rows, [d.token for d in deliveries if d.token], first, last, now)
        receipts = tuple(
            Receipt(
                batch,
                accepted=tally.stored.get(number, 0),
                duplicates=tally.parsed.get(number, 0) - tally.stored.get(number, 0),
                rejected=tally.rejected.get(number, 0),
            )
            for number in range(len(deliveries))
        )
        return Committed(receipts, rows, first, last)

    def _prepare(self) -> None:
        self._columns.run(Sql(STAGED_TABLE))
        for table in _TARGETS.values():
            columns = ", ".join(f"`{c.name}` {c.type}" for c in table.columns)
            self._columns.run(
                Sql(f"CREATE TEMPORARY TABLE IF NOT EXISTS parsed_{table.name} ({_EXTRA}, {columns}) ENGINE = Memory")
            )

    def _clear(self) -> None:
        for name in ("staged", *(f"parsed_{table}" for table in _TARGETS)):
            self._columns.run(Sql(f"TRUNCATE TABLE IF EXISTS {name}"))

    def _parse(self, batch: int, row_format: RowFormat) -> None:
        self._columns.run(parse_statement(row_format, self._writer, batch))

    def _reject(self, table: str) -> list[dict[str, int]]:
        counts = self._columns.fetch(
            Sql(
                f"SELECT _delivery AS delivery, count() AS rows FROM parsed_{table} WHERE _reason != '' "
                "GROUP BY delivery"
            )
        )
        if counts:
            self._columns.run(
                Sql(
                    f"INSERT INTO rejected ({', '.join(_ORIGIN)}, format, source, reason, line) "
                    f"SELECT {', '.join(_ORIGIN)}, _format, _source, _reason, _rejected "
                    f"FROM parsed_{table} WHERE _reason != ''"
                )
            )
        return counts

    def _facts(self, table: str) -> list[dict[str, str | int]]:
        return self._columns.fetch(
            Sql(
                "SELECT _delivery AS delivery, count() AS rows, min(time) AS first, max(time) AS last "
                f"FROM parsed_{table} WHERE _reason = '' GROUP BY delivery"
            )
        )

    def _insert(self, table: str, facts: Sequence[Mapping[str, str | int]]) -> Sequence[Mapping[str, str | int]]:
        """Insert the good rows of `parsed_<table>` and return how many went in per delivery."""
        names = ", ".join(f"`{name}`" for name in _TARGETS[table].column_names())
        good = Sql(f"parsed_{table} WHERE _reason = ''")
        if table == AUDIT.name:
            condition = self._duplicates(facts)
            if condition is not None:
                good = compose("parsed_audit WHERE _reason = '' AND {new} LIMIT 1 BY audit_id, stage", new=condition)
                facts = self._columns.fetch(
                    compose(
                        "SELECT delivery, count() AS rows FROM (SELECT _delivery AS delivery FROM {good}) "
                        "GROUP BY delivery",
                        good=good,
                    )
                )
        self._columns.run(compose(f"INSERT INTO {table} ({names}) {_FAST} SELECT {names} FROM {{good}}", good=good))
        return facts

    def _duplicates(self, facts: Sequence[Mapping[str, str | int]]) -> Sql | None:
        """Return the condition of rows not stored yet, or None if all are new and differ from each other."""
        stored = compose(
            "SELECT audit_id, stage FROM audit WHERE time BETWEEN {first} AND {last} "
            "AND audit_id GLOBAL IN (SELECT audit_id FROM parsed_audit WHERE _reason = '')",
            first=bind(min(parse_time(str(row["first"])) for row in facts)),
            last=bind(max(parse_time(str(row["last"])) for row in facts)),
        )
        (found,) = self._columns.fetch(
            compose(
                "SELECT (SELECT count() FROM ({stored})) AS stored, "
                "count() - uniqExact(audit_id, stage) AS repeated FROM parsed_audit WHERE _reason = ''",
                stored=stored,
            )
        )
        if not found["stored"] and not found["repeated"]:
            return None
        return compose("(audit_id, stage) GLOBAL NOT IN ({stored})", stored=stored)

    def _record(
        self,
        batch: int,
        rows: Mapping[str, int],
        tokens: Sequence[str],
        first: datetime | None,
        last: datetime | None,
        now: datetime,
    ) -> None:
        counts = join(", ", (compose("{name}, {n}", name=bind(k), n=bind(v)) for k, v in sorted(rows.items())))
        self._columns.run(
            compose(
                "INSERT INTO batches (writer, batch, ingested, cluster, rows, tokens, first_time, last_time) "
                "SELECT {writer}, {batch}, {now}, '', CAST(map({counts}), 'Map(String, UInt64)'), "
                "{tokens}, {first}, {last}",
                writer=bind(self._writer),
                batch=bind(batch),
                now=bind(now),
                counts=counts,
                tokens=bind(tokens),
                first=bind(first or _NEVER),
                last=bind(last or _NEVER),
            )
        )


def parse_statement(row_format: RowFormat, writer: str, batch: int) -> Sql:
    """Return the statement that parses the staged deliveries of `row_format` into `parsed_<table>`."""
    table: Table = _TARGETS[row_format.table]
    given = [name for name in table.column_names() if name in row_format.columns]
    staged = compose("(SELECT * FROM staged WHERE format = {name})", name=bind(row_format.name))
    rows = Sql(row_format.rows.replace("{staged}", staged.text), staged.params)
    lets = "".join(f", {expression} AS {name}" for name, expression in row_format.let)
    expressions = ", ".join(row_format.columns[name] for name in given)
    return Sql(
        f"INSERT INTO parsed_{table.name} ({', '.join([*_EXTRA_NAMES, *_ORIGIN, *(f'`{n}`' for n in given)])}) "
        "SELECT delivery, "
        + compose("{f}", f=bind(row_format.name)).text
        + f", context['source'], reject_reason, if(reject_reason = '', '', substring(line, 1, {_KEPT_OF_REJECTED})), "
        + compose("{w}, {b}", w=bind(writer), b=bind(batch)).text
        + f", received, context['cluster'], {expressions} "
        f"FROM (SELECT *, {row_format.reject} AS reject_reason FROM (SELECT *{lets} FROM ({rows.text})))",
        {**rows.params, **bind(row_format.name).params, **bind(writer).params, **bind(batch).params},
    )


def _count(into: dict[int, int], rows: Sequence[Mapping[str, str | int]]) -> None:
    for row in rows:
        into[int(row["delivery"])] = into.get(int(row["delivery"]), 0) + int(row["rows"])
