"""Alerts and notifications for the tests: a plain one, and any at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tocsin.kit.units import ByteSize, Duration
from tocsin.model.alerts import EVIDENCE_LIMIT, Alert, AlertStatus, Evidence, Notification
from tocsin.model.severity import Severity

START = datetime(2026, 3, 1, 12, 0, 3, tzinfo=UTC)
LABELS = {
    "alertname": "Shell opened in a pod",
    "severity": "high",
    "cluster": "prod",
    "namespace": "payments",
    "pod": "web-0",
    "user": "alice@example.com",
    "source": "203.0.113.7",
}
FINGERPRINT = "bf3bf960996eadae"
URL = "https://tocsin.example/alerts/bf3bf960996eadae"
RUNBOOK = "https://runbooks.example/shell-in-a-pod"


def event(number: int) -> Evidence:
    """The event `number` seconds after the start."""
    return Evidence(
        event_id=f"audit-{number}",
        time=START + timedelta(seconds=number),
        summary=f"alice@example.com created pods/exec number {number} in payments/web-0 -> 101",
        raw=f'{{"kind":"Event","auditID":"audit-{number}","verb":"create"}}',
    )


def alert(**changes: Any) -> Alert:
    """One firing alert, with changes."""
    values: dict[str, Any] = {
        "labels": LABELS,
        "annotations": {"summary": "alice@example.com opened a shell in payments/web-0", "owner": "platform"},
        "rule_id": "shell-in-a-pod",
        "title": "Shell opened in a pod",
        "severity": Severity.HIGH,
        "techniques": ("T1609", "T1059"),
        "runbook_url": RUNBOOK,
        "status": AlertStatus.FIRING,
        "episode": 1,
        "starts_at": START,
        "updated_at": START + timedelta(seconds=9),
        "last_event": START + timedelta(seconds=6),
        "ends_at": None,
        "count": 7,
        "evidence": tuple(event(number) for number in range(4)),
        "url": URL,
    } | changes
    return Alert(fingerprint=FINGERPRINT, **values)


def resolved(**changes: Any) -> Alert:
    """The same alert when it is over."""
    return alert(status=AlertStatus.RESOLVED, ends_at=START + timedelta(minutes=15), **changes)


def notification(*alerts: Alert, **changes: Any) -> Notification:
    """One message about `alerts`, or about the plain alert."""
    told = alerts or (alert(),)
    firing = any(each.status is AlertStatus.FIRING for each in told)
    values: dict[str, Any] = {
        "receiver": "oncall",
        "group_key": '{alertname="Shell opened in a pod",user="alice@example.com"}',
        "status": AlertStatus.FIRING if firing else AlertStatus.RESOLVED,
        "alerts": told,
        "group_labels": {"alertname": "Shell opened in a pod"},
        "external_url": "https://tocsin.example",
        "idempotency_key": "oncall/1/new/1",
        "created_at": START + timedelta(seconds=10),
    } | changes
    return Notification(**values)


def settings_hook(kind: type, value: Any) -> Any:
    """Decode durations and sizes as the settings file's reader does."""
    if kind is Duration:
        return Duration.parse(value)
    if kind is ByteSize:
        return ByteSize.parse(value)
    raise NotImplementedError(kind)


_NASTY = (
    "<script>&amp;</script>",
    "```",
    "*_~`[x](http://evil.example)|",
    "\x00\x1b[31m\r\n\u202e",
    "🦊" * 3,
    "\ud800",
)
_words = st.one_of(st.text(st.characters(), max_size=30), st.sampled_from(_NASTY))
_texts = st.builds(lambda word, times: word * times, _words, st.sampled_from((1, 1, 2, 30, 3000, 40_000)))
_names = st.one_of(st.sampled_from(tuple(LABELS)), st.text(max_size=40))
_links = st.one_of(
    st.just(""), st.just("https://runbooks.example/x?a=b&c=d"), st.just("https://e.example/" + "x" * 5000), _texts
)
_times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_evidence = st.builds(Evidence, event_id=_texts, time=_times, summary=_texts, raw=_texts)
_any_alerts = st.builds(
    alert,
    labels=st.dictionaries(_names, _texts, max_size=60),
    annotations=st.dictionaries(st.one_of(st.just("summary"), _names), _texts, max_size=10),
    rule_id=_texts,
    title=_texts,
    severity=st.sampled_from(Severity),
    techniques=st.lists(_texts, max_size=30).map(tuple),
    runbook_url=_links,
    status=st.sampled_from(AlertStatus),
    ends_at=st.none() | _times,
    starts_at=_times,
    last_event=_times,
    count=st.integers(1, 10**12),
    evidence=st.lists(_evidence, max_size=EVIDENCE_LIMIT).map(tuple),
)
any_notifications = st.builds(
    lambda alerts, times, test, key: notification(*(alerts * times)[:1000], test=test, group_key=key),
    st.lists(_any_alerts, min_size=1, max_size=4),
    st.sampled_from((1, 1, 2, 10, 60, 1000)),
    st.booleans(),
    _texts,
)
"""Any message: any characters, texts of up to 100,000 and more, up to a thousand alerts."""
