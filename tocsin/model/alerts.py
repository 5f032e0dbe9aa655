"""Signals (what rules hand over), alerts (what people see) and notifications (what destinations get)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tocsin.model.labels import Labels
from tocsin.model.severity import Severity


@dataclass(frozen=True, slots=True)
class Evidence:
    """One event that raised an alert.

    Attributes:
        event_id: The event's own id where it has one (an audit event's `auditID`), else our row id.
        time: When it happened, UTC.
        summary: One line for a person: who did what to what, with which outcome.
        raw: The event as it arrived (JSON text or log line).
    """

    event_id: str
    time: datetime
    summary: str
    raw: str


@dataclass(frozen=True, slots=True)
class Signal:
    """What a rule found in one evaluation for one set of labels; the alert pipeline folds signals into alerts.

    Attributes:
        rule_id: The rule's stable id (Sigma `id`, or the pack's slug).
        title: The rule's title.
        severity: How bad.
        labels: `alertname`, `severity` and the rule's group-by entities; the identity of the alert.
        annotations: `summary`, `description` and the like, already rendered.
        techniques: MITRE ATT&CK ids, such as `T1609`.
        runbook_url: Where to read what to do; empty if the rule names none.
        first_event: Time of the earliest matching event of this evaluation, UTC.
        last_event: Time of the latest one, UTC.
        count: How many new events matched (or correlated) since the previous evaluation.
        evidence: Some of them, oldest first, at most `EVIDENCE_LIMIT`.
        quiet: The alert resolves when nothing more matched for this long.
    """

    rule_id: str
    title: str
    severity: Severity
    labels: Labels
    annotations: Mapping[str, str]
    techniques: tuple[str, ...]
    runbook_url: str
    first_event: datetime
    last_event: datetime
    count: int
    evidence: tuple[Evidence, ...]
    quiet: timedelta


EVIDENCE_LIMIT = 20
"""Events carried along with one signal or alert; all the others are in the `detections` table."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The outcome of one evaluation of the stream rules.

    The receiver of a tick stores its consequences and the watermarks in ONE transaction, so that a crash leaves neither
    a gap nor a double.

    Attributes:
        signals: What was found.
        watermarks: Per writer, the last batch number that this evaluation has seen.
        at: When it was evaluated, UTC.
    """

    signals: tuple[Signal, ...]
    watermarks: Mapping[str, int]
    at: datetime


class AlertStatus(StrEnum):
    """Whether an alert is still going on."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: all signals with the same labels since it began.

    Attributes:
        fingerprint: `labels.fingerprint(labels)`.
        labels, annotations, rule_id, title, severity, techniques, runbook_url: From the latest signal.
        status: Firing, or resolved.
        episode: 1 for the first time these labels fired, counted up each time they fire anew after a resolution.
        starts_at: When this episode began (time of its first event), UTC.
        updated_at: When it last changed, UTC.
        last_event: Time of its latest event, UTC.
        ends_at: When it was resolved, UTC; None while firing.
        count: Events folded into this episode.
        evidence: The first and the latest events of the episode, oldest first, at most `EVIDENCE_LIMIT`.
        url: The alert's page in Tocsin; empty if no external URL is known.
    """

    fingerprint: str
    labels: Labels
    annotations: Mapping[str, str]
    rule_id: str
    title: str
    severity: Severity
    techniques: tuple[str, ...]
    runbook_url: str
    status: AlertStatus
    episode: int
    starts_at: datetime
    updated_at: datetime
    last_event: datetime
    ends_at: datetime | None
    count: int
    evidence: tuple[Evidence, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to one receiver, whatever its kind.

    Attributes:
        receiver: The receiver's name in the settings.
        group_key: Stable key of the group (PagerDuty's `dedup_key` and the webhook's `groupKey` derive from it).
        status: `FIRING` if any alert fires.
        alerts: The group's alerts, worst first; never empty.
        group_labels: The labels that the group has in common by definition.
        external_url: Base address of Tocsin's UI, without a trailing slash; empty if unknown.
        idempotency_key: Unique for this message; repeated unchanged when the message is sent again after a failure.
        created_at: When it became due, UTC.
        test: True for `tocsin notify test`: the message must be marked as a test.
    """

    receiver: str
    group_key: str
    status: AlertStatus
    alerts: tuple[Alert, ...]
    group_labels: Labels
    external_url: str
    idempotency_key: str
    created_at: datetime
    test: bool = False

    @property
    def common_labels(self) -> dict[str, str]:
        """The labels that every alert of the message has."""
        first, *rest = self.alerts
        return {k: v for k, v in first.labels.items() if all(a.labels.get(k) == v for a in rest)}

    @property
    def common_annotations(self) -> dict[str, str]:
        """The annotations that every alert of the message has."""
        first, *rest = self.alerts
        return {k: v for k, v in first.annotations.items() if all(a.annotations.get(k) == v for a in rest)}
