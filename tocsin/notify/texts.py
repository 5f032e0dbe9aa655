"""Texts from logs and labels, made harmless: one line, no control characters, no longer than wanted."""

from __future__ import annotations

import re
from datetime import UTC, datetime

# Control characters, lone surrogates (no encoder takes them), and the marks that reorder or hide text on a screen.
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SPACE = re.compile(r"\s+")
URL_LIMIT = 2000
"""Characters of the longest link that is passed on; browsers and destinations refuse longer ones."""


def line(text: str, limit: int) -> str:
    """Return `text` as one line of at most `limit` characters, its end replaced by `…` where something was cut."""
    # Cut before cleaning, so that an enormous text costs no more than a long one.
    flat = _SPACE.sub(" ", _HARMFUL.sub("�", text[: 4 * limit + 16].replace("\t", " "))).strip()
    if len(flat) <= limit and len(text) <= 4 * limit + 16:
        return flat
    return flat[: max(0, limit - 1)].rstrip() + "…"


def clean(text: str, limit: int) -> str:
    """Return `text` with its line breaks, otherwise as `line` does."""
    flat = _HARMFUL.sub("�", text[: limit + 1].replace("\r\n", "\n"))
    return flat if len(flat) <= limit else flat[: max(0, limit - 1)] + "…"


def link(url: str) -> str:
    """Return `url` if it is an http(s) link that can be passed on whole, else nothing: half a link leads nowhere."""
    harmless = len(url) <= URL_LIMIT and re.fullmatch(r"https?://[!-~]+", url)
    return url if harmless and not re.search(r"[<>\"`\\^{|}]", url) else ""


def moment(time: datetime) -> str:
    """Return a time for people: to the second, with its zone."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def plural(count: int, noun: str) -> str:
    """Return `1 alert`, `2 alerts`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def encodable(text: str) -> str:
    """Return `text` as it is, but for lone surrogates, which no encoder takes."""
    return re.sub("[\ud800-\udfff]", "�", text)
