"""What a log line says of itself, whatever it came wrapped in: its level, fields and time; and the row made of it."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.intake.formats.expressions import (
    FIELD_LIMIT,
    Let,
    credible,
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

# https://github.com/kubernetes/klog: Lmmdd hh:mm:ss.uuuuuu threadid file:line] msg
_KLOG = literal(r"^[IWEF][01]\d[0-3]\d [0-2]\d:[0-5]\d:[0-6]\d\.\d{6} +\d+ [^ \]]+:\d+\]")
_KLOG_MESSAGE = literal(r'^"((?:[^"\\]|\\.)*)"(?: (.*))?$')
_LOGFMT = literal(r'^[A-Za-z_][\w.@/-]*=(?:"|\S).*\s[A-Za-z_][\w.@/-]*=')
_JSON = literal(r"^\s*\{")
_LINE_END = literal("\r\n")

_STAMP = r"(?:[\d\-T:.,+Z/\s]+(?:[A-Z]{3,4}\s+)?)?"
_LEADERS = r"(?:\[[^\]]{1,60}\]\s*|\S{1,60} - ){0,3}[\[(<]?(?:[a-z_]+:)?"
_UPPER = (
    "EMERGENCY|EMERG|ALERT|CRITICAL|CRIT|FATAL|PANIC|SEVERE|ERROR|ERR|WARNING|WARN|NOTICE|INFO|DEBUG|TRACE|VERBOSE|FINE"
)
# A word in lower case is a level only if it is set off from the text, since "alert manager started" is not an alert.
_LEVEL_WORD = literal(rf"^{_STAMP}{_LEADERS}((?:{_UPPER})\b|(?i:{_UPPER})(?:[\]:>)]| - )|(?i:error|warning)\b)")
_LEADING_TIME = literal(r"^\[?(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|\s?[+-]\d\d:?\d\d)?)")
_WEB_TIME = literal(r"\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]")

_WORD_LEVEL = level_name("replaceRegexpAll(level_word, '[^a-z]', '')")
_LETTER_LEVEL = level_name("substring(text, 1, 1)")
_ONE_A_LINE = (
    "SELECT delivery, received, context, arrayJoin(splitByChar('\\n', body)) AS line FROM {staged} "
    "WHERE NOT match(line, '^[ \\t\\r]*$')"
)
_RESERVED = ("cluster", "source", "priority", "format")
LABELLED_COLUMNS = ("namespace", "pod", "container", "node", "app")
"""Columns of `logs` that repeat the stream label of the same name."""


def content_let(message: str) -> Let:
    """Return the common expressions over `message`, an SQL expression of one line without its wrapper.

    They define `text` (the line as stored: valid UTF-8, cut to `LINE_LIMIT`), `shape` (`json`, `klog`, `logfmt` or
    `plain`), `pairs` (Array(Tuple(name, value)) of its fields), `text_level` and `text_time` (Nullable).
    """
    klog_head = "substring(text, 23, position(text, '] ', 23) - 23)"
    klog_body = "substring(text, position(text, ']', 23) + 2)"
    return (
        ("whole", f"trimRight({message}, {_LINE_END})"),
        ("text", f"toValidUTF8(if(length(whole) > {LINE_LIMIT}, substring(whole, 1, {LINE_LIMIT}), whole))"),
        (
            "shape",
            f"multiIf(match(text, {_JSON}) AND isValidJSON(text), 'json', match(text, {_KLOG}), 'klog', "
            f"match(text, {_LOGFMT}), 'logfmt', 'plain')",
        ),
        ("klog_head", f"if(shape = 'klog', splitByChar(' ', trimLeft({klog_head})), [])"),
        ("klog_body", f"if(shape = 'klog', {klog_body}, '')"),
        (
            "klog_said",
            f"if(startsWith(klog_body, '\"'), extractGroups(klog_body, {_KLOG_MESSAGE}), emptyArrayString())",
        ),
        ("klog_message", "if(notEmpty(klog_said), JSONExtractString(concat('\"', klog_said[1], '\"')), klog_body)"),
        (
            "klog_pairs",
            "arrayConcat([('msg', if(klog_message = '' AND notEmpty(klog_said), klog_said[1], klog_message)), "
            f"('caller', klog_head[2]), ('pid', klog_head[1])], {key_value_pairs('klog_said[2]')})",
        ),
        *json_pairs("json_pairs", "if(shape = 'json', text, '')"),
        (
            "pairs",
            "multiIf(shape = 'json', json_pairs, shape = 'klog', klog_pairs, "
            f"shape = 'logfmt', {key_value_pairs('text')}, [])",
        ),
        ("level_word", f"lower(extract(substring(text, 1, 400), {_LEVEL_WORD}))"),
        (
            "text_level",
            f"multiIf(shape = 'klog', {_LETTER_LEVEL}, "
            f"shape = 'plain', {_WORD_LEVEL}, "
            f"{level_name(first_value('pairs', _LEVEL_NAMES))})",
        ),
        (
            "stamp",
            f"if(shape = 'plain', coalesce(nullIf(extract(substring(text, 1, 64), {_LEADING_TIME}), ''), "
            f"extract(substring(text, 1, 1024), {_WEB_TIME})), {first_value('pairs', _TIME_NAMES)})",
        ),
        (
            "text_time",
            "if(shape = 'klog', "
            + yearless_time("concat(substring(text, 2, 2), '-', substring(text, 4, 2))", "substring(text, 7, 15)")
            + f", {found_time('stamp')})",
        ),
    )


def log_columns(
    *,
    source: str,
    time: str = "text_time",
    level: str = "text_level",
    pairs: str = "pairs",
    labels: Mapping[str, str] | None = None,
    line: str = "text",
    priority: str = "operations",
) -> dict[str, str]:
    """Return the `logs` table's columns over the names that `content_let` defines.

    Args:
        source: Expression of the row's `source` unless the delivery names one.
        time: Nullable(DateTime64) expression; the arrival time stands in for one that cannot be.
        level, pairs, line: Expressions.
        labels: Stream label to expression; '' leaves the delivery's own label as it is.
        priority: Retention class unless the delivery names one.
    """
    own = ", ".join(f"{literal(name)}, {value}" for name, value in (labels or {}).items())
    given = f"mapFilter((k, v) -> k NOT IN ({', '.join(literal(r) for r in _RESERVED)}) AND v != '', context)"
    stream = f"mapUpdate({given}, mapFilter((k, v) -> v != '', map({own})))" if own else given
    notes = f"if(length(whole) > {LINE_LIMIT}, [('_original_bytes', toString(length(whole)))], [])"
    usual = f"if({level} = 'debug', 'debug', 'operations')" if priority == "operations" else literal(priority)
    return {
        "time": credible(time),
        "priority": f"if(context['priority'] IN ('security', 'operations', 'debug'), context['priority'], {usual})",
        "source": f"if(context['source'] != '', context['source'], {source})",
        "stream": stream,
        **{name: f"({stream})[{literal(name)}]" for name in LABELLED_COLUMNS},
        "level": level,
        "line": line,
        "fields": fields_map(f"arrayConcat({notes}, arraySlice({pairs}, 1, {FIELD_LIMIT}))"),
    }


def log_format(name: str, message: str, columns: Mapping[str, str], *, let: Let = (), rows: str = "") -> RowFormat:
    """Return a format of the `logs` table that rejects nothing.

    Args:
        name: The format's name.
        message: Expression of the line without its wrapper, over `line` and what `let` defines.
        columns: As `log_columns` gives them.
        let: Expressions that `message` and `columns` need besides those of `content_let`.
        rows: See `RowFormat.rows`; empty: one row per line.
    """
    return RowFormat(name, "logs", columns, "''", rows=layered(rows or _ONE_A_LINE, (*let, *content_let(message))))
