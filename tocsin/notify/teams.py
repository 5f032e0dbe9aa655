"""Microsoft Teams: an Adaptive Card, posted to the URL of a workflow that waits for webhook requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import httpx
import orjson
from msgspec import Meta

from tocsin.kit.units import Duration
from tocsin.model.alerts import AlertStatus, Notification
from tocsin.notify.facts import TEST_NOTE, Facts, Message, gather
from tocsin.notify.http import Poster
from tocsin.notify.secrets import Secret, SecretiveSettings, check_url, one_of
from tocsin.notify.shrink import Detail, richest
from tocsin.notify.texts import plural

SIZE_LIMIT = 24_000
"""Bytes of the whole body. Microsoft says 28 KB, but cards of 24,453 bytes have failed (msteams-docs issue 11274)."""

ACTIONS_LIMIT = 6
"""Buttons that Teams shows on a card."""

_COLORS = {
    **{"critical": "Attention", "high": "Attention", "medium": "Warning", "low": "Accent"},
    **{"informational": "Default"},
}


class TeamsSettings(SecretiveSettings, kw_only=True, frozen=True):
    """A Teams channel or chat, reached by a workflow that waits for a webhook request."""

    url: Annotated[str, Meta(description="The workflow's URL; it is a secret.")] = ""
    url_file: Annotated[str, Meta(description="File that holds the workflow's URL.")] = ""
    send_resolved: Annotated[bool, Meta(description="Also tell when an alert is over.")] = True
    timeout: Annotated[Duration, Meta(description="Longest wait for the workflow's answer.")] = Duration(seconds=10)

    def __post_init__(self) -> None:
        one_of(self.url, self.url_file, "url")
        if self.url:
            check_url(self.url, "url")

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets in use."""
        return (Secret("url", self.url, self.url_file, address=True),)

    @property
    def urls(self) -> Mapping[str, str]:
        """None besides the secret one."""
        return {}


class TeamsNotifier:
    """Posts cards to a Teams workflow."""

    def __init__(self, settings: TeamsSettings, http: httpx.AsyncClient) -> None:
        self.send_resolved = settings.send_resolved
        (self._url,) = settings.secrets
        self._poster = Poster(http, settings.timeout.total_seconds())

    async def send(self, notification: Notification) -> str:
        """See `base.Notifier`."""
        answer = await self._poster.post(self._url.read(), render(notification))
        return f"{answer.status} {answer.excerpt()}".strip()


def render(notification: Notification) -> bytes:
    """Render the request's body."""

    def at(detail: Detail) -> bytes:
        card = _card(gather(notification, detail), notification)
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        return orjson.dumps({"type": "message", "attachments": [attachment]})

    return richest(at, lambda body: len(body) <= SIZE_LIMIT, len(notification.alerts))


def _card(message: Message, notification: Notification) -> dict[str, Any]:
    over = notification.status is AlertStatus.RESOLVED
    color = "Good" if over else _COLORS[notification.alerts[0].severity.value]
    body = [_text(message.headline, weight="Bolder", size="Medium", color=color, style="heading")]
    if message.test:
        body.append(_text(TEST_NOTE, weight="Bolder"))
    alone = len(message.alerts) == 1 and not message.more
    for facts in message.alerts:
        body.extend(_told(facts, alone=alone))
    if message.more:
        body.append(_text(message.more_note))
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "body": body,
        "actions": list(_actions(message, alone=alone)),
        "msteams": {"width": "full"},
    }


def _told(facts: Facts, *, alone: bool) -> Iterator[dict[str, Any]]:
    if not alone:
        color = "Good" if facts.resolved else _COLORS[facts.severity.value]
        title = f"{facts.rating}: {facts.title}"
        yield _text(title, url=facts.url, weight="Bolder", color=color, separator=True)
    if facts.summary:
        yield _text(facts.summary)
    yield {"type": "FactSet", "facts": [{"title": name, "value": escape(value)} for name, value in facts.pairs]}
    if facts.runbook and not alone:
        yield _text("Runbook", url=facts.runbook)
    if facts.evidence:
        rest = f" (and {plural(facts.withheld, 'more event')})" if facts.withheld else ""
        yield _text(f"Evidence{rest}:", weight="Bolder")
        yield from map(_evidence, facts.evidence)


def _evidence(text: str) -> dict[str, Any]:
    # Text runs know no Markdown, so nothing that an attacker wrote can become a link or a format.
    run = {"type": "TextRun", "text": text, "fontType": "Monospace", "size": "Small"}
    return {"type": "RichTextBlock", "inlines": [run]}


def _actions(message: Message, *, alone: bool) -> Iterator[dict[str, str]]:
    if message.url:
        yield {"type": "Action.OpenUrl", "title": "Open in Tocsin", "url": message.url}
    if alone and message.alerts[0].runbook:
        yield {"type": "Action.OpenUrl", "title": "Runbook", "url": message.alerts[0].runbook}


def _text(text: str, *, url: str = "", **style: str | bool) -> dict[str, Any]:
    escaped = escape(text)
    shown = f"[{escaped}]({url.replace('(', '%28').replace(')', '%29')})" if url else escaped
    return {"type": "TextBlock", "text": shown, "wrap": True, **style}


def escape(text: str) -> str:
    """Escape the Markdown that a card's TextBlock and FactSet understand."""
    # No more than needed: some of Teams' clients show the backslash before other characters.
    return re.sub(r"[\\`*_\[\]~<]|^(?:[-+#>]|\d+[.)])", lambda found: f"{found[0][:-1]}\\{found[0][-1]}", text)
