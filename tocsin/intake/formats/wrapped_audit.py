"""Kubernetes audit events inside another JSON record, as cloud log services deliver them.

Those services cut long entries (CloudWatch at 256 KB, Azure at 32,766 bytes a field), and what is cut is an event with
a large body: were it only refused, a padded request would go unseen. The facts of who did what stand before the bodies,
so a cut event is stored without its bodies, at the entry's own time, with the annotation `tocsin.dev/truncated`.
"""

from __future__ import annotations

from tocsin.intake.formats.expressions import Layers, layered, literal
from tocsin.intake.formats.kubernetes_audit import AUDIT_REJECT, audit_columns, audit_let
from tocsin.store.base import RowFormat

_BODIES = literal(r',"(?:requestObject|responseObject)":')


def wrapped_audit(name: str, *, rows: str, event: str, time: str, refuse: str, layers: Layers = ()) -> RowFormat:
    """Return a format of the `audit` table.

    Args:
        name: The format's name.
        rows: See `RowFormat.rows`; a line is one entry with its wrapper.
        event: Expression of the audit event's text in the entry.
        time: Expression of the entry's own time as RFC 3339 text, for an event that is cut.
        refuse: Conditions and reasons as `multiIf` takes them, each ending in a comma, that come before the event's.
        layers: Expressions that those need.
    """
    whole = "found = '' OR endsWith(trimRight(found, ' \\t\\r\\n'), '}')"
    closing = (
        'concat(\',"stageTimestamp":\', toJSONString(entry_time), \',"annotations":{"tocsin.dev/truncated":"true"}}\')'
    )
    mended = f"concat(splitByRegexp({_BODIES}, found, 1)[1], {closing})"
    return RowFormat(
        name,
        "audit",
        audit_columns(),
        f"multiIf({refuse}{AUDIT_REJECT})",
        rows=layered(
            rows,
            (
                *layers,
                {"found": event, "entry_time": time},
                {"mended": f"if({whole}, found, {mended})"},
                *({name: expression} for name, expression in audit_let("mended")),
            ),
        ),
    )
