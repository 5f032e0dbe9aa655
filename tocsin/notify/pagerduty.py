"""PagerDuty: Events API v2, one incident per group of alerts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Annotated, Any

import httpx
import orjson
from msgspec import Meta

from tocsin.kit.units import Duration
from tocsin.model.alerts import AlertStatus, Notification
from tocsin.model.severity import Severity
from tocsin.notify.facts import TEST_NOTE, Facts, Message, gather, headline
from tocsin.notify.http import Poster
from tocsin.notify.secrets import Secret, SecretiveSettings, check_url, one_of
from tocsin.notify.shrink import Detail, richest
from tocsin.notify.texts import line

SUMMARY_LIMIT = 1024
"""Characters of `payload.summary` (PagerDuty, "Send an Alert Event")."""
SIZE_LIMIT = 512_000
"""Bytes of the whole body (PagerDuty, "Events API v2 overview": 512 KB)."""

SEVERITIES = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "info",
    Severity.INFORMATIONAL: "info",
}
"""Our severities in PagerDuty's words."""


class PagerDutySettings(SecretiveSettings, kw_only=True, frozen=True):
    """A PagerDuty service, reached by the integration key of "Events API V2"."""

    routing_key: Annotated[str, Meta(description="The service's integration key; it is a secret.")] = ""
    routing_key_file: Annotated[str, Meta(description="File that holds the integration key.")] = ""
    url: Annotated[
        str, Meta(description="The Events API; accounts in the EU use https://events.eu.pagerduty.com/v2/enqueue.")
    ] = "https://events.pagerduty.com/v2/enqueue"
    send_resolved: Annotated[bool, Meta(description="Resolve the incident when the alert is over.")] = True
    timeout: Annotated[Duration, Meta(description="Longest wait for PagerDuty's answer.")] = Duration(seconds=10)

    def __post_init__(self) -> None:
        one_of(self.routing_key, self.routing_key_file, "routing_key")
        check_url(self.url, "url")

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets in use."""
        return (Secret("routing_key", self.routing_key, self.routing_key_file),)

    @property
    def urls(self) -> Mapping[str, str]:
        """The addresses that are not secret, by key."""
        return {"url": self.url}


class PagerDutyNotifier:
    """Triggers and resolves incidents in PagerDuty."""

    def __init__(self, settings: PagerDutySettings, http: httpx.AsyncClient) -> None:
        self.send_resolved = settings.send_resolved
        self._url = settings.url
        (self._key,) = settings.secrets
        self._poster = Poster(http, settings.timeout.total_seconds())

    async def send(self, notification: Notification) -> str:
        """See `base.Notifier`."""
        key = self._key.read()
        answer = await self._poster.post(self._url, render(notification, key), secrets=[key])
        return f"{answer.status} dedup_key={dedup_key(notification.group_key)}"


def dedup_key(group_key: str) -> str:
    """Return the key that ties a group's trigger, repeats and resolution to one incident."""
    return hashlib.sha256(group_key.encode("utf-8", "surrogatepass")).hexdigest()


def render(notification: Notification, routing_key: str) -> bytes:
    """Render the event: a trigger while any alert fires, a resolve when all are over."""
    event: dict[str, Any] = {"routing_key": routing_key, "dedup_key": dedup_key(notification.group_key)}
    if notification.status is AlertStatus.RESOLVED:
        return orjson.dumps({**event, "event_action": "resolve"})

    def at(detail: Detail) -> bytes:
        return orjson.dumps({**event, "event_action": "trigger", **_trigger(notification, detail)})

    return richest(at, lambda body: len(body) <= SIZE_LIMIT, len(notification.alerts))


def _trigger(notification: Notification, detail: Detail) -> dict[str, Any]:
    message = gather(notification, detail)
    worst, facts = notification.alerts[0], message.alerts[0]
    payload = {
        "summary": headline(notification, min(SUMMARY_LIMIT, 4 * detail.text)),
        "source": facts.where or "tocsin",
        "severity": SEVERITIES[worst.severity],
        "timestamp": worst.last_event.astimezone(UTC).isoformat(),
        "component": line(facts.where.rsplit(" / ", 1)[-1], 255) or "tocsin",
        "class": line(worst.rule_id, 255),
        "custom_details": _details(message),
    }
    event: dict[str, Any] = {"payload": payload, "client": "Tocsin", "links": list(_links(message))}
    return {**event, "client_url": message.url} if message.url else event


def _details(message: Message) -> dict[str, Any]:
    details: dict[str, Any] = {"note": TEST_NOTE} if message.test else {}
    if len(message.alerts) == 1:
        details |= _told(message.alerts[0])
    else:
        details["alerts"] = [{"title": facts.title, **_told(facts)} for facts in message.alerts]
    return details | ({"more": message.more_note} if message.more else {})


def _told(facts: Facts) -> dict[str, Any]:
    told: dict[str, Any] = {"summary": facts.summary} if facts.summary else {}
    told.update({name.lower(): value for name, value in facts.pairs})
    if facts.evidence:
        told["evidence"] = list(facts.evidence)
    if facts.withheld:
        told["events not shown"] = facts.withheld
    if facts.url:
        told["alert"] = facts.url
    return told | ({"runbook": facts.runbook} if facts.runbook else {})


def _links(message: Message) -> Iterator[dict[str, str]]:
    if message.url:
        yield {"href": message.url, "text": "Open in Tocsin"}
    runbooks = dict.fromkeys(facts.runbook for facts in message.alerts if facts.runbook)
    yield from ({"href": runbook, "text": "Runbook"} for runbook in list(runbooks)[:10])
