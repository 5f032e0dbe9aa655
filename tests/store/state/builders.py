"""Values for the tests of state."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tocsin.model.alerts import Alert, AlertStatus, Evidence, Notification
from tocsin.model.labels import fingerprint
from tocsin.model.severity import Severity
from tocsin.store.state.alerts import Tracked
from tocsin.store.state.notified import Told
from tocsin.store.state.outbox import NewMessage

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUIET = timedelta(minutes=15)


def at(seconds: float) -> datetime:
    """`seconds` after the start of the test's time."""
    return START + timedelta(seconds=seconds)


def alert(name: str = "Shell in pod", **changes: Any) -> Alert:
    """A firing alert, told apart by `name`."""
    labels = {"alertname": name, "severity": "high", "namespace": "prod"}
    made = Alert(
        fingerprint=fingerprint(labels),
        labels=labels,
        annotations={"summary": "alice opened a shell\0 in prod/web"},
        rule_id="shell-in-pod",
        title=name,
        severity=Severity.HIGH,
        techniques=("T1609",),
        runbook_url="https://example.org/runbook",
        status=AlertStatus.FIRING,
        episode=1,
        starts_at=START,
        updated_at=START,
        last_event=START,
        ends_at=None,
        count=2,
        evidence=(Evidence("a-1", START, "alice exec web", '{"auditID":"a-1","x":"\\u0000"}'),),
    )
    return replace(made, **changes)


def tracked(name: str = "Shell in pod", arrived_at: datetime = START, **changes: Any) -> Tracked:
    """The same, as stored."""
    return Tracked(alert(name, **changes), arrived_at, QUIET)


def message(
    key: str, group: str = "tocsin/a", destination: str = "team/webhook", created_at: datetime = START
) -> NewMessage:
    """A message of one alert."""
    receiver, kind = destination.split("/")[:2]
    return NewMessage(
        destination,
        receiver,
        kind,
        "new",
        Notification(
            receiver=receiver,
            group_key=group,
            status=AlertStatus.FIRING,
            alerts=(alert(),),
            group_labels=alert().labels,
            external_url="https://tocsin.example",
            idempotency_key=key,
            created_at=created_at,
        ),
    )


def told(destination: str = "team/webhook", group: str = "tocsin/a", **changes: Any) -> Told:
    """What a destination was told."""
    made = Told(destination, group, "a", 1, AlertStatus.FIRING, Severity.HIGH, 1, START, START + timedelta(hours=4))
    return replace(made, **changes)
