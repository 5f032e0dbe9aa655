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
_LEVELS_OF_JSON = 4


LEVEL_WORDS: Mapping[str, Sequence[str]] = {
    "critical": ("critical", "crit", "fatal", "emergency", "emerg", "alert", "panic", "dpanic", "f"),
    "error": ("error", "err", "severe", "e"),
    "warning": ("warning", "warn", "w"),
    "info": ("info", "information", "informational", "notice", "i", "normal"),
    "debug": ("debug", "trace", "verbose", "fine", "d"),
}
SYSLOG_LEVELS = ("critical", "critical", "critical", "error", "warning", "info", "info", "debug")
"""Our level for each syslog severity, 0 (emergency) to 7 (debug)."""
# pino and bunyan number their levels.
_NUMBERED = {"10": "debug", "20": "debug", "30": "info", "40": "warning", "50": "error", "60": "critical"}


Let = Sequence[tuple[str, str]]
"""Names and their expressions, in order; later ones may use earlier ones."""


def layered(rows: str, let: Let) -> str:
    """Return the query `rows` with a column added for each name of `let`.

    Each stands in a subquery of its own: the engine copies an alias's whole expression to every place that uses it, and
    a dozen of them that build on each other would be a query of a million nodes.
    """
    for name, expression in let:
        rows = f"SELECT *, {expression} AS {name} FROM ({rows})"
    return rows


def literal(text: str) -> str:
    """Return a constant of our own as an SQL string."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_QUOTED_PAIR = literal(r'([\w./@-]+)=("(?:[^"\\]|\\.)*"|\[[^\]]*\]|\{[^}]*\}|\S*)')
_BRACKETED_VALUE = literal(r"=[\[{]")
_UNIX_TIME = literal(r"^\d{9,19}(?:\.\d+)?$|^\d\.\d+[eE]\+(?:09|1[0-8])$")
_DATED = literal(r"^\d{4}[-/]\d\d[-/]\d\d[T ]")
_SLASHED = literal(r"^(\d{4})/(\d\d)/(\d\d)")
_DASHED = literal(r"\1-\2-\3")
_WEB_SERVERS = literal(r"^\d\d/[A-Z][a-z][a-z]/\d{4}:")


def literals(texts: Iterable[str]) -> str:
    """Return constants of our own as a comma-separated list of SQL strings."""
    return ", ".join(literal(text) for text in texts)


def level_name(word: str) -> str:
    """Return the level (`critical`, `error`, `warning`, `info`, `debug`) that `word` names, else ''."""
    pairs = [(w, level) for level, words in LEVEL_WORDS.items() for w in words] + list(_NUMBERED.items())
    names, levels = literals(name for name, _ in pairs), literals(level for _, level in pairs)
    return f"transform(lower({word}), [{names}], [{levels}], '')"


def first_value(pairs: str, names: Iterable[str]) -> str:
    """Return the value of the first pair whose lower-cased name is among `names`, else ''.

    `pairs` is an expression of type Array(Tuple(String, String)).
    """
    return f"arrayFirst(p -> lower(p.1) IN ({literals(names)}), {pairs}).2"


def json_pairs(name: str, text: str) -> Let:
    """Return the expressions that define `name`: the members of the JSON object `text`, as Array(Tuple(name, value)).

    Nested names are joined by dots; strings are unquoted, `null` is '', arrays and what is nested deeper than four
    levels stay JSON text. At most `FIELD_LIMIT` pairs; [] if `text` is not a JSON object.
    """
    steps = [(f"{name}_1", f"arraySlice(JSONExtractKeysAndValuesRaw({text}), 1, {FIELD_LIMIT})")]
    for depth in range(1, _LEVELS_OF_JSON):
        steps.append((f"{name}_{depth + 1}", _opened(f"{name}_{depth}")))
    value = "multiIf(startsWith(p.2, '\"'), JSONExtractString(p.2), p.2 = 'null', '', p.2)"
    return (*steps, (name, f"arrayMap(p -> (p.1, {value}), {name}_{_LEVELS_OF_JSON})"))


def _opened(pairs: str) -> str:
    """Replace each pair whose value is an object by that object's members."""
    members = "arrayMap(m -> (concat(p.1, '.', m.1), m.2), JSONExtractKeysAndValuesRaw(p.2))"
    flat = f"arrayFlatten(arrayMap(p -> if(startsWith(p.2, '{{') AND p.2 != '{{}}', {members}, [p]), {pairs}))"
    return f"if(arrayExists(p -> startsWith(p.2, '{{'), {pairs}), arraySlice({flat}, 1, {FIELD_LIMIT}), {pairs})"


def key_value_pairs(text: str) -> str:
    """Return the `name=value` pairs in `text` (logfmt, klog) as Array(Tuple(name, value)), quotes taken off.

    At most `FIELD_LIMIT` pairs: the engine refuses a whole query over a line with too many, so the rest is cut before.
    """
    few = (
        f"if(countSubstrings({text}, '=') < {FIELD_LIMIT}, {text}, "
        f"arrayStringConcat(splitByChar('=', {text}, {FIELD_LIMIT}), '='))"
    )
    value = (
        "if(startsWith(g[2], '\"'), if(isValidJSON(g[2]), JSONExtractString(g[2]), trim(BOTH '\"' FROM g[2])), g[2])"
    )
    # Lists and objects hold quotes and blanks, which only the slower way reads whole.
    careful = f"arrayMap(g -> (g[1], {value}), extractAllGroupsVertical({few}, {_QUOTED_PAIR}))"
    quick = f"CAST(extractKeyValuePairsWithEscaping({few}, '=', ' ', '\"'), 'Array(Tuple(String, String))')"
    return f"if(match({text}, {_BRACKETED_VALUE}), {careful}, {quick})"


def fields_map(pairs: str) -> str:
    """Return `pairs` as a Map(String, String) for the `fields` column, long names and values cut."""
    value = f"if(length(p.2) > {VALUE_LIMIT}, toValidUTF8(substring(p.2, 1, {VALUE_LIMIT})), p.2)"
    name = f"if(length(p.1) > {_NAME_LIMIT}, toValidUTF8(substring(p.1, 1, {_NAME_LIMIT})), p.1)"
    kept = f"arrayFilter(p -> p.1 != '' AND p.2 != '', {pairs})"
    return f"CAST(arrayMap(p -> ({name}, {value}), {kept}), 'Map(String, String)')"


def found_time(text: str) -> str:
    """Return a Nullable(DateTime64(6, 'UTC')) read from `text`.

    It may be RFC 3339 or anything like it (a comma before the fraction, slashes in the date, a web server's
    `23/Nov/2026:08:50:51 +0000`), or a Unix time in seconds, milliseconds, microseconds or nanoseconds.
    """
    number = f"assumeNotNull(toFloat64OrZero({text}))"
    scale = f"multiIf({number} < 1e11, 1e6, {number} < 1e14, 1e3, {number} < 1e17, 1, 1e-3)"
    unix = f"fromUnixTimestamp64Micro(toInt64(round({number} * {scale})), 'UTC')"
    dated = f"replaceRegexpOne({text}, {_SLASHED}, {_DASHED})"
    return (
        f"multiIf(match({text}, {_UNIX_TIME}), toNullable({unix}), "
        f"match({text}, {_DATED}), "
        f"parseDateTime64BestEffortOrNull(replaceOne({dated}, ',', '.'), 6, 'UTC'), "
        f"match({text}, {_WEB_SERVERS}), "
        f"toDateTime64(parseDateTimeInJodaSyntaxOrNull({text}, 'dd/MMM/yyyy:HH:mm:ss Z', 'UTC'), 6, 'UTC'), "
        f"length({text}) >= 16, parseDateTime64BestEffortOrNull({text}, 6, 'UTC'), NULL)"
    )


def yearless_time(month_day: str, clock: str) -> str:
    """Return a Nullable(DateTime64(6, 'UTC')) of a stamp without a year, which is taken to be UTC.

    Args:
        month_day: Expression of text such as `11-23`.
        clock: Expression of text such as `08:50:51.653869`.

    The year is that of arrival, or the one before if the stamp would be more than a day ahead.
    """

    def of_year(year: str) -> str:
        return f"parseDateTime64BestEffortOrNull(concat(toString({year}), '-', {month_day}, ' ', {clock}), 6, 'UTC')"

    this = of_year("toYear(received)")
    return f"if({this} > received + INTERVAL 1 DAY, {of_year('toYear(received) - 1')}, {this})"


def credible(time: str) -> str:
    """Return `time` if it can be: not NULL, after 2000, at most a day ahead of arrival; else the time of arrival."""
    return (
        f"if(isNotNull({time}) AND {time} >= toDateTime64('2000-01-01 00:00:00', 6, 'UTC') "
        f"AND {time} <= received + INTERVAL 1 DAY, assumeNotNull({time}), received)"
    )
