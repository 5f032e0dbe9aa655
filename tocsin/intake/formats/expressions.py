"""SQL expressions that several formats share: literals, flattened JSON, key=value pairs, times and levels.

Every function takes and returns SQL text made of code only: no text of a sender or user ever gets in here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

FIELD_LIMIT = 128
"""Fields kept of one line."""
VALUE_LIMIT = 4096
"""Bytes kept of one field's value."""
_NAME_LIMIT = 256
_JSON_DEPTH = 4

Layers = Sequence[Mapping[str, str]]
"""Names and their expressions, layer by layer; a layer may use the names of the layers before it."""


def layered(rows: str, layers: Layers) -> str:
    """Return the query `rows` with a column for each name of `layers`, a subquery for each layer.

    In one SELECT, the engine would copy an alias's whole expression to every place that uses it, and a dozen aliases
    that build on each other would be a query of a million nodes. Few layers are better than many: planning them is most
    of what a small batch costs.
    """
    for layer in layers:
        columns = ", ".join(f"{expression} AS {name}" for name, expression in layer.items())
        rows = f"SELECT *, {columns} FROM ({rows})"
    return rows


def literal(text: str) -> str:
    """Return a constant of our own as an SQL string."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def literals(texts: Iterable[str]) -> str:
    """Return constants of our own as a comma-separated list of SQL strings."""
    return ", ".join(literal(text) for text in texts)


LEVEL_WORDS: Mapping[str, Sequence[str]] = {
    "critical": ("critical", "crit", "fatal", "emergency", "emerg", "alert", "panic", "dpanic"),
    "error": ("error", "err", "severe"),
    "warning": ("warning", "warn"),
    "info": ("info", "information", "informational", "notice", "normal"),
    "debug": ("debug", "trace", "verbose", "fine"),
}
SYSLOG_LEVELS = ("critical", "critical", "critical", "error", "warning", "info", "info", "debug")
"""Our level for each syslog severity, 0 (emergency) to 7 (debug)."""
# Letters of klog and others; pino and bunyan number their levels.
_SHORT = {"f": "critical", "e": "error", "w": "warning", "i": "info", "d": "debug"}
_NUMBERED = {"10": "debug", "20": "debug", "30": "info", "40": "warning", "50": "error", "60": "critical"}


def level_name(word: str) -> str:
    """Return the level (`critical`, `error`, `warning`, `info`, `debug`) that `word` names, else ''."""
    words = {word: level for level, words in LEVEL_WORDS.items() for word in words} | _SHORT | _NUMBERED
    return f"transform(lower({word}), [{literals(words)}], [{literals(words.values())}], '')"


def first_value(pairs: str, names: Iterable[str]) -> str:
    """Return the value of the first pair whose lower-cased name is among `names`, else ''.

    `pairs` is an expression of type Array(Tuple(String, String)).
    """
    return f"arrayFirst(p -> lower(p.1) IN ({literals(names)}), {pairs}).2"


def json_pairs(text: str) -> str:
    """Return the members of the JSON object `text` as Array(Tuple(name, value)); [] if it is not an object.

    Nested names are joined by dots; strings are unquoted, `null` is '', arrays and what is nested deeper than four
    levels stay JSON text.
    """
    return _members(text, "", 1)


def _members(text: str, prefix: str, depth: int) -> str:
    pair = f"p{depth}"
    name = f"concat({prefix}, '.', {pair}.1)" if prefix else f"{pair}.1"
    value = f"multiIf(startsWith({pair}.2, '\"'), JSONExtractString({pair}.2), {pair}.2 = 'null', '', {pair}.2)"
    itself = f"({name}, {value})"
    members = f"JSONExtractKeysAndValuesRaw({text})"
    if depth == _JSON_DEPTH:
        return f"arrayMap({pair} -> {itself}, {members})"
    inner = _members(f"{pair}.2", name, depth + 1)
    return f"arrayFlatten(arrayMap({pair} -> if(startsWith({pair}.2, '{{\"'), {inner}, [{itself}]), {members}))"


_QUOTED_PAIR = literal(r'([\w./@-]+)=("(?:[^"\\]|\\.)*"|\[[^\]]*\]|\{[^}]*\}|\S*)')
_BRACKETED_VALUE = literal(r"=[\[{]")


def few_pairs(text: str) -> str:
    """Return `text` up to its first `FIELD_LIMIT` equals signs.

    The engine refuses a whole query over one line with a thousand `name=value` pairs, so they must be cut before.
    """
    few = f"arrayStringConcat(splitByChar('=', {text}, {FIELD_LIMIT}), '=')"
    return f"if(countSubstrings({text}, '=') < {FIELD_LIMIT}, {text}, {few})"


def key_value_pairs(text: str) -> str:
    """Return the `name=value` pairs in `text` (see `few_pairs`) as Array(Tuple(name, value)), quotes taken off."""
    value = (
        "if(startsWith(g[2], '\"'), if(isValidJSON(g[2]), JSONExtractString(g[2]), trim(BOTH '\"' FROM g[2])), g[2])"
    )
    # Lists and objects hold quotes and blanks, which only the slower way reads whole.
    careful = f"arrayMap(g -> (g[1], {value}), extractAllGroupsVertical({text}, {_QUOTED_PAIR}))"
    quick = f"CAST(extractKeyValuePairsWithEscaping({text}, '=', ' ', '\"'), 'Array(Tuple(String, String))')"
    return f"if(match({text}, {_BRACKETED_VALUE}), {careful}, {quick})"


def fields_map(pairs: str) -> str:
    """Return `pairs` as a Map(String, String) for the `fields` column: some of them, long names and values cut."""
    value = f"if(length(p.2) > {VALUE_LIMIT}, toValidUTF8(substring(p.2, 1, {VALUE_LIMIT})), p.2)"
    name = f"if(length(p.1) > {_NAME_LIMIT}, toValidUTF8(substring(p.1, 1, {_NAME_LIMIT})), p.1)"
    kept = f"arrayFilter((p, n) -> n <= {FIELD_LIMIT} AND p.1 != '' AND p.2 != '', {pairs}, arrayEnumerate({pairs}))"
    return f"CAST(arrayMap(p -> ({name}, {value}), {kept}), 'Map(String, String)')"


_UNIX_TIME = literal(r"^\d{9,19}(?:\.\d+)?$|^\d\.\d+[eE]\+(?:09|1[0-8])$")
_DATED = literal(r"^\d{4}[-/]\d\d[-/]\d\d[T ]")
_WEB_SERVERS = literal(r"^\d\d/[A-Z][a-z][a-z]/\d{4}:")


def found_time(name: str, text: str) -> Layers:
    """Return the layers that define `name`, a Nullable(DateTime64(6, 'UTC')) read from `text`.

    It may be RFC 3339 or anything like it (a comma before the fraction, slashes in the date, a web server's
    `23/Nov/2026:08:50:51 +0000`), or a Unix time in seconds, milliseconds, microseconds or nanoseconds.
    """
    unix, dated = f"{name}_unix", f"{name}_dated"
    micros = f"round({unix} * multiIf({unix} < 1e11, 1e6, {unix} < 1e14, 1e3, {unix} < 1e17, 1, 1e-3))"
    web = f"toDateTime64(parseDateTimeInJodaSyntaxOrNull({text}, 'dd/MMM/yyyy:HH:mm:ss Z', 'UTC'), 6, 'UTC')"
    return (
        {
            unix: f"if(match({text}, {_UNIX_TIME}), toFloat64OrZero({text}), 0)",
            dated: f"if(match({text}, {_DATED}), replaceOne(replaceAll({text}, '/', '-'), ',', '.'), {text})",
        },
        {
            name: f"multiIf({unix} > 0, toNullable(fromUnixTimestamp64Micro(toInt64({micros}), 'UTC')), "
            f"match({text}, {_WEB_SERVERS}), {web}, "
            f"length({text}) >= 16, parseDateTime64BestEffortOrNull({dated}, 6, 'UTC'), NULL)"
        },
    )


def yearless_time(month_day: str, clock: str) -> str:
    """Return a Nullable(DateTime64(6, 'UTC')) of a stamp without a year, which is taken to be UTC.

    Args:
        month_day: Expression of text such as `11-23`.
        clock: Expression of text such as `08:50:51.653869`.

    The year is that of arrival, or the one before if the stamp would be more than a day ahead.
    """
    latest = "(received + INTERVAL 1 DAY)"
    year = f"toYear({latest}) - ({month_day} > formatDateTime({latest}, '%m-%d'))"
    return f"parseDateTime64BestEffortOrNull(concat(toString({year}), '-', {month_day}, ' ', {clock}), 6, 'UTC')"


def credible(time: str) -> str:
    """Return `time` if it can be: not NULL, after 2000, at most a day ahead of arrival; else the time of arrival."""
    return (
        f"if({time} >= toDateTime64('2000-01-01 00:00:00', 6, 'UTC') AND {time} <= received + INTERVAL 1 DAY, "
        f"assumeNotNull({time}), received)"
    )
