"""Folds signals into alerts: pure functions from an alert and what happened to the alert as it is then."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from tocsin.model.alerts import EVIDENCE_LIMIT, Alert, AlertStatus, Evidence, Signal
from tocsin.model.labels import fingerprint
from tocsin.store.state.alerts import Tracked
from tocsin.store.state.history import Change


def fold(before: Tracked | None, signal: Signal, now: datetime) -> tuple[Tracked, Change]:
    """Return the alert after a signal, and how it changed.

    Args:
        before: The alert so far; None if its labels never fired.
        signal: What was found, with the same labels.
        now: When it reached us: the quiet period counts from here, not from the events' own times.
    """
    if before is None:
        return _begin(signal, 1, now), Change.NEW
    if before.alert.status is AlertStatus.RESOLVED:
        return _begin(signal, before.alert.episode + 1, now), Change.REFIRED
    alert = before.alert
    folded = replace(
        _begin(signal, alert.episode, now).alert,
        starts_at=min(alert.starts_at, signal.first_event),
        last_event=max(alert.last_event, signal.last_event),
        count=alert.count + signal.count,
        evidence=merge_evidence(alert.evidence, signal.evidence),
    )
    change = Change.FOLDED if alert.severity is signal.severity else Change.SEVERITY
    return Tracked(folded, now, signal.quiet), change


def merge_evidence(earlier: tuple[Evidence, ...], later: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Return the first and the latest of all events, by their own time, at most `EVIDENCE_LIMIT`; each event once."""
    unique = {(event.event_id, event.time): event for event in (*earlier, *later)}
    ordered = tuple(sorted(unique.values(), key=lambda event: (event.time, event.event_id)))
    if len(ordered) <= EVIDENCE_LIMIT:
        return ordered
    half = EVIDENCE_LIMIT // 2
    return ordered[:half] + ordered[half - EVIDENCE_LIMIT :]


def is_over(tracked: Tracked, watching_since: datetime, now: datetime) -> bool:
    """Whether a firing alert has been quiet for its quiet period while we were watching.

    After a start the period counts anew: what happened meanwhile has not been evaluated yet, so silence says nothing.
    """
    return now - max(tracked.arrived_at, watching_since) >= tracked.quiet


def resolve(tracked: Tracked, now: datetime) -> Tracked:
    """Return the alert as it is once it is over."""
    return replace(tracked, alert=replace(tracked.alert, status=AlertStatus.RESOLVED, ends_at=now, updated_at=now))


def _begin(signal: Signal, episode: int, now: datetime) -> Tracked:
    alert = Alert(
        fingerprint=fingerprint(signal.labels),
        labels=signal.labels,
        annotations=signal.annotations,
        rule_id=signal.rule_id,
        title=signal.title,
        severity=signal.severity,
        techniques=signal.techniques,
        runbook_url=signal.runbook_url,
        status=AlertStatus.FIRING,
        episode=episode,
        starts_at=signal.first_event,
        updated_at=now,
        last_event=signal.last_event,
        ends_at=None,
        count=signal.count,
        evidence=merge_evidence((), signal.evidence),
    )
    return Tracked(alert, now, signal.quiet)
