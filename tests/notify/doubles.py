"""Strict doubles of the vendors' HTTP endpoints: they refuse what the vendors' published limits and schemas refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import jsonschema
import orjson

# Slack, "Block Kit" reference: blocks, header, section, text object.
SLACK = {
    "type": "object",
    "required": ["text", "blocks"],
    "additionalProperties": False,
    "properties": {
        "channel": {"type": "string", "minLength": 1},
        "text": {"type": "string", "minLength": 1, "maxLength": 40_000},
        "unfurl_links": {"type": "boolean"},
        "blocks": {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": {
                "oneOf": [
                    {
                        "type": "object",
                        "required": ["type", "text"],
                        "additionalProperties": False,
                        "properties": {
                            "type": {"const": "header"},
                            "text": {
                                "type": "object",
                                "required": ["type", "text"],
                                "additionalProperties": False,
                                "properties": {
                                    "type": {"const": "plain_text"},
                                    "text": {"type": "string", "minLength": 1, "maxLength": 150},
                                    "emoji": {"type": "boolean"},
                                },
                            },
                        },
                    },
                    {
                        "type": "object",
                        "required": ["type", "text"],
                        "additionalProperties": False,
                        "properties": {
                            "type": {"const": "section"},
                            "text": {
                                "type": "object",
                                "required": ["type", "text"],
                                "additionalProperties": False,
                                "properties": {
                                    "type": {"const": "mrkdwn"},
                                    "text": {"type": "string", "minLength": 1, "maxLength": 3000},
                                    "verbatim": {"type": "boolean"},
                                },
                            },
                        },
                    },
                ]
            },
        },
    },
}
SLACK_BLOCKS_CHARACTERS = 11_000
"""Not published; messages of 11,341 characters have been refused (slackapi/bolt-js issue 2867)."""

# PagerDuty, "Send an Alert Event" and "Events API v2 overview".
PAGERDUTY = {
    "type": "object",
    "required": ["routing_key", "event_action", "dedup_key"],
    "additionalProperties": False,
    "properties": {
        "routing_key": {"type": "string", "pattern": "^[0-9a-z]{32}$"},
        "event_action": {"enum": ["trigger", "resolve"]},
        "dedup_key": {"type": "string", "minLength": 1, "maxLength": 255},
        "client": {"type": "string"},
        "client_url": {"type": "string", "pattern": "^https?://"},
        "links": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["href"],
                "additionalProperties": False,
                "properties": {"href": {"type": "string", "pattern": "^https?://"}, "text": {"type": "string"}},
            },
        },
        "payload": {
            "type": "object",
            "required": ["summary", "source", "severity"],
            "additionalProperties": False,
            "properties": {
                "summary": {"type": "string", "minLength": 1, "maxLength": 1024},
                "source": {"type": "string", "minLength": 1},
                "severity": {"enum": ["critical", "error", "warning", "info"]},
                "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"},
                "component": {"type": "string"},
                "class": {"type": "string"},
                "custom_details": {"type": "object"},
            },
        },
    },
    "if": {"properties": {"event_action": {"const": "trigger"}}},
    "then": {"required": ["payload"]},
}
PAGERDUTY_BYTES = 512_000

# Adaptive Cards 1.2 schema, the elements in use; Microsoft, "Create and send messages with webhooks" for the envelope.
_TEXT_BLOCK = {
    "type": "object",
    "required": ["type", "text"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "TextBlock"},
        "text": {"type": "string", "minLength": 1},
        "wrap": {"type": "boolean"},
        "weight": {"enum": ["Lighter", "Default", "Bolder"]},
        "size": {"enum": ["Small", "Default", "Medium", "Large", "ExtraLarge"]},
        "color": {"enum": ["Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention"]},
        "style": {"enum": ["default", "heading"]},
        "separator": {"type": "boolean"},
    },
}
_FACT_SET = {
    "type": "object",
    "required": ["type", "facts"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "FactSet"},
        "facts": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["title", "value"],
                "additionalProperties": False,
                "properties": {"title": {"type": "string"}, "value": {"type": "string", "minLength": 1}},
            },
        },
    },
}
_RICH_TEXT = {
    "type": "object",
    "required": ["type", "inlines"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "RichTextBlock"},
        "inlines": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["type", "text"],
                "additionalProperties": False,
                "properties": {
                    "type": {"const": "TextRun"},
                    "text": {"type": "string", "minLength": 1},
                    "fontType": {"enum": ["Default", "Monospace"]},
                    "size": {"enum": ["Small", "Default", "Medium", "Large", "ExtraLarge"]},
                },
            },
        },
    },
}
_OPEN_URL = {
    "type": "object",
    "required": ["type", "title", "url"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "Action.OpenUrl"},
        "title": {"type": "string", "minLength": 1},
        "url": {"type": "string", "pattern": "^https?://"},
    },
}
TEAMS = {
    "type": "object",
    "required": ["type", "attachments"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "message"},
        "attachments": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["contentType", "contentUrl", "content"],
                "additionalProperties": False,
                "properties": {
                    "contentType": {"const": "application/vnd.microsoft.card.adaptive"},
                    "contentUrl": {"type": "null"},
                    "content": {
                        "type": "object",
                        "required": ["type", "version", "body"],
                        "additionalProperties": False,
                        "properties": {
                            "$schema": {"const": "http://adaptivecards.io/schemas/adaptive-card.json"},
                            "type": {"const": "AdaptiveCard"},
                            "version": {"const": "1.2"},
                            "msteams": {"const": {"width": "full"}},
                            "body": {
                                "type": "array",
                                "minItems": 1,
                                "items": {"oneOf": [_TEXT_BLOCK, _FACT_SET, _RICH_TEXT]},
                            },
                            "actions": {"type": "array", "maxItems": 6, "items": _OPEN_URL},
                        },
                    },
                },
            },
        },
    },
}
TEAMS_BYTES = 24_000

# Alertmanager, "webhook_config" and template/template.go: Data and Alert, all fields of version 4.
_STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}
_GO_TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$"}
ALERTMANAGER = {
    "type": "object",
    "required": [
        *("version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels"),
        *("commonAnnotations", "externalURL", "alerts"),
    ],
    "additionalProperties": False,
    "properties": {
        "version": {"const": "4"},
        "groupKey": {"type": "string"},
        "truncatedAlerts": {"type": "integer", "minimum": 0},
        "status": {"enum": ["firing", "resolved"]},
        "receiver": {"type": "string"},
        "groupLabels": _STRINGS,
        "commonLabels": _STRINGS,
        "commonAnnotations": _STRINGS,
        "externalURL": {"type": "string"},
        "alerts": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": [
                    *("status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint", "tocsin"),
                ],
                "additionalProperties": False,
                "properties": {
                    "status": {"enum": ["firing", "resolved"]},
                    "labels": _STRINGS,
                    "annotations": _STRINGS,
                    "startsAt": _GO_TIME,
                    "endsAt": _GO_TIME,
                    "generatorURL": {"type": "string"},
                    "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
                    "tocsin": {"type": "object"},
                },
            },
        },
    },
}


def check_slack(body: bytes) -> Any:
    """Parse a Slack message; raise where Slack would refuse it."""
    message = _valid(body, SLACK)
    assert len(orjson.dumps(message["blocks"]).decode()) <= SLACK_BLOCKS_CHARACTERS
    return message


def check_pagerduty(body: bytes) -> Any:
    """Parse a PagerDuty event; raise where PagerDuty would refuse it."""
    assert len(body) <= PAGERDUTY_BYTES
    return _valid(body, PAGERDUTY)


def check_teams(body: bytes) -> Any:
    """Parse a Teams message and return its card; raise where Teams would refuse it."""
    assert len(body) <= TEAMS_BYTES
    return _valid(body, TEAMS)["attachments"][0]["content"]


def check_alertmanager(body: bytes) -> Any:
    """Parse a webhook payload; raise where it is not Alertmanager's."""
    return _valid(body, ALERTMANAGER)


def _valid(body: bytes, schema: dict[str, Any]) -> Any:
    message = orjson.loads(body)
    jsonschema.Draft202012Validator(schema).validate(message)
    return message


def texts(value: Any) -> Iterator[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


class Endpoint:
    """An HTTP endpoint that keeps what it got and answers as told.

    Args:
        answer: Makes the answer to a request.
    """

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.requests: list[httpx.Request] = []
        self._answer = answer
        self.client = httpx.AsyncClient(transport=httpx.MockTransport(self._take))

    def _take(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answer(request)

    @property
    def body(self) -> bytes:
        """The body of the only request."""
        (request,) = self.requests
        return request.content


def echo(request: httpx.Request, status: int = 400) -> httpx.Response:
    """Answer with all that was sent: the worst a server can do to our secrets."""
    headers = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
    return httpx.Response(status, text=f"{request.url}\n{headers}\n{request.content.decode()}")
