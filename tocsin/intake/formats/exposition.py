"""What targets expose as text, read by the engine: Prometheus' format 0.0.4 and OpenMetrics 1.0.

https://prometheus.io/docs/instrumenting/exposition_formats/
https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md

A line that cannot be read is told with its text, and the others are kept. Names in quotation marks
(`{"a.b", "c d"="e"}`, as in Prometheus 3) are read too.
"""

from __future__ import annotations

from functools import cache

from tocsin.store.metrics import MetricFormat

_SPACE = r"[ \t]*"
_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_ITEM = rf"(?:(?:{_NAME}|{_QUOTED}){_SPACE}={_SPACE}{_QUOTED}|{_QUOTED})"
_LABELS = rf"{_SPACE}(?:{_ITEM}(?:{_SPACE},{_SPACE}{_ITEM})*{_SPACE},?)?{_SPACE}"
_POINT = r"([^ \t\r#{}\"]+)(?:[ \t]+([^ \t\r#{}\"]+))?"
_LINE = rf"^{_SPACE}({_NAME})?{_SPACE}(?:\{{({_LABELS})\}}|[ \t]){_SPACE}{_POINT}{_SPACE}"
_EXEMPLAR = rf"(?:#{_SPACE}\{{({_LABELS})\}}[ \t]+{_POINT}{_SPACE})?"
# Groups: a label's name (or the metric's own in quotation marks), the sign =, the value.
_PAIR = rf'({_NAME}|{_QUOTED}){_SPACE}(?:(=){_SPACE}"((?:[^"\\]|\\.)*)")?'
_ABOUT = rf"^#[ \t]+(TYPE|HELP|UNIT)[ \t]+({_NAME}|{_QUOTED})[ \t]*(.*)$"


def _literal(text: str) -> str:
    """Return a constant of this module as SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def _unescaped(expression: str) -> str:
    r"""Return SQL that reads `\\`, `\"` and `\n`; two other characters stand for a backslash meanwhile."""
    inner = f"replaceAll({expression}, {_literal(chr(92) * 2)}, '\\x01\\x02')"
    inner = f"replaceAll(replaceAll({inner}, {_literal(chr(92) + chr(34))}, '\"'), {_literal(chr(92) + 'n')}, '\\n')"
    return (
        f"if(position({expression}, {_literal(chr(92))}) = 0, {expression}, replaceAll({inner}, '\\x01\\x02', '\\\\'))"
    )


def _unquoted(expression: str) -> str:
    return (
        f"if(startsWith({expression}, '\"'), {_unescaped(f'substring({expression}, 2, length({expression}) - 2)')}, "
        f"{expression})"
    )


def _pairs(text: str) -> str:
    """Return SQL for the label pairs in `text`; a quoted name alone is the metric's."""
    return (
        f"arrayMap(g -> if(g[2] = '', ('__name__', {_unquoted('g[1]')}), ({_unquoted('g[1]')}, {_unescaped('g[3]')})), "
        f"extractAllGroupsVertical({text}, {_literal(_PAIR)}))"
    )


_MILLIS = "toInt64OrNull({0})"
_SECONDS = "accurateCastOrNull(round(toFloat64OrNull({0}) * 1000), 'Int64')"

_SERIES = """
SELECT delivery, arraySort(arrayFilter(p -> p.2 != '', arrayConcat({merged}))) AS labels,
    [(ifNull(time, received), ifNull(value, 0))] AS samples, {exemplars} AS exemplars, toUInt32(0) AS histograms,
    multiIf(
        empty(groups), concat('a line cannot be read: ', substringUTF8(toValidUTF8(line), 1, 120)),
        value IS NULL, concat('the value is no number: ', substringUTF8(line, 1, 120)),
        groups[4] != '' AND told IS NULL, concat('the time is no number: ', substringUTF8(line, 1, 120)),
        '') AS problem
FROM (
    SELECT *, extractGroups(line, {pattern}) AS groups,
        arrayConcat(if(groups[1] = '', [], [('__name__', groups[1])]), {pairs}) AS own,
        CAST(labels, 'Array(Tuple(String, String))') AS target,
        toFloat64OrNull(groups[3]) AS value, {told} AS told, {time} AS time
    FROM (SELECT delivery, received, labels, arrayJoin(splitByChar('\\n', body)) AS line FROM {{staged}})
    WHERE NOT match(line, '^[ \\\\t\\\\r]*(#.*)?$')
)
"""

_METADATA = f"""
SELECT {_unquoted("about[2]")} AS name,
    replaceOne(anyIf(trim(about[3]), about[1] = 'TYPE'), 'untyped', 'unknown') AS type,
    anyIf(trim(about[3]), about[1] = 'UNIT') AS unit,
    anyIf({_unescaped("about[3]")}, about[1] = 'HELP') AS help
FROM (
    SELECT delivery, extractGroups(line, {_literal(_ABOUT)}) AS about
    FROM (SELECT delivery, arrayJoin(splitByChar('\\n', body)) AS line FROM {{staged}}) WHERE startsWith(line, '#')
) WHERE notEmpty(about) GROUP BY delivery, name
"""

_OWN_FIRST = "own, arrayFilter(p -> NOT has(own.1, p.1), target)"
_TARGET_FIRST = "arrayMap(p -> (if(has(target.1, p.1), concat('exported_', p.1), p.1), p.2), own), target"


@cache
def exposition(*, openmetrics: bool, honor_labels: bool = False, honor_timestamps: bool = True) -> MetricFormat:
    """Return the format of a scrape's body, for `MetricDelivery(format, body, scrape time, target labels)`.

    Args:
        openmetrics: OpenMetrics (times in seconds, exemplars), not 0.0.4 (times in milliseconds).
        honor_labels: Where target and body have a label of one name, the body's counts; else it becomes `exported_*`.
        honor_timestamps: Times in the body count; else all samples are of the scrape's time.
    """
    told = (_SECONDS if openmetrics else _MILLIS).format("groups[4]")
    exemplars = "CAST([], 'Array(Tuple(Array(Tuple(String, String)), Int64, Float64))')"
    if openmetrics:
        own = f"[({_pairs('groups[5]')}, ifNull({_SECONDS.format('groups[7]')}, {{when}}), "
        own += "ifNull(toFloat64OrNull(groups[6]), 0))]"
        exemplars = (
            f"if(length(groups) < 6 OR groups[6] = '', {exemplars}, {own.format(when='ifNull(time, received)')})"
        )
    flags = (("honoring_labels", honor_labels), ("own_times", honor_timestamps))
    return MetricFormat(
        name="_".join(["openmetrics" if openmetrics else "exposition", *(name for name, on in flags if on)]),
        columns={"received": "Int64", "labels": "Map(String, String)", "body": "String"},
        series=_SERIES.format(
            merged=_OWN_FIRST if honor_labels else _TARGET_FIRST,
            exemplars=exemplars,
            pattern=_literal(_LINE + (_EXEMPLAR if openmetrics else "") + r"\r?$"),
            pairs=_pairs("groups[2]"),
            told=told,
            time="told" if honor_timestamps else "CAST(NULL, 'Nullable(Int64)')",
        ),
        metadata=_METADATA.replace("{{staged}}", "{staged}"),
    )


def complete(body: bytes) -> bool:
    """Return whether an OpenMetrics body came whole: its last line must be `# EOF`."""
    return body.rstrip(b"\r\n").endswith(b"# EOF")
