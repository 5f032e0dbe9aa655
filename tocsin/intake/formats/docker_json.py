"""Container output as Docker's `json-file` driver writes it: `{"log":"text\\n","stream":"stdout","time":"..."}`.

Docker cuts long lines into pieces of 16 KiB, of which only the last ends in a newline; the pieces are joined.
Specification: https://docs.docker.com/engine/logging/drivers/json-file/
"""

from __future__ import annotations

from tocsin.intake.formats.content import log_columns, log_format
from tocsin.intake.formats.expressions import literal

# The driver writes "log" first; an end of line in it is an escaped \n right before the closing quote.
_WHOLE = literal(r'^\{"log":"(?:[^"\\]|\\.)*\\n"')
_ANY = literal(r'^\{"log":"')
_PIECE = f"(match(l, {_ANY}) AND NOT match(l, {_WHOLE}))"


def _joined(stream: str) -> str:
    text = "toJSONString(arrayStringConcat(arrayMap(p -> JSONExtractString(p, 'log'), g)))"
    rest = f"concat(', \"stream\":\"{stream}\",\"time\":', toJSONString(JSONExtractString(g[1], 'time')), '}}')"
    own = f"arrayFilter(l -> match(l, {_ANY}) AND JSONExtractString(l, 'stream') = '{stream}', lines)"
    runs = f"arrayReverseSplit(l -> NOT {_PIECE}, {own})"
    return f"arrayMap(g -> if(length(g) = 1, g[1], concat('{{\"log\":', {text}, {rest})), {runs})"


_OTHER = f"NOT match(l, {_ANY}) OR JSONExtractString(l, 'stream') NOT IN ('stdout', 'stderr')"
_ROWS = (
    "SELECT delivery, received, context, arrayJoin(if(arrayExists(l -> {piece}, lines), "
    "arrayConcat({out}, {err}, {other}), lines)) AS line FROM (SELECT delivery, received, context, "
    "arrayFilter(l -> NOT match(l, '^[ \\t\\r]*$'), splitByChar('\\n', body)) AS lines FROM {{staged}})"
).format(piece=_PIECE, out=_joined("stdout"), err=_joined("stderr"), other=f"arrayFilter(l -> {_OTHER}, lines)")

DOCKER_JSON = log_format(
    "docker-json",
    "if(wrapped, record.1, line)",
    log_columns(
        source="'pod'",
        time="if(wrapped, parseDateTime64BestEffortOrNull(record.3, 6, 'UTC'), NULL)",
        pairs="if(wrapped, pairs, arrayConcat([('_malformed', 'docker-json')], pairs))",
        labels={"stream": "if(wrapped, record.2, '')"},
    ),
    layers=(
        {
            "wrapped": "JSONHas(line, 'log')",
            "record": "JSONExtract(line, 'Tuple(log String, stream String, time String)')",
        },
    ),
    rows=_ROWS,
)
