"""Alerts: the list, and one with its evidence, its history and what to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Connection

from tocsin.alerting.grouping import group_key
from tocsin.api.functions.moments import limited, moment, skipped
from tocsin.api.services import Services
from tocsin.model.alerts import Alert, AlertStatus
from tocsin.model.errors import InvalidInput, NotFound
from tocsin.model.matchers import Matcher, parse_matchers
from tocsin.model.severity import Severity
from tocsin.respond.evidence import Event, read_evidence, whole_event
from tocsin.respond.runbooks import Runbook, read_runbook
from tocsin.store.base import parse_time
from tocsin.store.state import alerts, history, outbox
from tocsin.store.state.alerts import AlertQuery
from tocsin.store.state.history import Entry
from tocsin.store.state.outbox import Message, MessageQuery

_MESSAGES = 20


@dataclass(frozen=True, slots=True)
class AlertDetails:
    """All that is known of one alert.

    Attributes:
        alert: It, with its evidence.
        episodes: All times that it fired, latest first, without evidence.
        history: Its changes, oldest first.
        messages: The latest messages about it, latest first.
        runbook: What to do, if its rule names a runbook that is here.
    """

    alert: Alert
    episodes: list[Alert]
    history: list[Entry]
    messages: list[Message]
    runbook: Runbook | None


async def list_alerts(
    services: Services,
    *,
    status: AlertStatus | None = None,
    at_least: Severity | None = None,
    rule: str | None = None,
    matchers: str = "",
    since: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Alert]:
    """List alerts: firing ones first, then the worst, then the latest changed; without their evidence.

    Args:
        services: What is needed.
        status: Only firing or only resolved ones.
        at_least: Only those as bad as this or worse.
        rule: Only those of the rule with this id.
        matchers: Only those whose labels fulfil all of these, such as `namespace="shop",user=~"system:.*"`.
        since: Only those that changed at or after this moment.
        limit: At most so many.
        offset: Leave out so many first.

    Raises:
        InvalidInput: A parameter is wrong.
    """
    query = AlertQuery(
        status=status,
        at_least=at_least,
        rule_id=rule,
        matchers=parse_matchers(matchers),
        since=moment(services, "since", since),
        limit=limited(services, limit),
        offset=skipped(offset),
    )
    return [_linked(services, alert) for alert in await services.workers.run(lambda: _find(services, query))]


async def get_alert(services: Services, fingerprint: str, episode: int | None = None) -> AlertDetails:
    """Return one alert: its latest episode, or the one asked for. Raises NotFound."""
    return await services.workers.run(lambda: _details(services, fingerprint, episode))


@dataclass(frozen=True, slots=True)
class EvidencePage:
    """Some of the events behind an alert, earliest first.

    Attributes:
        events: These, each with all of the event as it arrived; only its first 16 KiB, and `cut`, if the event itself
            is no longer stored.
        following: Pass it as `after` for the next page; None if there is none.
    """

    events: tuple[Event, ...]
    following: str | None


async def alert_evidence(
    services: Services, fingerprint: str, *, episode: int | None = None, after: str | None = None, limit: int = 100
) -> EvidencePage:
    """Return the events behind an alert, page by page: all of them, not only those that the alert carries along.

    Raises NotFound, or InvalidInput for a wrong parameter.
    """
    begin = _decoded(after) if after else None

    def read() -> EvidencePage:
        with services.state.read() as connection:
            alert = _alert(connection, fingerprint, episode)
        page = read_evidence(services.columns, alert, after=begin, limit=limit, budget=services.budget)
        events = tuple(_whole(services, event) for event in page.events)
        return EvidencePage(events, _encoded(page.last) if page.last else None)

    return await services.workers.run(read)


async def list_firing(services: Services, matchers: tuple[Matcher, ...]) -> list[tuple[Alert, tuple[str, ...]]]:
    """List firing alerts, the worst first, each with the names of the receivers it goes to."""
    query = AlertQuery(status=AlertStatus.FIRING, matchers=matchers, limit=services.max_rows)
    found = await services.workers.run(lambda: _find(services, query))
    return [(_linked(services, alert), _receivers(services, alert)) for alert in found]


async def count_alerts(services: Services) -> dict[tuple[AlertStatus, Severity], int]:
    """Count alerts by status and severity."""

    def read() -> dict[tuple[AlertStatus, Severity], int]:
        with services.state.read() as connection:
            return alerts.counts(connection)

    return await services.workers.run(read)


def _receivers(services: Services, alert: Alert) -> tuple[str, ...]:
    return tuple(dict.fromkeys(routed.destination.receiver for routed in services.routing().decide(alert)))


def _find(services: Services, query: AlertQuery) -> list[Alert]:
    with services.state.read() as connection:
        return alerts.find(connection, query)


def _details(services: Services, fingerprint: str, episode: int | None) -> AlertDetails:
    with services.state.read() as connection:
        alert = _alert(connection, fingerprint, episode)
        return AlertDetails(
            _linked(services, alert),
            alerts.episodes(connection, fingerprint),
            history.of(connection, fingerprint),
            outbox.find(connection, MessageQuery(group_key=group_key(fingerprint), limit=_MESSAGES)),
            _runbook(services, alert.runbook_url),
        )


def _alert(connection: Connection, fingerprint: str, episode: int | None) -> Alert:
    found = alerts.get(connection, fingerprint, episode)
    if found is None:
        which = f"{fingerprint!r}" if episode is None else f"{fingerprint!r} with an episode {episode}"
        raise NotFound(f"there is no alert {which}")
    return found


def _whole(services: Services, event: Event) -> Event:
    if not event.cut:
        return event
    raw = whole_event(services.columns, event, services.budget)
    return replace(event, raw=raw, cut=raw == event.raw)


def _encoded(last: tuple[datetime, str]) -> str:
    return f"{last[0].isoformat()}~{last[1]}"


def _decoded(text: str) -> tuple[datetime, str]:
    time, separator, event_id = text.partition("~")
    try:
        moment_ = parse_time(time)
    except ValueError:
        separator = ""
    if not separator or moment_.tzinfo is None:
        raise InvalidInput("after: not what the page before said under `following`")
    return moment_, event_id


def _runbook(services: Services, url: str) -> Runbook | None:
    head, _, slug = urlsplit(url).path.rpartition("/")
    if not head.endswith("/runbooks"):
        return None
    try:
        return read_runbook(slug, services.runbooks)
    except NotFound:
        return None


def _linked(services: Services, alert: Alert) -> Alert:
    return replace(alert, url=f"{services.external_url}/alerts/{alert.fingerprint}" if services.external_url else "")
