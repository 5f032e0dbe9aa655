"""What a log line says of itself, whatever it came wrapped in: its level, fields and time; and the row made of it."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.intake.formats.expressions import (
    LEVEL_WORDS,
    Layers,
    credible,
    few_pairs,
    fields_map,
    first_value,
    found_time,
    json_pairs,
    key_value_pairs,
    layered,
    level_name,
    literal,
    yearless_time,
)
from tocsin.store.base import RowFormat

LINE_LIMIT = 256 << 10
"""Bytes kept of one line; a longer one is cut and has the field `_original_bytes`."""
LABELLED_COLUMNS = ("namespace", "pod", "container", "node", "app")
"""Columns of `logs` that repeat the stream label of the same name."""
_NO_LABELS = "('cluster', 'source', 'priority', 'format')"
_PRIORITIES = "('security', 'operations', 'debug')"

_LEVEL_NAMES = (
    "level",
    "severity",
    "lvl",
    "loglevel",
    "log_level",
    "log.level",
    "levelname",
    "level_name",
    "severity_text",
    "severitytext",
    "@level",
)
_TIME_NAMES = ("time", "timestamp", "@timestamp", "ts", "t", "datetime", "date", "eventtime", "asctime", "@t")

# https://github.com/kubernetes/klog: Lmmdd hh:mm:ss.uuuuuu threadid file:line] msg, the msg "quoted" if pairs follow.
_KLOG = literal(r"^[IWEF][01]\d[0-3]\d [0-2]\d:[0-5]\d:[0-6]\d\.\d{6} +\d+ [^ \]]+:\d+\]")
_KLOG_REST = literal(r'^ *(\d+) ([^ \]]+)\] ?(?:"((?:[^"\\]|\\.)*)"(?: (.*))?|(.*))$')
_LOGFMT = literal(r'^[A-Za-z_][\w.@/-]*=(?:"|\S).*\s[A-Za-z_][\w.@/-]*=')
_JSON = literal(r"^\s*\{")
_LINE_END = literal("\r\n")
_LEADING_TIME = literal(r"^\[?(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|\s?[+-]\d\d:?\d\d)?)")
_WEB_TIME = literal(r"\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]")
_ONE_A_LINE = (
    "SELECT delivery, received, context, arrayJoin(splitByChar('\\n', body)) AS line FROM {staged} "
    "WHERE NOT match(line, '^[ \\t\\r]*$')"
)

# A time, some [bracketed] or dash-set words, and then the level.
_STAMP = r"(?:[\d\-T:.,+Z/\s]+(?:[A-Z]{3,4}\s+)?)?"
_LEADERS = r"(?:\[[^\]]+\]\s*|\S+ - )*[\[(<]?(?:[a-z_]+:)?"


def _plain_level() -> str:
    """One cheap match a level: to extract the word by one pattern costs fifty times as much."""
    tests = []
    for level, words in LEVEL_WORDS.items():
        lone = rf"|(?i:{level})\b" if level in ("error", "warning") else ""
        some = "|".join(words)
        pattern = rf"^{_STAMP}{_LEADERS}(?:(?:{some.upper()})\b|(?i:{some})(?:[\]:>)]| - ){lone})"
        tests.append(f"match(beginning, {literal(pattern)}), '{level}'")
    return f"multiIf({', '.join(tests)}, '')"


def content_layers(message: str, *, timed: bool) -> Layers:
    """Return the layers over `message`, an SQL expression of one line without its wrapper.

    They define `text` (the line as stored: valid UTF-8, cut to `LINE_LIMIT`), `bytes` (its length before), `shape`
    (`json`, `klog`, `logfmt` or `plain`), `pairs` (Array(Tuple(name, value)) of its fields), `text_level` and, if
    `timed`, `text_time` (Nullable).
    """
    klog_message = (
        "multiIf(klog[3] = '', klog[5], position(klog[3], '\\\\') = 0, klog[3], "
        "JSONExtractString(concat('\"', klog[3], '\"')))"
    )
    said_level = level_name(f"if(shape = 'klog', substring(text, 1, 1), {first_value('pairs', _LEVEL_NAMES)})")
    klog_time = yearless_time("concat(substring(text, 2, 2), '-', substring(text, 4, 2))", "substring(text, 7, 15)")
    layers: Layers = (
        {"whole": f"trimRight({message}, {_LINE_END})"},
        {"text": f"toValidUTF8(substring(whole, 1, {LINE_LIMIT}))", "bytes": "length(whole)"},
        {
            "shape": f"multiIf(match(text, {_JSON}) AND isValidJSON(text), 'json', match(text, {_KLOG}), 'klog', "
            f"match(text, {_LOGFMT}), 'logfmt', 'plain')",
            "beginning": "substring(text, 1, 400)",
        },
        {
            "klog": f"if(shape = 'klog', extractGroups(substring(text, 23), {_KLOG_REST}), emptyArrayString())",
            "json": f"if(shape = 'json', {json_pairs('text')}, [])",
        },
        {"paired": few_pairs("multiIf(shape = 'klog', klog[4], shape = 'logfmt', text, '')")},
        {"listed": f"if(paired = '', [], {key_value_pairs('paired')})"},
        {
            "pairs": f"multiIf(shape = 'json', json, shape = 'klog', arrayConcat([('msg', {klog_message}), "
            "('caller', klog[2]), ('pid', klog[1])], listed), listed)"
        },
        {
            "text_level": f"if(shape = 'plain', {_plain_level()}, {said_level})",
            "stamp": f"multiIf(shape = 'klog', '', shape != 'plain', {first_value('pairs', _TIME_NAMES)}, "
            f"match(beginning, {_LEADING_TIME}), extract(beginning, {_LEADING_TIME}), extract(beginning, {_WEB_TIME}))",
        },
    )
    if not timed:
        return layers
    return (
        *layers,
        *found_time("stamp_time", "stamp"),
        {"text_time": f"if(shape = 'klog', {klog_time}, stamp_time)"},
    )


def log_columns(
    *,
    source: str,
    time: str = "text_time",
    level: str = "text_level",
    pairs: str = "pairs",
    labels: Mapping[str, str] | None = None,
    priority: str = "operations",
) -> dict[str, str]:
    """Return what a format of log lines says of a row, for `log_format`.

    Args:
        source: Expression of the row's `source` unless the delivery names one.
        time: Nullable(DateTime64) expression; the arrival time stands in for one that cannot be.
        level, pairs: Expressions.
        labels: Stream label to expression; '' leaves the delivery's own label as it is.
        priority: Retention class unless the delivery names one.
    """
    own = ", ".join(f"{literal(name)}, {value}" for name, value in (labels or {}).items())
    given = f"mapFilter((k, v) -> k NOT IN {_NO_LABELS} AND v != '', context)"
    return {
        "own_source": source,
        "own_time": time,
        "own_level": level,
        "own_pairs": pairs,
        "labels": f"mapUpdate({given}, mapFilter((k, v) -> v != '', map({own})))" if own else given,
        "own_priority": literal(priority),
    }


_CLASS = "if(own_priority = 'operations' AND own_level = 'debug', 'debug', own_priority)"
_ALL_PAIRS = f"if(bytes > {LINE_LIMIT}, arrayConcat([('_original_bytes', toString(bytes))], own_pairs), own_pairs)"
_COLUMNS = {
    "time": credible("own_time"),
    "priority": f"if(context['priority'] IN {_PRIORITIES}, context['priority'], {_CLASS})",
    "source": "if(context['source'] != '', context['source'], own_source)",
    "stream": "labels",
    **{name: f"labels[{literal(name)}]" for name in LABELLED_COLUMNS},
    "level": "own_level",
    "line": "text",
    "fields": "found_fields",
}


def log_format(
    name: str, message: str, facts: Mapping[str, str], *, layers: Layers = (), rows: str = "", reject: str = "''"
) -> RowFormat:
    """Return a format of the `logs` table.

    Args:
        name: The format's name.
        message: Expression of the line without its wrapper, over `line` and what `layers` define.
        facts: As `log_columns` gives them.
        layers: Expressions that `message` and `facts` need besides those of `content_layers`.
        rows: See `RowFormat.rows`; empty: one row per line.
        reject: See `RowFormat.reject`.
    """
    content = content_layers(message, timed="text_time" in facts["own_time"])
    every = (*layers, *content, facts, {"found_fields": fields_map(_ALL_PAIRS)})
    return RowFormat(name, "logs", _COLUMNS, reject, rows=layered(rows or _ONE_A_LINE, every))
