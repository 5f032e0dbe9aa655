"""Functions on texts that Prometheus and Alertmanager share: regular expressions, capitals, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import cast

import re2

from tocsin.query.gotemplate.errors import Fault
from tocsin.query.gotemplate.limits import Meter, Sink

_PATTERN_LIMIT = 2000
_REFERENCE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})", re.ASCII)
_HOST_PORT = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*)):([^:\[\]]*)")
_SEPARATED = re.compile(r"(?:^|(?<=[\x00-\x2f:-@\[-^`{-\x7f])|(?<=\s))[^\W\d_]")
_FIRST_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"\w+(?:['\u2019.:\u00b7]\w+)*")


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """A regular expression of RE2, the syntax that Go has. Raises Fault if it is wrong or long."""
    if len(pattern) > _PATTERN_LIMIT:
        raise Fault(f"the regular expression has {len(pattern)} characters; at most {_PATTERN_LIMIT} are allowed")
    options = re2.Options()
    options.log_errors = False
    try:
        return cast("re.Pattern[str]", re2.compile(pattern, options))
    except (re2.error, UnicodeEncodeError) as error:
        detail = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else "not Unicode text"
        raise Fault(f"error parsing regexp: {pattern!r}: {detail}") from None


def match(pattern: str, text: str) -> bool:
    """Whether a regular expression matches anywhere in a text."""
    return compiled(pattern).search(_clean(text)) is not None


def replace_all(meter: Meter, pattern: str, replacement: str, text: str) -> str:
    """A text with every match replaced; `$1` and `${name}` stand for groups, `$$` for a dollar."""
    sink, end, text = Sink(meter), 0, _clean(text)
    expression = compiled(pattern)
    parts = list(_template(replacement))
    for found in expression.finditer(text):
        if found.end() == found.start() == end and end:
            # Go leaves out an empty match right after another.
            continue
        sink.write(text[end : found.start()])
        for literal, group in parts:
            sink.write(literal)
            sink.write(_group(found, group))
        end = found.end()
    sink.write(text[end:])
    return sink.text()


def _clean(text: str) -> str:
    return text.encode(errors="replace").decode()


def _template(replacement: str) -> Iterator[tuple[str, str]]:
    """Pairs of literal text and the group that follows it."""
    end = 0
    for found in _REFERENCE.finditer(replacement):
        literal = replacement[end : found.start()] + ("$" if found[0] == "$$" else "")
        yield literal, found[1] or found[2] or ""
        end = found.end()
    yield replacement[end:], ""


def _group(found: re.Match[str], group: str) -> str:
    if not group:
        return ""
    try:
        return found[int(group) if group.isdigit() and len(group) < 9 else group] or ""
    except (IndexError, KeyError):
        return ""


def title_words(text: str) -> str:
    """strings.Title: the first letter of each word large, the rest as it was."""
    return _SEPARATED.sub(lambda found: found[0].title(), text)


def title_case(text: str) -> str:
    """Words with a large first letter and small ones after it."""
    return _WORD.sub(lambda found: _FIRST_LETTER.sub(lambda first: first[0].title(), found[0].lower(), count=1), text)


def split_host_port(text: str) -> tuple[str, str] | None:
    """Host and port of `host:port` or `[v6]:port`; None if the text is neither."""
    found = _HOST_PORT.fullmatch(text)
    return (found[1] if found[1] is not None else found[2], found[3]) if found else None


def joined(meter: Meter, separator: str, parts: list[str]) -> str:
    """Texts with a separator between them."""
    sink = Sink(meter)
    for index, part in enumerate(parts):
        sink.write(separator if index else "")
        sink.write(part)
    return sink.text()
