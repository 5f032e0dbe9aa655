"""Alerts as stored: one row per episode, of which the latest is the alert as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, Select, case, delete, false, func, select, true, update

from tocsin.model.alerts import Alert, AlertStatus
from tocsin.model.matchers import Matcher, match_all
from tocsin.model.severity import Severity
from tocsin.store.state.rows import chunks, upsert
from tocsin.store.state.tables import alerts as _table

_PAGE = 500
_WORST_FIRST = case({severity.value: severity.rank for severity in Severity}, value=_table.c.severity)
_BARE = [column for column in _table.c if column is not _table.c.evidence]


@dataclass(frozen=True, slots=True)
class Tracked:
    """An alert with what the pipeline must know to go on with it.

    Attributes:
        alert: The alert, without `url`.
        arrived_at: When its last match reached us, by our clock, UTC.
        quiet: It resolves when nothing more arrived for this long.
    """

    alert: Alert
    arrived_at: datetime
    quiet: timedelta

    @property
    def resolves_at(self) -> datetime:
        """When it resolves unless something more arrives."""
        return self.arrived_at + self.quiet


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts to list.

    Attributes:
        status: Only firing, or only resolved ones.
        at_least: Only those as bad as this or worse.
        rule_id: Only those of this rule.
        matchers: Only those whose labels fulfil all of these.
        since, until: Only those that changed at or after `since`, and before `until`.
        episodes: Earlier episodes too, not only the latest of each alert.
        limit, offset: Which part of the list.
    """

    status: AlertStatus | None = None
    at_least: Severity | None = None
    rule_id: str | None = None
    matchers: tuple[Matcher, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    episodes: bool = False
    limit: int = 100
    offset: int = 0


def load(connection: Connection, fingerprints: Sequence[str]) -> dict[str, Tracked]:
    """The latest episode of each of these alerts, by fingerprint; unknown ones are left out."""
    found = {}
    for part in chunks(fingerprints):
        query = select(_table).where(_table.c.fingerprint.in_(part), _table.c.latest == true())
        found.update({row.fingerprint: _tracked(row) for row in connection.execute(query)})
    return found


def save(connection: Connection, records: Sequence[Tracked]) -> None:
    """Store alerts; each becomes the latest episode of its fingerprint."""
    begun = [r.alert.fingerprint for r in records if r.alert.episode > 1]
    for part in chunks(begun):
        connection.execute(
            update(_table).where(_table.c.fingerprint.in_(part), _table.c.latest == true()).values(latest=false())
        )
    upsert(connection, _table, [_row(record) for record in records])


def overdue(connection: Connection, now: datetime) -> list[Tracked]:
    """Firing alerts whose quiet period is over."""
    query = select(_table).where(_table.c.status == AlertStatus.FIRING, _table.c.resolves_at <= now)
    return [_tracked(row) for row in connection.execute(query)]


def find(connection: Connection, query: AlertQuery) -> list[Alert]:
    """List alerts without their evidence: firing ones first, then the worst, then the latest changed."""
    matching = (alert for alert in _walk(connection, _selection(query)) if match_all(query.matchers, alert.labels))
    return list(islice(matching, query.offset, query.offset + query.limit))


def get(connection: Connection, fingerprint: str, episode: int | None = None) -> Alert | None:
    """One alert with its evidence: its latest episode, or the one asked for."""
    which = _table.c.latest == true() if episode is None else _table.c.episode == episode
    row = connection.execute(select(_table).where(_table.c.fingerprint == fingerprint, which)).first()
    return _alert(row, row.evidence) if row else None


def episodes(connection: Connection, fingerprint: str, limit: int = 100) -> list[Alert]:
    """The episodes of one alert without their evidence, latest first."""
    query = select(*_BARE).where(_table.c.fingerprint == fingerprint).order_by(_table.c.episode.desc()).limit(limit)
    return [_alert(row) for row in connection.execute(query)]


def counts(connection: Connection) -> dict[tuple[AlertStatus, Severity], int]:
    """How many alerts there are (latest episodes), by status and severity."""
    query = (
        select(_table.c.status, _table.c.severity, func.count())
        .where(_table.c.latest == true())
        .group_by(_table.c.status, _table.c.severity)
    )
    return {(AlertStatus(status), Severity(severity)): n for status, severity, n in connection.execute(query)}


def prune(connection: Connection, before: datetime) -> int:
    """Forget episodes that were resolved before `before`; returns their number."""
    gone = delete(_table).where(_table.c.status == AlertStatus.RESOLVED, _table.c.ends_at < before)
    return connection.execute(gone).rowcount


def _selection(query: AlertQuery) -> Select[Any]:
    selection = select(*_BARE).order_by(
        _table.c.status, _WORST_FIRST, _table.c.updated_at.desc(), _table.c.fingerprint, _table.c.episode.desc()
    )
    if not query.episodes:
        selection = selection.where(_table.c.latest == true())
    if query.status:
        selection = selection.where(_table.c.status == query.status)
    if query.at_least:
        selection = selection.where(_table.c.severity.in_([s for s in Severity if s.at_least(query.at_least)]))
    if query.rule_id is not None:
        selection = selection.where(_table.c.rule_id == query.rule_id)
    if query.since:
        selection = selection.where(_table.c.updated_at >= query.since)
    if query.until:
        selection = selection.where(_table.c.updated_at < query.until)
    return selection


def _walk(connection: Connection, selection: Select[Any]) -> Iterator[Alert]:
    with connection.execute(selection.execution_options(yield_per=_PAGE)) as rows:
        for row in rows:
            yield _alert(row)


def _tracked(row: Row[Any]) -> Tracked:
    return Tracked(_alert(row, row.evidence), row.arrived_at, row.resolves_at - row.arrived_at)


def _alert(row: Row[Any], evidence: tuple[Any, ...] = ()) -> Alert:
    return Alert(
        fingerprint=row.fingerprint,
        labels=row.labels,
        annotations=row.annotations,
        rule_id=row.rule_id,
        title=row.title,
        severity=Severity(row.severity),
        techniques=row.techniques,
        runbook_url=row.runbook_url,
        status=AlertStatus(row.status),
        episode=row.episode,
        starts_at=row.starts_at,
        updated_at=row.updated_at,
        last_event=row.last_event,
        ends_at=row.ends_at,
        count=row.events,
        evidence=evidence,
    )


def _row(record: Tracked) -> dict[str, Any]:
    alert = record.alert
    return {
        "fingerprint": alert.fingerprint,
        "episode": alert.episode,
        "latest": True,
        "status": alert.status,
        "rule_id": alert.rule_id,
        "title": alert.title,
        "severity": alert.severity,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "techniques": alert.techniques,
        "runbook_url": alert.runbook_url,
        "starts_at": alert.starts_at,
        "updated_at": alert.updated_at,
        "last_event": alert.last_event,
        "ends_at": alert.ends_at,
        "arrived_at": record.arrived_at,
        "resolves_at": record.resolves_at,
        "events": alert.count,
        "evidence": alert.evidence,
    }
