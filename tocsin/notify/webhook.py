"""Webhook: Alertmanager's payload, version 4, so that whatever understands Alertmanager understands Tocsin.

What Alertmanager does not have (the evidence above all) is in an extra object `tocsin` of each alert.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import httpx
import orjson
from msgspec import Meta

from tocsin.kit.units import ByteSize, Duration
from tocsin.model.alerts import EVIDENCE_LIMIT, Alert, AlertStatus, Evidence, Notification
from tocsin.notify.facts import TEST_NOTE, first_and_latest
from tocsin.notify.http import Poster
from tocsin.notify.secrets import Secret, SecretiveSettings, check_url, one_of
from tocsin.notify.shrink import STEPS, Detail, richest
from tocsin.notify.texts import encodable

ZERO_TIME = "0001-01-01T00:00:00Z"
"""Go's zero time: what Alertmanager writes as `endsAt` of an alert that is not over."""

_WHOLE = Detail(alerts=1, evidence=EVIDENCE_LIMIT, text=10**9, facts=10**9)
"""The first step: nothing cut."""

_RAW_PER_TEXT = 4
"""A raw event may be this many times as long as a text."""


class WebhookSettings(SecretiveSettings, kw_only=True, frozen=True):
    """Any HTTP endpoint that takes Alertmanager's webhook payload."""

    url: Annotated[str, Meta(description="Where to post; taken for a secret.")] = ""
    url_file: Annotated[str, Meta(description="File that holds the URL.")] = ""
    bearer_token: Annotated[str, Meta(description="Token for `Authorization: Bearer`.")] = ""
    bearer_token_file: Annotated[str, Meta(description="File that holds the bearer token.")] = ""
    username: Annotated[str, Meta(description="User name for basic authentication.")] = ""
    password: Annotated[str, Meta(description="Password for basic authentication.")] = ""
    password_file: Annotated[str, Meta(description="File that holds the password.")] = ""
    max_alerts: Annotated[
        int, Meta(ge=0, description="Most alerts in one message; `truncatedAlerts` counts the others. 0: no limit.")
    ] = 0
    max_size: Annotated[
        ByteSize, Meta(description="Largest body; evidence, then texts, then alerts are cut to fit. At least 16KiB.")
    ] = ByteSize(1024 * 1024)
    send_resolved: Annotated[bool, Meta(description="Also tell when an alert is over.")] = True
    timeout: Annotated[Duration, Meta(description="Longest wait for the answer.")] = Duration(seconds=10)

    def __post_init__(self) -> None:
        one_of(self.url, self.url_file, "url")
        if self.url:
            check_url(self.url, "url")
        one_of(self.bearer_token, self.bearer_token_file, "bearer_token", required=False)
        one_of(self.password, self.password_file, "password", required=bool(self.username))
        if (self.password or self.password_file) and not self.username:
            raise ValueError("`password` needs a `username`")
        if self.username and (self.bearer_token or self.bearer_token_file):
            raise ValueError("give either `username` or `bearer_token`, not both")
        if self.max_size < 16 * 1024:
            raise ValueError("`max_size` must be at least 16KiB")

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets in use."""
        return (
            Secret("url", self.url, self.url_file, address=True),
            Secret("bearer_token", self.bearer_token, self.bearer_token_file),
            Secret("password", self.password, self.password_file),
        )

    @property
    def urls(self) -> Mapping[str, str]:
        """None besides the secret one."""
        return {}


class WebhookNotifier:
    """Posts Alertmanager payloads."""

    def __init__(self, settings: WebhookSettings, http: httpx.AsyncClient) -> None:
        self.send_resolved = settings.send_resolved
        self._settings = settings
        self._url, self._token, self._password = settings.secrets
        self._poster = Poster(http, settings.timeout.total_seconds())

    async def send(self, notification: Notification) -> str:
        """See `base.Notifier`."""
        settings = self._settings
        token, password = self._token.read(), self._password.read()
        headers, secrets = {"Idempotency-Key": notification.idempotency_key}, [token, password]
        if token:
            headers["Authorization"] = f"Bearer {token}"
        elif settings.username:
            basic = base64.b64encode(f"{settings.username}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {basic}"
            secrets.append(basic)
        body = render(notification, settings.max_alerts, settings.max_size)
        answer = await self._poster.post(self._url.read(), body, headers, secrets=secrets)
        return f"{answer.status} {answer.excerpt()}".strip()


def render(notification: Notification, max_alerts: int, max_size: int) -> bytes:
    """Render the payload within `max_alerts` (0: all) and `max_size` bytes."""

    def at(detail: Detail) -> bytes:
        return orjson.dumps(_payload(notification, detail))

    count = len(notification.alerts)
    return richest(at, lambda body: len(body) <= max_size, count, max_alerts or count, (_WHOLE, *STEPS))


def _payload(notification: Notification, detail: Detail) -> dict[str, Any]:
    told = notification.alerts[: detail.alerts]
    return {
        "version": "4",
        "groupKey": _group_key(notification.group_key),
        "truncatedAlerts": len(notification.alerts) - len(told),
        "status": notification.status.value,
        "receiver": encodable(notification.receiver),
        "groupLabels": _mapping(notification.group_labels, detail),
        "commonLabels": _mapping(notification.common_labels, detail),
        "commonAnnotations": _annotations(notification.common_annotations, notification, detail),
        "externalURL": encodable(notification.external_url),
        "alerts": [_alert(alert, notification, detail) for alert in told],
    }


def _alert(alert: Alert, notification: Notification, detail: Detail) -> dict[str, Any]:
    return {
        "status": alert.status.value,
        "labels": _mapping(alert.labels, detail),
        "annotations": _annotations(alert.annotations, notification, detail),
        "startsAt": _time(alert.starts_at),
        "endsAt": _time(alert.ends_at) if alert.status is AlertStatus.RESOLVED and alert.ends_at else ZERO_TIME,
        "generatorURL": encodable(alert.url),
        "fingerprint": alert.fingerprint,
        "tocsin": _extra(alert, notification, detail),
    }


def _extra(alert: Alert, notification: Notification, detail: Detail) -> dict[str, Any]:
    evidence = first_and_latest(alert.evidence, detail.evidence)
    return {
        "test": notification.test,
        "ruleId": _cut(alert.rule_id, detail),
        "title": _cut(alert.title, detail),
        "severity": alert.severity.value,
        "techniques": [_cut(name, detail) for name in alert.techniques[: detail.facts]],
        "runbookURL": encodable(alert.runbook_url) if len(alert.runbook_url) <= 2000 else "",
        "episode": alert.episode,
        "count": alert.count,
        "firstEvent": _time(alert.starts_at),
        "lastEvent": _time(alert.last_event),
        "evidence": [_event(event, detail) for event in evidence],
    }


def _event(event: Evidence, detail: Detail) -> dict[str, str]:
    return {
        "eventId": _cut(event.event_id, detail),
        "time": _time(event.time),
        "summary": _cut(event.summary, detail),
        "raw": encodable(event.raw[: _RAW_PER_TEXT * detail.text]),
    }


def _group_key(key: str) -> str:
    """The key as it is; its hash if it is enormous. Never shortened to fit: it has to stay the same for the group."""
    return encodable(key) if len(key) <= 1000 else hashlib.sha256(encodable(key).encode()).hexdigest()


def _annotations(annotations: Mapping[str, str], notification: Notification, detail: Detail) -> dict[str, str]:
    shown = _mapping(annotations, detail)
    if notification.test:
        shown["summary"] = f"[TEST] {TEST_NOTE} {shown.get('summary', '')}".strip()
    return shown


def _mapping(pairs: Mapping[str, str], detail: Detail) -> dict[str, str]:
    """Texts of a mapping, as they are unless the message has to shrink; `alertname` and `severity` always stay."""
    kept = {name: pairs[name] for name in ("alertname", "severity") if name in pairs}
    for name, value in pairs.items():
        if len(kept) >= detail.facts + 2:
            break
        kept[name] = value
    return {_cut(name, detail): _cut(value, detail) for name, value in kept.items()}


def _cut(text: str, detail: Detail) -> str:
    if len(text) <= detail.text:
        return encodable(text)
    return encodable(text[: detail.text - 1]) + "…"


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
