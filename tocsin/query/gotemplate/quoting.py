"""Quotes texts as Go's strconv does, and escapes them for HTML, JavaScript and URLs as Go's templates do."""

from __future__ import annotations

import re
from html import unescape as unescape_html
from urllib.parse import quote as url_quote
from urllib.parse import quote_plus

_SHORT = {7: "\\a", 8: "\\b", 12: "\\f", 10: "\\n", 13: "\\r", 9: "\\t", 11: "\\v", 92: "\\\\"}
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", "\0": "\ufffd"})
_HTML_VALUE = {**_HTML, ord("+"): "&#43;"}
_UNQUOTED = {**_HTML_VALUE, **{ord(c): f"&#{ord(c)};" for c in "\t\n\v\f\r =`"}}
_JS = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}
_JS_SPECIAL = re.compile(r"[\\'\"<>&=\x00-\x1f]|[^\x00-\x7f]")


class SafeHtml(str):
    """A text that is HTML already."""

    __slots__ = ()
    go_type = "template.HTML"


class EscapedHtml(SafeHtml):
    """What the function `html` made; Go has it as a string."""

    __slots__ = ()
    go_type = "string"


class EscapedQuery(str):
    """What the function `urlquery` made."""

    __slots__ = ()


class SafeUrl(str):
    """A text that is a URL of any scheme; it is still escaped for HTML."""

    __slots__ = ()
    go_type = "template.URL"


def quote(text: str, mark: str = '"', *, ascii_only: bool = False) -> str:
    """A Go literal of a text: `%q` (`%+q` if `ascii_only`); of a character with `mark` `'`."""
    return mark + "".join(_quoted(character, mark, ascii_only=ascii_only) for character in text) + mark


def _quoted(character: str, mark: str, *, ascii_only: bool) -> str:
    code = ord(character)
    if character == mark:
        return "\\" + mark
    if code in _SHORT:
        return _SHORT[code]
    if character.isprintable() and (code < 0x80 or not ascii_only):
        return character
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def can_backquote(text: str) -> bool:
    """Whether a text can stand between backquotes on one line."""
    return not any(c == "`" or (c < " " and c != "\t") or c in "\x7f\ufeff" for c in text)


def html(text: str) -> str:
    """Escape for HTML, as the template function `html` does."""
    return text.translate(_HTML)


def unescape(text: str) -> str:
    """What was escaped for HTML."""
    return unescape_html(text)


def html_value(text: str) -> str:
    """Escape a value that goes into HTML text or a quoted attribute."""
    return text.translate(_HTML_VALUE)


def html_unquoted(text: str) -> str:
    """Escape a value that goes into an attribute without quotes."""
    return text.translate(_UNQUOTED)


def js(text: str) -> str:
    """Escape for the inside of a JavaScript string, as the template function `js` does."""
    return _JS_SPECIAL.sub(_js, text)


def _js(found: re.Match[str]) -> str:
    character = found[0]
    if character in _JS:
        return _JS[character]
    if ord(character) >= 0x80 and character.isprintable():
        return character
    # JavaScript counts in UTF-16.
    units = character.encode("utf-16-be", "replace")
    return "".join(f"\\u{units[i] << 8 | units[i + 1]:04X}" for i in range(0, len(units), 2))


def query(text: str) -> EscapedQuery:
    """Escape for the query part of a URL: `url.QueryEscape`."""
    return EscapedQuery(quote_plus(text, safe="", errors="replace"))


def url_part(text: str) -> str:
    """Escape a value that goes into the query or fragment of a URL."""
    return url_quote(text, safe="", errors="replace")


def url(text: str) -> str:
    """Escape what may not stand in a URL; what is escaped already stays."""
    return url_quote(text, safe="!#$&*+,/:;=?@[]%", errors="replace")
