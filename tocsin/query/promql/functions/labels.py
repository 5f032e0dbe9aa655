"""Functions that write labels: `label_replace`, `label_join`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

import re2

from tocsin.model.matchers import PATTERN_LIMIT
from tocsin.query.promql.functions.base import Context, Function
from tocsin.query.promql.syntax import QueryError
from tocsin.query.promql.values import Value, relabelled

# `$1`, `$name`, `${1}`, `${name}`, and `$$` for a dollar sign: the notation of Go's regular expressions.
_REFERENCE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})", re.ASCII)


def label_replace(context: Context) -> Value:
    """`label_replace(v, dst, replacement, src, regex)`."""
    vector = context.vector()
    target, replacement, source = context.text(1), context.text(2), context.text(3)
    pattern = _compiled(context.text(4))
    _check_name(target)
    known: dict[str, str | None] = {}
    changed = []
    for labels in vector.labels:
        value = labels.get(source, "")
        if value not in known:
            found = pattern.fullmatch(value)
            known[value] = None if found is None else _expand(replacement, found)
        new = known[value]
        changed.append(labels if new is None else _set(labels, target, new))
    return relabelled(vector, changed)


def label_join(context: Context) -> Value:
    """`label_join(v, dst, separator, src...)`."""
    vector = context.vector()
    target, separator = context.text(1), context.text(2)
    sources = [context.text(index) for index in range(3, len(context.values))]
    for name in (target, *sources):
        _check_name(name)
    joined = [
        _set(labels, target, separator.join(labels.get(name, "") for name in sources)) for labels in vector.labels
    ]
    return relabelled(vector, joined)


def _set(labels: Mapping[str, str], name: str, value: str) -> dict[str, str]:
    changed = {**labels, name: value}
    if not value:
        del changed[name]
    return changed


def _check_name(name: str) -> None:
    if not name:
        raise QueryError("a label's name must not be empty")


def _compiled(pattern: str) -> re.Pattern[str]:
    if len(pattern) > PATTERN_LIMIT:
        raise QueryError(f"the regular expression has {len(pattern)} characters; at most {PATTERN_LIMIT} are allowed")
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    try:
        return cast("re.Pattern[str]", re2.compile(pattern, options))
    except (re2.error, UnicodeEncodeError):
        raise QueryError(f"invalid regular expression in label_replace(): {pattern!r}") from None


def _expand(replacement: str, found: re.Match[str]) -> str:
    def value(reference: re.Match[str]) -> str:
        name = reference[1] or reference[2]
        if name is None:
            return "$"
        try:
            return found[int(name) if name.isdigit() else name] or ""
        except (IndexError, KeyError):
            return ""  # as Go: a group that is not there is empty

    return _REFERENCE.sub(value, replacement)


FUNCTIONS: Mapping[str, Function] = {"label_join": label_join, "label_replace": label_replace}
