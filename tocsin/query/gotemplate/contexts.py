"""Where in an HTML document a value lands, and how it must be escaped there: a small part of html/template.

| Place | What happens to a value |
|---|---|
| text, an attribute | escaped; in text, what `safeHtml` marked stays as it is |
| `href`, `src` and their like | escaped for a URL; one of a scheme that may run code becomes `#ZgotmplZ` |
| `onclick` and its like, `<script>` | becomes a JSON literal |
| `style`, `<style>` | words and numbers only, else `ZgotmplZ` |
"""

from __future__ import annotations

import re

from tocsin.query.gotemplate import quoting
from tocsin.query.gotemplate.encoding import encode
from tocsin.query.gotemplate.limits import Meter

_RAW = re.compile(r"<(/?)(script|style)\b", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_ATTRIBUTE = re.compile(
    r"(?<![\w:-])(?P<name>[\w:-]+)\s*=\s*(?:[\"']\s*(?P<quoted>.*)|(?P<bare>[^\s\"']*))$", re.DOTALL
)
_ADDRESSES = {"href", "src", "action", "formaction", "cite", "poster", "background", "data", "xlink:href"}
_SCHEME = re.compile(r"\s*([^/?#]*?):")
_HARMLESS = {"http", "https", "mailto", "tel"}
_STYLE = re.compile(r"[\w .,#%-]*", re.ASCII)
_REFUSED = "ZgotmplZ"
_TAIL = 500
"""Characters before a value that are looked at."""


class HtmlContext:
    """Follows the literal text of a document and escapes the values between."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._tail = ""
        self._raw = ""

    def literal(self, text: str) -> None:
        """Take note of the template's own text."""
        for found in _RAW.finditer(text):
            self._raw = "" if found[1] else found[2].lower()
        self._tail = (self._tail + text[-_TAIL:])[-_TAIL:]

    def escape(self, value: object, text: str) -> str:
        """A value, which prints as `text`, made fit for the place reached."""
        escaped = self._escaped(value, text)
        # A value stands for some text without meaning when the place of the next one is determined.
        self._tail = (self._tail + ("_" if escaped else ""))[-_TAIL:]
        return escaped

    def _escaped(self, value: object, text: str) -> str:
        if self._raw:
            return encode(self._meter, value) if self._raw == "script" else _style(text)
        opened = self._tail.rfind("<")
        if opened <= self._tail.rfind(">"):
            return text if isinstance(value, quoting.SafeHtml) else quoting.html_value(text)
        found = _ATTRIBUTE.search(_QUOTED.sub("_", self._tail[opened:]))
        if found is None:
            return quoting.html_value(text)
        bare = found["quoted"] is None
        made = self._in_attribute(found["name"].lower(), found["bare"] if bare else found["quoted"], value, text)
        return quoting.html_unquoted(made) if bare else quoting.html_value(made)

    def _in_attribute(self, name: str, before: str, value: object, text: str) -> str:
        if name.startswith("on"):
            return encode(self._meter, value)
        if name == "style":
            return _style(text)
        return _address(value, text, before) if name in _ADDRESSES else _unescaped(value, text)


def _style(text: str) -> str:
    return text if _STYLE.fullmatch(text) else _REFUSED


def _unescaped(value: object, text: str) -> str:
    # What `html` escaped already is not escaped a second time.
    return quoting.unescape(text) if isinstance(value, quoting.EscapedHtml) else text


def _address(value: object, text: str, before: str) -> str:
    if ("?" in before or "#" in before) and not isinstance(value, quoting.EscapedQuery | quoting.SafeUrl):
        return quoting.url_part(text)
    if not before and not isinstance(value, quoting.SafeUrl) and not _harmless(text):
        return "#" + _REFUSED
    return quoting.url(text)


def _harmless(address: str) -> bool:
    scheme = _SCHEME.match(address)
    return scheme is None or scheme[1].lower() in _HARMLESS
