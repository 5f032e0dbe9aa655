"""Turns the bodies of one batch into series, samples, exemplars and metadata: stage, check, insert.

All of it is some twenty statements to the engine, whatever the number of samples. A series that was stored lately is
recognised by the hash of its labels as they stand on the wire, which saves sorting and checking them again: the
temporary table `metric_known` holds the ids whose row in `series` is on disk, with the hour that the row covers.
Temporary tables live in the session of the calling thread, so one committer belongs to one thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tocsin.model.errors import InvalidInput, StorageFull, StoreFailed
from tocsin.store.base import Columns
from tocsin.store.metrics import MetricDelivery, MetricFormat, MetricReceipt, limits
from tocsin.store.sql import Sql, bind, compose
from tocsin.store.staging import encode_bodies, frame

AHEAD = timedelta(minutes=10)
"""How far into the future a sample's time may lie; Prometheus' own limit."""

_REMEMBERED = 4_000_000
_PAIRS = "Array(Tuple(String, String))"
_PARSED = (
    f"delivery UInt32, id UInt64, labels {_PAIRS}, samples Array(Tuple(Int64, Float64)), "
    f"exemplars Array(Tuple({_PAIRS}, Int64, Float64)), histograms UInt32, outside UInt32, first Int64, last Int64, "
    "first_hour UInt32, last_hour UInt32, problem String"
)
_TABLES = {
    "metric_parsed": f"({_PARSED}, known UInt8) ENGINE = Memory",
    "metric_checked": f"({_PARSED}, fresh UInt8, shown String) ENGINE = Memory",
    "metric_told": "(name String, type String, unit String, help String, hash UInt64) ENGINE = Memory",
}
_KNOWN = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS metric_known (id UInt64, hour UInt32) ENGINE = Set SETTINGS persistent = 0"
)
_INTO = "SETTINGS max_insert_threads = 1, throw_on_max_partitions_per_insert_block = 0"

_PARSE = f"""
INSERT INTO metric_parsed SETTINGS precise_float_parsing = 1
SELECT delivery, wire, if(known, CAST([], '{_PAIRS}'), labels), good, exemplars, histograms,
    length(samples) - length(good), first, last, first_hour, last_hour, problem, known
FROM (
    SELECT *, sipHash64(labels) AS wire, arrayMin(samples.1) AS first, arrayMax(samples.1) AS last,
        first >= {{oldest}} AND last <= {{newest}} AS all_good,
        if(all_good, samples, arrayFilter(s -> s.1 BETWEEN {{oldest}} AND {{newest}}, samples)) AS good,
        toUInt32(intDiv(if(all_good, first, arrayMin(good.1)), 3600000)) AS first_hour,
        toUInt32(intDiv(if(all_good, last, arrayMax(good.1)), 3600000)) AS last_hour,
        problem = '' AND (wire, first_hour) IN metric_known AND (wire, last_hour) IN metric_known AS known
    FROM ({{series}})
)
"""

_CHECK = """
INSERT INTO metric_checked
SELECT delivery, sipHash64(sorted) AS hash, sorted, samples, exemplars, histograms, outside, first, last, first_hour,
    last_hour, wrong,
    wrong = '' AND notEmpty(samples)
        AND NOT ((hash, first_hour) IN metric_known AND (hash, last_hour) IN metric_known),
    if(wrong = '', '', substringUTF8(toValidUTF8(concat('{', arrayStringConcat(
        arrayMap(p -> concat(p.1, '="', p.2, '"'), labels), ', '), '}')), 1, 300))
FROM (
    SELECT *, arraySort(arrayFilter(p -> p.2 != '', labels)) AS sorted, sorted.1 AS names,
        multiIf(
            problem != '', problem,
            has(labels.1, ''), 'a label has no name',
            arrayUniq(names) != length(names), 'a label name stands twice',
            NOT has(names, '__name__'), 'there is no metric name (label __name__)',
            NOT arrayAll(p -> isValidUTF8(p.1) AND isValidUTF8(p.2), sorted), 'a label is not valid UTF-8',
            '') AS wrong
    FROM metric_parsed WHERE NOT known
)
"""

_GOOD = (
    "SELECT * EXCEPT known FROM metric_parsed WHERE known UNION ALL "
    "SELECT * EXCEPT (fresh, shown) FROM metric_checked WHERE problem = ''"
)

_FACTS = """
SELECT delivery, sum(one.samples) AS samples, sum(one.exemplars) AS exemplars, sum(one.histograms) AS histograms,
    sum(one.outside) AS outside, min(one.first) AS first, max(one.last) AS last, countIf(one.problem != '') AS bad,
    anyIf(one.problem, one.problem != '') AS problem, anyIf(one.shown, one.problem != '') AS shown,
    sum(one.fresh) AS fresh
FROM (
    SELECT delivery, length(samples) AS samples, length(exemplars) AS exemplars, histograms, outside, first, last,
        problem, '' AS shown, 0 AS fresh
    FROM metric_parsed WHERE known
    UNION ALL
    SELECT delivery, if(problem = '', length(samples), 0), if(problem = '', length(exemplars), 0), histograms,
        if(problem = '', outside, 0), first, last, problem, shown, fresh
    FROM metric_checked
) AS one GROUP BY delivery
"""

_SERIES = f"""
INSERT INTO series (name, id, labels, first_seen, last_seen) {_INTO}
SELECT any(arrayFirst(p -> p.1 = '__name__', labels).2), id, CAST(any(labels), 'Map(String, String)'),
    toDateTime64(min(first_hour) * 3600, 3, 'UTC'), toDateTime64((max(last_hour) + 1) * 3600, 3, 'UTC')
FROM metric_checked WHERE fresh GROUP BY id
"""
_NOW_KNOWN = (
    "INSERT INTO metric_known SELECT id, arrayJoin([first_hour, last_hour]) AS hour FROM metric_checked WHERE fresh"
)
_SAMPLES = f"""
INSERT INTO samples (id, time, value) {_INTO}
SELECT id, fromUnixTimestamp64Milli(sample.1, 'UTC'), sample.2 FROM ({_GOOD}) ARRAY JOIN samples AS sample
"""
_EXEMPLARS = f"""
INSERT INTO exemplars (id, time, value, labels) {_INTO}
SELECT id, fromUnixTimestamp64Milli(e.2, 'UTC'), e.3, CAST(arrayMap(p -> (toValidUTF8(p.1), toValidUTF8(p.2)), e.1),
    'Map(String, String)')
FROM ({_GOOD}) ARRAY JOIN exemplars AS e WHERE e.2 BETWEEN {{oldest}} AND {{newest}}
"""

_TOLD = """
INSERT INTO metric_told
SELECT DISTINCT toValidUTF8(name) AS n, type, toValidUTF8(unit) AS u, toValidUTF8(help) AS h,
    sipHash64(n, type, u, h) AS hash
FROM ({metadata}) WHERE name != '' AND (hash, {day}) NOT IN metric_known
"""
_METADATA = f"""
INSERT INTO metric_metadata (name, type, unit, help, seen) {_INTO}
SELECT name, type, unit, help, toDateTime64({{day}} * 3600, 3, 'UTC') FROM metric_told
"""


class Committer:
    """Commits batches of metrics.

    Args:
        columns: The store.
        retention: Samples older than this are refused, as they would be dropped at once; 0 takes all since 1970.
    """

    def __init__(self, columns: Columns, retention: timedelta) -> None:
        self._columns = columns
        self._retention = retention
        self._remembered = 0

    def commit(self, deliveries: Sequence[MetricDelivery], now: datetime) -> list[MetricReceipt]:
        """Store `deliveries`. When this returns, all that the receipts count is on disk.

        A repeated delivery is harmless: equal samples replace each other.

        Raises:
            InvalidInput: A body is not of its format; nothing was stored.
            StorageFull, StoreFailed: Some of it may be stored, unacknowledged.
        """
        oldest, newest = limits(now, self._retention, AHEAD)
        times = {"oldest": bind(oldest), "newest": bind(newest)}
        day = bind(int(now.timestamp()) // 86400 * 24)
        formats = {delivery.format.name: delivery.format for delivery in deliveries}
        self._prepare(formats)
        try:
            for metric_format in formats.values():
                self._stage(metric_format, [(n, d) for n, d in enumerate(deliveries) if d.format is metric_format])
                staged = f"staged_{metric_format.name}"
                series = Sql(metric_format.series.replace("{staged}", staged))
                metadata = Sql(metric_format.metadata.replace("{staged}", staged))
                self._columns.run(compose(_PARSE, series=series, **times))
                self._columns.run(compose(_TOLD, metadata=metadata, day=day))
            self._columns.run(Sql(_CHECK))
            facts = self._columns.fetch(Sql(_FACTS))
            self._insert(facts, times)
            self._tell(day)
        finally:
            self._clear(formats)
        found = {int(row["delivery"]): row for row in facts}
        return [_receipt(found.get(number), oldest, newest) for number in range(len(deliveries))]

    def _prepare(self, formats: Mapping[str, MetricFormat]) -> None:
        for name, definition in _TABLES.items():
            self._columns.run(Sql(f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} {definition}"))
        for name, metric_format in formats.items():
            columns = ", ".join(f"`{column}` {type_}" for column, type_ in metric_format.columns.items())
            self._columns.run(
                Sql(f"CREATE TEMPORARY TABLE IF NOT EXISTS staged_{name} (delivery UInt32, {columns}) ENGINE = Memory")
            )
        if self._remembered > _REMEMBERED:
            self._columns.run(Sql("DROP TEMPORARY TABLE IF EXISTS metric_known"))
            self._remembered = 0
        self._columns.run(Sql(_KNOWN))

    def _clear(self, formats: Mapping[str, MetricFormat]) -> None:
        for name in (*_TABLES, *(f"staged_{name}" for name in formats)):
            self._columns.run(Sql(f"TRUNCATE TABLE IF EXISTS {name}"))

    def _stage(self, metric_format: MetricFormat, numbered: Sequence[tuple[int, MetricDelivery]]) -> None:
        table, names = f"staged_{metric_format.name}", ["delivery", *metric_format.columns]
        if not metric_format.proto:
            rows = encode_bodies((n, d.payload, _millis(d.received), d.labels) for n, d in numbered)
            self._columns.insert(table, names, "RowBinary", rows)
            return
        settings = {
            "format_schema_source": "string",
            "format_schema": metric_format.proto,
            "format_schema_message_name": metric_format.message,
        }
        try:
            self._columns.insert(table, names, "Protobuf", frame((n, d.payload) for n, d in numbered), settings)
        except StorageFull:
            raise
        except (InvalidInput, StoreFailed) as error:
            size = sum(len(d.payload) for _, d in numbered)
            raise InvalidInput(_unreadable(metric_format, size, str(error))) from None
        found = self._columns.fetch(Sql(f"SELECT delivery FROM {table} ORDER BY delivery"))
        if [row["delivery"] for row in found] != [number for number, _ in numbered]:
            raise InvalidInput(f"the body has a field 2047, which {metric_format.message} does not have")

    def _insert(self, facts: Sequence[Mapping[str, Any]], times: Mapping[str, Sql]) -> None:
        if fresh := sum(int(row["fresh"]) for row in facts):
            self._columns.run(Sql(_SERIES))
            self._columns.run(Sql(_NOW_KNOWN))
            self._remembered += fresh
        if any(row["samples"] for row in facts):
            self._columns.run(Sql(_SAMPLES))
        if any(row["exemplars"] for row in facts):
            self._columns.run(compose(_EXEMPLARS, **times))

    def _tell(self, day: Sql) -> None:
        (told,) = self._columns.fetch(Sql("SELECT count() AS n FROM metric_told"))
        if told["n"]:
            self._columns.run(compose(_METADATA, day=day))
            self._columns.run(compose("INSERT INTO metric_known SELECT hash, {day} FROM metric_told", day=day))
            self._remembered += int(told["n"])


def _unreadable(metric_format: MetricFormat, size: int, reason: str) -> str:
    why = "it ends within a field" if "eof" in reason.lower() else reason
    return f"the body is not a valid Protobuf {metric_format.message} ({size} bytes decompressed): {why}"


def _receipt(row: Mapping[str, Any] | None, oldest: int, newest: int) -> MetricReceipt:
    if row is None:
        return MetricReceipt()
    problems: list[str] = []
    if row["bad"]:
        problems.append(f"{_number(row['bad'], 'series')} refused: {row['problem']}, in {row['shown']}")
    if row["outside"]:
        said = []
        if row["first"] < oldest:
            said.append(f"before {_iso(oldest)}, where the retention ends (the oldest is of {_iso(row['first'])})")
        if row["last"] > newest:
            said.append(f"more than 10 minutes in the future (the latest is of {_iso(row['last'])})")
        problems.append(f"{_number(row['outside'], 'samples')} refused: out of bounds, {' and '.join(said)}")
    if row["histograms"]:
        problems.append(f"{_number(row['histograms'], 'native histograms')} refused: they are not stored yet")
    return MetricReceipt(int(row["samples"]), int(row["exemplars"]), tuple(problems))


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count > 1 or noun == "series" else f"{count} {noun.removesuffix('s')}"


def _millis(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _iso(millis: int) -> str:
    try:
        return datetime.fromtimestamp(millis / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):  # Beyond the years that a datetime can hold.
        return f"{millis} ms"
