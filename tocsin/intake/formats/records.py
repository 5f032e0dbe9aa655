"""Formats whose records are JSON objects: one a line, in an array, in a list object, or one over several lines."""

from __future__ import annotations

from tocsin.intake.formats.expressions import literal

_STARTS_JSON = literal(r"^[\s]*[\[{]")
NOT_JSON = "'not valid JSON; truncated?'"


def records(items: str = "[document]", *, cluster: str = "''") -> str:
    """Return the query (see `RowFormat.rows`) of the records in delivered bodies.

    Args:
        items: Array(String) expression of the records in one `document`, which is a JSON text that is no array (an
            array's elements are documents themselves) or a line that is not JSON.
        cluster: Expression of the cluster's name over `document` and `line`, for deliveries that name none.
    """
    parts = f"if(match(body, {_STARTS_JSON}) AND isValidJSON(body), [body], splitByChar('\\n', body))"
    one = "if(startsWith(trimLeft(part), '[') AND isValidJSON(part), JSONExtractArrayRaw(part), [part])"
    query = f"SELECT delivery, received, context, arrayJoin({parts}) AS part FROM {{staged}}"
    query = f"SELECT delivery, received, context, arrayJoin({one}) AS document FROM ({query})"
    query = (
        f"SELECT delivery, received, context, document, arrayJoin({items}) AS line FROM ({query}) "
        "WHERE NOT match(document, '^[ \\t\\r]*$')"
    )
    if cluster == "''":
        return query
    query = f"SELECT delivery, received, context AS given, line, {cluster} AS named FROM ({query})"
    context = "if(given['cluster'] = '' AND named != '', mapUpdate(given, map('cluster', named)), given)"
    return f"SELECT delivery, received, {context} AS context, line FROM ({query})"
