"""Label matchers in Alertmanager's notation: `{namespace="prod", user=~"system:.*"}`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias, cast

import re2

from tocsin.model.errors import InvalidInput
from tocsin.model.labels import Labels

Operator: TypeAlias = Literal["=", "!=", "=~", "!~"]

PATTERN_LIMIT = 2000
"""Characters of a matcher's regular expression; more is a mistake or an attack."""

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_NAME = r'[^\s"{}=!~,]+'
_MATCHER = re.compile(
    rf'\s*(?P<name>{_QUOTED}|{_NAME})\s*(?P<op>=~|!~|!=|=)\s*(?P<value>{_QUOTED}|[^"{{}},]*)\s*', re.DOTALL
)
_BARE_NAME = re.compile(_NAME)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_UNESCAPED = {'"': '"', "\\": "\\", "n": "\n"}


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label.

    A label that is missing counts as empty, as in Prometheus. Regular expressions have RE2's syntax and are anchored at
    both ends; RE2 matches in linear time, so that a filter from outside cannot hold up the server.

    Attributes:
        name: The label.
        op: `=`, `!=`, `=~` or `!~`.
        value: The text, or the regular expression, to compare with.

    Raises:
        InvalidInput: The regular expression is wrong or longer than `PATTERN_LIMIT`.
    """

    name: str
    op: Operator
    value: str

    def __post_init__(self) -> None:
        if self.op in ("=~", "!~"):
            _compiled(self.value)

    def matches(self, labels: Labels) -> bool:
        """Whether a label set fulfils the condition."""
        actual = labels.get(self.name, "")
        if self.op in ("=", "!="):
            return (actual == self.value) == (self.op == "=")
        return (_compiled(self.value).fullmatch(actual) is not None) == (self.op == "=~")

    def __str__(self) -> str:
        name = self.name if _BARE_NAME.fullmatch(self.name) else _quoted(self.name)
        return f"{name}{self.op}{_quoted(self.value)}"


def match_all(matchers: Iterable[Matcher], labels: Labels) -> bool:
    """Whether a label set fulfils every condition; True if there is none."""
    return all(matcher.matches(labels) for matcher in matchers)


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Read a list of matchers, with or without braces around it; quotes are needed only round `"`, `,`, `{` and `}`.

    Raises:
        InvalidInput: The text is not such a list; the message gives the column, from 1.
    """
    start, end = _inner(text)
    found: list[Matcher] = []
    while text[start:end].strip():
        match = _MATCHER.match(text, start, end)
        if not match or (match.end() < end and text[match.end()] != ","):
            at = (match.end() if match else start) + 1
            raise InvalidInput(
                f'column {at} of {text!r}: expected matchers such as namespace="prod", separated by commas'
            )
        found.append(Matcher(_plain(match["name"]), cast("Operator", match["op"]), _plain(match["value"].strip())))
        start = match.end() + 1
    return tuple(found)


def _inner(text: str) -> tuple[int, int]:
    stripped = text.strip()
    start = len(text) - len(text.lstrip())
    if not stripped.startswith("{"):
        return 0, len(text)
    if len(stripped) < 2 or not stripped.endswith("}"):
        raise InvalidInput(f"{text!r}: the closing brace is missing")
    return start + 1, start + len(stripped) - 1


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _plain(token: str) -> str:
    if not token.startswith('"'):
        return token
    # An unknown escape keeps its backslash: `"\d+"` is what people write for a regular expression.
    return _ESCAPE.sub(lambda found: _UNESCAPED.get(found[1], found[0]), token[1:-1])


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    if len(pattern) > PATTERN_LIMIT:
        raise InvalidInput(f"the regular expression has {len(pattern)} characters; at most {PATTERN_LIMIT} are allowed")
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    try:
        return cast("re.Pattern[str]", re2.compile(pattern, options))
    except (re2.error, UnicodeEncodeError) as error:
        detail = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else "not Unicode text"
        raise InvalidInput(f"{pattern!r} is not a regular expression (RE2): {detail}") from None
