"""What Alertmanager adds to Go's templates: functions, and the data that a notification's templates see.

https://prometheus.io/docs/alerting/latest/notifications/
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar
from urllib.parse import unquote_plus

from tocsin.query.gotemplate import encoding, humanizing, quoting, texts
from tocsin.query.gotemplate.durations import Duration
from tocsin.query.gotemplate.errors import Fault
from tocsin.query.gotemplate.times import TIME, Time, zone
from tocsin.query.gotemplate.values import ANY, LIST, TEXT, TEXTS, Function, Methods, Struct, TextMap


class KV(TextMap):
    """Labels or annotations."""

    go_type = "template.KV"
    go_methods: ClassVar[Methods] = {}

    def go_string(self) -> str:
        """The sorted pairs on one line."""
        return _sorted_pairs(self).go_string()


class Pairs(list[Struct]):
    """Sorted names and values; it prints as `a=1, b=2`."""

    go_type: ClassVar[str] = "template.Pairs"
    go_methods: ClassVar[Methods] = {}

    def go_string(self) -> str:
        """The pairs on one line."""
        return ", ".join(f"{pair.fields['Name']}={pair.fields['Value']}" for pair in self)


class Alerts(list[Struct]):
    """The alerts of a notification."""

    go_type: ClassVar[str] = "template.Alerts"
    go_methods: ClassVar[Methods] = {}


def _sorted_pairs(labels: KV) -> Pairs:
    # The alert's name comes first, as in Alertmanager.
    names = sorted(labels, key=lambda name: (name != "alertname", name))
    return Pairs(Struct("template.Pair", {"Name": name, "Value": labels[name]}) for name in names)


def _removed(labels: KV, names: list[str]) -> KV:
    gone = set(names)
    return KV({name: value for name, value in labels.items() if name not in gone})


def _column(pairs: Pairs, field: str) -> list[object]:
    return [pair.fields[field] for pair in pairs]


def _with_status(alerts: Alerts, status: str) -> list[Struct]:
    return [alert for alert in alerts if alert.fields["Status"] == status]


KV.go_methods = {
    "Names": Function(lambda labels: _column(_sorted_pairs(labels), "Name")),
    "Remove": Function(_removed, TEXTS),
    "SortedPairs": Function(_sorted_pairs),
    "String": Function(KV.go_string),
    "Values": Function(lambda labels: _column(_sorted_pairs(labels), "Value")),
}
Pairs.go_methods = {
    "Names": Function(lambda pairs: _column(pairs, "Name")),
    "String": Function(Pairs.go_string),
    "Values": Function(lambda pairs: _column(pairs, "Value")),
}
Alerts.go_methods = {
    "Firing": Function(lambda alerts: _with_status(alerts, "firing")),
    "Resolved": Function(lambda alerts: _with_status(alerts, "resolved")),
}


def alert(
    *,
    status: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    starts_at: datetime,
    ends_at: datetime | None = None,
    generator_url: str = "",
    fingerprint: str = "",
) -> Struct:
    """One alert as templates see it; `status` is `firing` or `resolved`, times have a zone."""
    fields: dict[str, object] = {
        "Status": status,
        "Labels": KV(labels),
        "Annotations": KV(annotations),
        "StartsAt": Time.of(starts_at),
        "EndsAt": Time.of(ends_at) if ends_at else Time.zero(),
        "GeneratorURL": generator_url,
        "Fingerprint": fingerprint,
    }
    return Struct("template.Alert", fields)


def data(
    *,
    receiver: str,
    alerts: Iterable[Struct],
    group_labels: Mapping[str, str],
    external_url: str,
    route_labels: Mapping[str, str] | None = None,
    reason: str = "",
) -> Struct:
    """What dot is in a notification's templates. What the alerts have in common is worked out here."""
    all_alerts = Alerts(alerts)
    fields: dict[str, object] = {
        "Receiver": receiver,
        "Status": "firing" if any(a.fields["Status"] == "firing" for a in all_alerts) else "resolved",
        "Alerts": all_alerts,
        "GroupLabels": KV(group_labels),
        "CommonLabels": _common(all_alerts, "Labels"),
        "CommonAnnotations": _common(all_alerts, "Annotations"),
        "ExternalURL": external_url,
        "RouteLabels": KV(route_labels or {}),
        "NotificationReason": reason,
    }
    return Struct("*template.Data", fields)


def _common(alerts: Alerts, field: str) -> KV:
    maps = [value for value in (alert.fields[field] for alert in alerts) if isinstance(value, KV)]
    if not maps:
        return KV()
    first, *rest = maps
    return KV({name: value for name, value in first.items() if all(other.get(name) == value for other in rest)})


def _dict(*values: object) -> dict[str, object]:
    if len(values) % 2:
        raise Fault("dict requires an even number of arguments")
    made = {}
    for key, value in zip(values[::2], values[1::2], strict=True):
        if not isinstance(key, str):
            raise Fault("dict keys must be strings")
        made[key] = value
    return made


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode(errors="replace")).decode()


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        raise Fault("illegal base64 data") from None


def _unescaped(text: str) -> str:
    return unquote_plus(text, errors="replace")


FUNCTIONS: Mapping[str, Function] = {
    "append": Function(lambda items, *more: [*items, *more], LIST, rest=ANY),
    "base64Decode": Function(_decoded, TEXT),
    "base64Encode": Function(_encoded, TEXT),
    "date": Function(lambda layout, moment: moment.format(layout), TEXT, TIME),
    "dict": Function(_dict, rest=ANY),
    "humanizeDuration": Function(humanizing.humanize_duration, ANY),
    "join": Function(texts.joined, TEXT, TEXTS, metered=True),
    "list": Function(lambda *items: list(items), rest=ANY),
    "match": Function(texts.match, TEXT, TEXT),
    "reReplaceAll": Function(texts.replace_all, TEXT, TEXT, TEXT, metered=True),
    "safeHtml": Function(quoting.SafeHtml, TEXT),
    "safeUrl": Function(quoting.SafeUrl, TEXT),
    "stringSlice": Function(lambda *items: list(items), rest=TEXT),
    "title": Function(texts.title_case, TEXT),
    "toJson": Function(encoding.encode, ANY, metered=True),
    "toLower": Function(str.lower, TEXT),
    "toUpper": Function(str.upper, TEXT),
    "trimSpace": Function(str.strip, TEXT),
    "tz": Function(lambda name, moment: Time(moment.nanoseconds, zone(name)), TEXT, TIME),
    "urlUnescape": Function(_unescaped, TEXT),
}


def functions(now: datetime) -> dict[str, Function]:
    """All functions of a notification's templates; `now` (with a zone) is the time at which it is made."""
    moment = Time.of(now)
    return {
        **FUNCTIONS,
        "now": Function(lambda: moment),
        "since": Function(lambda then: Duration(moment.nanoseconds - then.nanoseconds), TIME),
    }
