"""Slack: an incoming webhook, or a bot that posts to a channel (`chat.postMessage`), with Block Kit messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import httpx
import orjson
from msgspec import Meta

from tocsin.kit.units import Duration
from tocsin.model.alerts import Notification
from tocsin.model.errors import DeliveryFailed
from tocsin.notify.answers import Answer, retry_after
from tocsin.notify.facts import TEST_NOTE, Facts, Message, gather
from tocsin.notify.http import Poster
from tocsin.notify.secrets import Secret, SecretiveSettings, check_url, one_of
from tocsin.notify.shrink import Detail, richest
from tocsin.notify.texts import line, plural

HEADER_LIMIT = 150
"""Characters of a header block's text (Slack, "Block Kit: header")."""
SECTION_LIMIT = 3000
"""Characters of a section's text (Slack, "Block Kit: section")."""
BLOCKS_LIMIT = 50
"""Blocks of a message (Slack, "Block Kit: blocks")."""
TOTAL_LIMIT = 10_000
"""Characters of all blocks as JSON. Slack publishes no figure, but answers `msg_blocks_too_long` somewhere above 11,000
(slackapi/bolt-js issues 2509 and 2867)."""

_RETRY = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
_AUTH = {
    *("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope"),
    *("no_permission", "org_login_required", "ekm_access_denied", "access_denied", "not_allowed_token_type"),
}
_EMOJI = {"critical": "🔴", "high": "🟠", "medium": "🟡", "low": "🔵", "informational": "⚪"}


class SlackSettings(SecretiveSettings, kw_only=True, frozen=True):
    """A Slack channel, reached by an incoming webhook or by a bot's token."""

    url: Annotated[str, Meta(description="Incoming webhook URL; it is a secret.")] = ""
    url_file: Annotated[str, Meta(description="File that holds the incoming webhook URL.")] = ""
    bot_token: Annotated[str, Meta(description="Token of a bot with the scope `chat:write`, instead of a URL.")] = ""
    bot_token_file: Annotated[str, Meta(description="File that holds the bot's token.")] = ""
    channel: Annotated[str, Meta(description="Channel id or name for the bot; a webhook has its own.")] = ""
    api_url: Annotated[str, Meta(description="Slack's API, for a bot; GovSlack has another.")] = "https://slack.com/api"
    send_resolved: Annotated[bool, Meta(description="Also tell when an alert is over.")] = False
    timeout: Annotated[Duration, Meta(description="Longest wait for Slack's answer.")] = Duration(seconds=10)

    def __post_init__(self) -> None:
        by_bot = bool(self.bot_token or self.bot_token_file)
        if by_bot and (self.url or self.url_file):
            raise ValueError("give either `url` (incoming webhook) or `bot_token` with `channel`, not both")
        if not by_bot:
            one_of(self.url, self.url_file, "url")
        one_of(self.bot_token, self.bot_token_file, "bot_token", required=False)
        if by_bot != bool(self.channel):
            raise ValueError("`channel` and `bot_token` go together")
        if self.url:
            check_url(self.url, "url")
        check_url(self.api_url, "api_url")

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets in use."""
        return (
            Secret("url", self.url, self.url_file, address=True),
            Secret("bot_token", self.bot_token, self.bot_token_file),
        )

    @property
    def urls(self) -> Mapping[str, str]:
        """The addresses that are not secret, by key."""
        return {"api_url": self.api_url} if self.channel else {}


class SlackNotifier:
    """Posts messages to a Slack channel."""

    def __init__(self, settings: SlackSettings, http: httpx.AsyncClient) -> None:
        self.send_resolved = settings.send_resolved
        self._settings = settings
        self._url, self._token = settings.secrets
        self._poster = Poster(http, settings.timeout.total_seconds())

    async def send(self, notification: Notification) -> str:
        """See `base.Notifier`."""
        message = render(notification)
        if not self._settings.channel:
            answer = await self._poster.post(self._url.read(), orjson.dumps(message))
            return f"{answer.status} {answer.excerpt()}"
        token = self._token.read()
        body = orjson.dumps({"channel": self._settings.channel, **message})
        url = f"{self._settings.api_url.rstrip('/')}/chat.postMessage"
        answer = await self._poster.post(url, body, {"Authorization": f"Bearer {token}"}, secrets=[token])
        return _posted(answer)


def _posted(answer: Answer) -> str:
    """Read a Web API answer: a refusal comes with status 200 and `ok: false`."""
    try:
        reply = orjson.loads(answer.text)
    except orjson.JSONDecodeError:
        reply = None
    if not isinstance(reply, dict):
        message = f"Slack answered {answer.status} with something that is not a JSON object"
        raise DeliveryFailed(message, retry=True, reason="server")
    if reply.get("ok") is True:
        return line(f"{answer.status} ok ts={reply.get('ts', '')}", 200)
    error = line(str(reply.get("error", "unknown error")), 100)
    details = reply.get("response_metadata")
    notes = details.get("messages") if isinstance(details, dict) else None
    message = f"Slack refused: {error}" + (f" ({line(str(notes), 200)})" if notes else "")
    if error in {"ratelimited", "rate_limited"}:
        raise DeliveryFailed(message, retry=True, reason="rate_limited", retry_after=retry_after(answer.headers))
    if error in _RETRY:
        raise DeliveryFailed(message, retry=True, reason="server")
    raise DeliveryFailed(message, retry=False, reason="auth" if error in _AUTH else "client")


def render(notification: Notification) -> dict[str, Any]:
    """Render a message for either way of posting: `text` for notifications on a phone, `blocks` for the channel."""

    def at(detail: Detail) -> dict[str, Any]:
        message = gather(notification, detail)
        plain = f"{message.headline} {message.url}".strip()
        return {"text": escape(plain), "unfurl_links": False, "blocks": list(_blocks(message))}

    return richest(at, _fits, len(notification.alerts))


def _fits(message: dict[str, Any]) -> bool:
    blocks = message["blocks"]
    if len(blocks) > BLOCKS_LIMIT or len(orjson.dumps(blocks).decode()) > TOTAL_LIMIT:
        return False
    return all(len(block["text"]["text"]) <= SECTION_LIMIT for block in blocks if block["type"] == "section")


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    headline = line(message.headline, HEADER_LIMIT)
    yield {"type": "header", "text": {"type": "plain_text", "text": headline, "emoji": False}}
    if message.test:
        yield _section(f":information_source: *{TEST_NOTE}*")
    for facts in message.alerts:
        yield _section(_told(facts, alone=len(message.alerts) == 1 and not message.more))
        yield from (_section(f"```{lines}```") for lines in _packed(map(_code, facts.evidence), SECTION_LIMIT - 6))
    closing = [escape(message.more_note), _link(message.url, "Open in Tocsin")]
    if any(closing):
        yield _section(" · ".join(part for part in closing if part))


def _told(facts: Facts, *, alone: bool) -> str:
    lines = []
    if not alone:
        lines.append(f"{_mark(facts)} *{escape(facts.rating)}: {escape(facts.title)}*")
    if facts.summary:
        lines.append(escape(facts.summary))
    lines.extend(f"*{name}:* {_mark(facts) + ' ' if name == 'Severity' else ''}{escape(v)}" for name, v in facts.pairs)
    links = [_link(facts.runbook, "Runbook"), "" if alone else _link(facts.url, "Alert")]
    if any(links):
        lines.append(" · ".join(part for part in links if part))
    if facts.evidence:
        rest = f" (and {plural(facts.withheld, 'more event')})" if facts.withheld else ""
        lines.append(f"*Evidence*{rest}:")
    return "\n".join(lines)


def _mark(facts: Facts) -> str:
    return "✅" if facts.resolved else _EMOJI[facts.severity.value]


def _section(text: str) -> dict[str, Any]:
    # `verbatim`: Slack makes no links, channels or mentions out of what an attacker may have written.
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def escape(text: str) -> str:
    """Escape the three characters of Slack's markup, without which there are no links or mentions."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str) -> str:
    return escape(text).replace("`", "'")  # So that the code block cannot be closed from inside.


def _link(url: str, text: str) -> str:
    return f"<{url.replace('&', '&amp;')}|{text}>" if url else ""


def _packed(lines: Iterable[str], limit: int) -> Iterator[str]:
    """Gather lines into texts of at most `limit` characters; a longer line stands alone."""
    text = ""
    for each in lines:
        if text and len(text) + 1 + len(each) > limit:
            yield text
            text = ""
        text = f"{text}\n{each}" if text else each
    if text:
        yield text
