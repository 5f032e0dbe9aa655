"""Lines of any program: a JSON object, logfmt, klog or plain text a line, each recognised by itself.

An array of objects (what many shippers post) is taken apart.
"""

from __future__ import annotations

from tocsin.intake.formats.content import log_columns, log_format

_ROWS = (
    "SELECT delivery, received, context, arrayJoin(if(match(body, '^[ \\t\\r\\n]*[[]') AND isValidJSON(body), "
    "JSONExtractArrayRaw(body), splitByChar('\\n', body))) AS line FROM {staged} WHERE NOT match(line, '^[ \\t\\r]*$')"
)

JSON_LINES = log_format("json-lines", "line", log_columns(source="'application'"), rows=_ROWS)
