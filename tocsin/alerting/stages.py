"""The stages of the pipeline: each takes a batch of alerts and an open transaction, and hands on a fuller batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection

from tocsin.alerting.decisions import Reason, decide, idempotency_key
from tocsin.alerting.destinations import Destination
from tocsin.alerting.folding import fold, is_over, resolve
from tocsin.alerting.grouping import group_key
from tocsin.alerting.routing import Routed, Routing
from tocsin.model.alerts import Alert, AlertStatus, Notification, Signal
from tocsin.model.labels import fingerprint
from tocsin.store.state import alerts, history, notified, outbox
from tocsin.store.state.alerts import Tracked
from tocsin.store.state.history import Change, Entry
from tocsin.store.state.notified import Told
from tocsin.store.state.outbox import NewMessage


@dataclass(frozen=True, slots=True)
class Batch:
    """What the stages hand to each other.

    Attributes:
        at: The time of it all, UTC.
        signals: What the rules found.
        changed: Alerts that changed, each as it is now and how it changed.
        reminders: Alerts that did not change, but of which somebody is to be reminded.
        told: What the destinations will have been told.
        messages: What to send them.
    """

    at: datetime
    signals: tuple[Signal, ...] = ()
    changed: tuple[tuple[Tracked, Change], ...] = ()
    reminders: tuple[Tracked, ...] = ()
    told: tuple[Told, ...] = ()
    messages: tuple[NewMessage, ...] = ()


Stage: TypeAlias = Callable[[Connection, Batch], Batch]


def folding(connection: Connection, batch: Batch) -> Batch:
    """Fold the signals into the alerts."""
    marked = [(fingerprint(signal.labels), signal) for signal in batch.signals]
    tracked = alerts.load(connection, list({mark for mark, _ in marked}))
    changes: dict[str, Change] = {}
    for mark, signal in marked:
        tracked[mark], change = fold(tracked.get(mark), signal, batch.at)
        # Of several changes in one batch the first one tells most: new, then folded, is new.
        if changes.get(mark, Change.FOLDED) is Change.FOLDED:
            changes[mark] = change
    return replace(batch, changed=tuple((tracked[mark], change) for mark, change in changes.items()))


def resolving(watching_since: datetime) -> Stage:
    """Make the stage that resolves alerts whose quiet period is over."""

    def stage(connection: Connection, batch: Batch) -> Batch:
        over = (each for each in alerts.overdue(connection, batch.at) if is_over(each, watching_since, batch.at))
        return replace(batch, changed=tuple((resolve(each, batch.at), Change.RESOLVED) for each in over))

    return stage


def reminding(connection: Connection, batch: Batch) -> Batch:
    """Take up the alerts whose repeat interval is over."""
    changed = {tracked.alert.fingerprint for tracked, _ in batch.changed}
    due = [mark for mark in notified.repeats_due(connection, batch.at) if mark not in changed]
    return replace(batch, reminders=tuple(alerts.load(connection, due).values()))


def recording(connection: Connection, batch: Batch) -> Batch:
    """Store the alerts that changed, and their history."""
    alerts.save(connection, [tracked for tracked, _ in batch.changed])
    history.record(
        connection, [_entry(tracked.alert, change, batch.at) for tracked, change in batch.changed if _notable(change)]
    )
    return batch


def deciding(routing: Routing, external_url: str) -> Stage:
    """Make the stage that decides who is to be told what."""

    def stage(connection: Connection, batch: Batch) -> Batch:
        considered = [tracked.alert for tracked, _ in batch.changed] + [each.alert for each in batch.reminders]
        before = notified.load(connection, [group_key(alert.fingerprint) for alert in considered])
        by_group: dict[str, dict[str, Told]] = {}
        for told in before.values():
            by_group.setdefault(told.group_key, {})[told.destination] = told
        told_now: list[Told] = []
        messages: list[NewMessage] = []
        for alert in considered:
            one_told, one_messages = _decide_one(
                alert, by_group.get(group_key(alert.fingerprint), {}), routing, external_url, batch.at
            )
            told_now += one_told
            messages += one_messages
        return replace(batch, told=tuple(told_now), messages=tuple(messages))

    return stage


def queueing(connection: Connection, batch: Batch) -> Batch:
    """Put the messages into the outbox, and note what was told."""
    notified.save(connection, batch.told)
    outbox.enqueue(connection, batch.messages)
    return batch


def _decide_one(
    alert: Alert, before: dict[str, Told], routing: Routing, external_url: str, now: datetime
) -> tuple[list[Told], list[NewMessage]]:
    routes = {routed.destination.name: routed for routed in routing.decide(alert)}
    told_now: list[Told] = []
    messages: list[NewMessage] = []
    for name in dict.fromkeys((*routes, *before)):
        told, routed = before.get(name), routes.get(name)
        repeat_at = now + (routed.repeat if routed else routing.repeat)
        reason = decide(alert, told, routed, now)
        if reason is None:
            if told and told.status is AlertStatus.FIRING and told.repeat_at <= now:
                # It goes there no longer. Ask again later, since a change of the settings may bring it back.
                told_now.append(replace(told, repeat_at=repeat_at))
            continue
        sequence = told.sequence + 1 if told else 1
        key = group_key(alert.fingerprint)
        told_now.append(
            Told(name, key, alert.fingerprint, alert.episode, alert.status, alert.severity, sequence, now, repeat_at)
        )
        destination = routing.destination(name)
        if destination and _wanted(reason, destination, routed):
            messages.append(_message(alert, destination, reason, sequence, external_url, now))
    return told_now, messages


def _wanted(reason: Reason, destination: Destination, routed: Routed | None) -> bool:
    if reason is not Reason.RESOLVED:
        return True
    return routed.send_resolved if routed else destination.send_resolved


def _message(
    alert: Alert, destination: Destination, reason: Reason, sequence: int, external_url: str, now: datetime
) -> NewMessage:
    key = group_key(alert.fingerprint)
    return NewMessage(
        destination.name,
        destination.receiver,
        destination.kind,
        reason,
        Notification(
            receiver=destination.receiver,
            group_key=key,
            status=alert.status,
            alerts=(with_url(alert, external_url),),
            group_labels=alert.labels,
            external_url=external_url,
            idempotency_key=idempotency_key(destination.name, key, alert.episode, reason, sequence),
            created_at=now,
        ),
    )


def with_url(alert: Alert, external_url: str) -> Alert:
    """The alert with the addresses of its page and of a runbook of ours; unchanged if no external URL is known."""
    if not external_url:
        return alert
    runbook = f"{external_url}{alert.runbook_url}" if alert.runbook_url.startswith("/") else alert.runbook_url
    return replace(alert, url=f"{external_url}/alerts/{alert.fingerprint}", runbook_url=runbook)


def _notable(change: Change) -> bool:
    return change is not Change.FOLDED


def _entry(alert: Alert, change: Change, now: datetime) -> Entry:
    details = {
        Change.RESOLVED: f"quiet since the last match; {alert.count} events in all",
        Change.SEVERITY: f"severity is {alert.severity.value} now",
    }
    detail = details.get(change) or alert.annotations.get("summary", "") or alert.title
    return Entry(alert.fingerprint, alert.episode, now, change, detail)
