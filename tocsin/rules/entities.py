"""Whom and what an alert is about: fields of events as labels of alerts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

RESERVED = frozenset({"alertname", "severity", "cluster", "overflow"})
"""Labels that the detector sets itself."""

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_UNFIT = re.compile(r"[^a-zA-Z0-9_]+")

_SHORT = {
    "user.username": "user",
    "impersonateduser.username": "impersonated_user",
    "objectref.namespace": "namespace",
    "objectref.name": "name",
    "objectref.resource": "resource",
    "objectref.subresource": "subresource",
    "sourceip": "source_ip",
    "sourceips": "source_ip",
    "useragent": "user_agent",
    "responsestatus.code": "code",
}

DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "audit": {"user": "user.username", "namespace": "objectRef.namespace"},
    "logs": {"namespace": "namespace", "pod": "pod"},
}
"""Per table, the entity of a rule that names none: label to field."""


def label_name(field: str) -> str:
    """Return the label for a field: `user.username` gives `user`, an unknown `a.b-c` gives `a_b_c`."""
    short = _SHORT.get(field.lower())
    if short:
        return short
    name = _UNFIT.sub("_", field).strip("_")
    return name if _LABEL.fullmatch(name) and name not in RESERVED else f"field_{name}"


def labelled(fields: Sequence[str]) -> dict[str, str]:
    """Return label to field for a list of fields."""
    return {label_name(field): field for field in fields}


def problem(label: str) -> str:
    """Return what is wrong with a label's name; empty if nothing is."""
    if label in RESERVED:
        return f"the label {label!r} is set by Tocsin itself; choose another name"
    if not _LABEL.fullmatch(label):
        return f"{label!r} is not a label name; use letters, digits and underscores, as in source_ip"
    return ""
