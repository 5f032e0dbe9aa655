"""One message in the place of many, for a destination that a storm has left with a long queue: pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from tocsin.alerting.decisions import Reason
from tocsin.model.alerts import Alert, AlertStatus, Notification
from tocsin.model.labels import fingerprint
from tocsin.model.severity import Severity
from tocsin.store.state.outbox import Message, NewMessage

ALERT_STORM = "tocsin.alert-storm"
"""Rule id of the alert that leads a digest and says what the digest is."""

_TITLE = "Alert storm"
_ALERTS = 500
"""Alerts that a digest carries, the worst of them; the others are counted."""


def digest(pending: Iterable[tuple[Message, Notification]], now: datetime) -> NewMessage:
    """Return one message that stands for all of `pending` (of one destination, at least one, oldest first).

    It carries each alert once, as last heard, without the events themselves, so that its size stays within reason; its
    first alert says how many messages and alerts it stands for. It is as old as the oldest of them.
    """
    messages: list[Message] = []
    latest: dict[str, Alert] = {}
    external_url = ""
    for message, notification in pending:
        messages.append(message)
        external_url = notification.external_url
        latest.update((a.fingerprint, replace(a, evidence=())) for a in notification.alerts if a.rule_id != ALERT_STORM)
    alerts = sorted(latest.values(), key=lambda alert: (alert.status, alert.severity.rank, alert.starts_at))
    first, stands_for = messages[0], sum(message.stands_for for message in messages)
    lead = _lead(alerts, stands_for, first, now)
    notification = Notification(
        receiver=first.receiver,
        group_key=f"tocsin/storm/{first.destination}",
        status=lead.status,
        alerts=(lead, *alerts[:_ALERTS]),
        group_labels=lead.labels,
        external_url=external_url,
        idempotency_key=_key(first, messages[-1]),
        created_at=first.created_at,
    )
    return NewMessage(first.destination, first.receiver, first.kind, Reason.DIGEST, notification, stands_for)


def _lead(alerts: Sequence[Alert], stands_for: int, first: Message, now: datetime) -> Alert:
    firing = [alert for alert in alerts if alert.status is AlertStatus.FIRING]
    severity = min((alert.severity for alert in firing or alerts), key=lambda each: each.rank, default=Severity.LOW)
    status = AlertStatus.FIRING if firing else AlertStatus.RESOLVED
    labels = {"alertname": _TITLE, "severity": severity.value, "receiver": first.receiver}
    summary = (
        f"{stands_for} messages were waiting for {first.destination}; this one stands for all of them. They tell of "
        f"{len(alerts)} alerts, of which {len(firing)} are firing"
    )
    if len(alerts) > _ALERTS:
        summary += f"; the worst {_ALERTS} of them are listed here, all of them in Tocsin"
    return Alert(
        fingerprint=fingerprint(labels),
        labels=labels,
        annotations={"summary": f"{summary}."},
        rule_id=ALERT_STORM,
        title=_TITLE,
        severity=severity,
        techniques=(),
        runbook_url="",
        status=status,
        episode=1,
        starts_at=min((alert.starts_at for alert in alerts), default=now),
        updated_at=now,
        last_event=max((alert.last_event for alert in alerts), default=now),
        ends_at=None if firing else now,
        count=sum(alert.count for alert in alerts),
    )


def _key(first: Message, last: Message) -> str:
    text = f"{Reason.DIGEST.value}\0{first.idempotency_key}\0{last.idempotency_key}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
