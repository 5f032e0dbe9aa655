"""Container output as containerd and CRI-O write it: `<time> <stdout|stderr> <P|F> <text>`, partial lines joined.

Specification: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
"""

from __future__ import annotations

from tocsin.intake.formats.content import log_columns, log_format
from tocsin.intake.formats.expressions import literal


def _header(streams: str, tags: str) -> str:
    return literal(rf"^\d{{4}}-\d\d-\d\dT\S+ {streams} {tags}(?::\S*)?(?: |$)")


_ANY = _header("(?:stdout|stderr)", "[FP]")
_PARTIAL = _header("(?:stdout|stderr)", "P")
_HAS_PARTIAL = literal(r"(?m)^[0-9T:.+Z-]+ std(?:out|err) P")


def _joined(stream: str) -> str:
    """Expression: the stream's lines, each run of partial ones and the full one that ends it made one."""
    start = "concat(arrayStringConcat(splitByChar(' ', g[1], 2), ' '), ' F ')"
    text = f"arrayStringConcat(arrayMap(p -> replaceRegexpOne(p, {_ANY}, ''), g))"
    own = f"arrayFilter(l -> match(l, {_header(stream, '[FP]')}), lines)"
    runs = f"arrayReverseSplit(l -> NOT match(l, {_PARTIAL}), {own})"
    return f"arrayMap(g -> if(length(g) = 1, g[1], concat({start}, {text})), {runs})"


# What is not of this form stays a line of its own, and so does a last partial line without its end: collectors hand
# over whole lines, or give up waiting for the end.
_ROWS = (
    "SELECT delivery, received, context, "
    "arrayJoin(if(match(body, {partial}), arrayConcat({out}, {err}, {other}), lines)) AS line "
    "FROM (SELECT delivery, received, context, body, "
    "arrayFilter(l -> NOT match(l, '^[ \\t\\r]*$'), splitByChar('\\n', body)) AS lines FROM {{staged}})"
).format(
    partial=_HAS_PARTIAL,
    out=_joined("stdout"),
    err=_joined("stderr"),
    other=f"arrayFilter(l -> NOT match(l, {_ANY}), lines)",
)

CRI = log_format(
    "cri",
    "if(wrapped, if(third = 0, '', substring(line, third + 1)), line)",
    log_columns(
        source="'pod'",
        time="if(wrapped, parseDateTime64BestEffortOrNull(substring(line, 1, first - 1), 6, 'UTC'), NULL)",
        pairs="if(wrapped, pairs, arrayConcat([('_malformed', 'cri')], pairs))",
        labels={"stream": "if(wrapped, substring(line, first + 1, 6), '')"},
    ),
    layers=(
        {"wrapped": f"match(line, {_ANY})", "first": "position(line, ' ')"},
        {"third": "position(line, ' ', first + 8)"},
    ),
    rows=_ROWS,
)
