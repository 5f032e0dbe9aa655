"""The wire formats, by the name that settings, requests and `tocsin ingest --format` know them by."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.intake.formats.aks import AKS
from tocsin.intake.formats.cri import CRI
from tocsin.intake.formats.docker_json import DOCKER_JSON
from tocsin.intake.formats.eks import EKS
from tocsin.intake.formats.falco import FALCO
from tocsin.intake.formats.gke import GKE
from tocsin.intake.formats.journald import JOURNALD
from tocsin.intake.formats.json_lines import JSON_LINES
from tocsin.intake.formats.klog import KLOG
from tocsin.intake.formats.kubernetes_audit import KUBERNETES_AUDIT
from tocsin.intake.formats.kubernetes_events import KUBERNETES_EVENTS
from tocsin.intake.formats.syslog import SYSLOG
from tocsin.model.errors import InvalidInput
from tocsin.store.base import RowFormat

FORMATS: Mapping[str, RowFormat] = {
    row_format.name: row_format
    for row_format in (
        KUBERNETES_AUDIT,
        EKS,
        GKE,
        AKS,
        CRI,
        DOCKER_JSON,
        KLOG,
        JOURNALD,
        SYSLOG,
        KUBERNETES_EVENTS,
        FALCO,
        JSON_LINES,
    )
}

ALIASES: Mapping[str, str] = {
    "audit": "kubernetes-audit",
    "docker": "docker-json",
    "events": "kubernetes-events",
    "json": "json-lines",
    "logfmt": "json-lines",
    "plain": "json-lines",
}
"""Short names that people write."""


def format_named(name: str) -> RowFormat:
    """Return the format of that name or alias; raises InvalidInput with the names there are."""
    key = name.strip().lower().replace("_", "-")
    found = FORMATS.get(ALIASES.get(key, key))
    if found is None:
        raise InvalidInput(f"unknown format {name!r}; expected one of auto, {', '.join(sorted(FORMATS))}")
    return found
