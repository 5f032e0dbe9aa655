"""Parts of predicates that many rules have in common, named so that one query resolves and computes each once.

The engine looks at every part of a query anew, and that costs more than computing it over a batch; a name in `WITH` is
looked at once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from tocsin.store.sql import Sql, join

_NAME = re.compile(r"\bs[0-9a-f]{20}\b")


class Shared:
    """Collects named expressions. Equal expressions have the same name, whoever collects them."""

    def __init__(self) -> None:
        self._named: dict[str, Sql] = {}

    def name(self, expression: Sql) -> Sql:
        """Return a name that stands for `expression`, which may use names given before."""
        digest = hashlib.blake2s(expression.text.encode(), digest_size=10).hexdigest()
        name = f"s{digest}"
        self._named[name] = expression
        return Sql(name)

    def used_in(self, expression: Sql) -> Mapping[str, Sql]:
        """The names that `expression` needs and what they stand for, in order of definition."""
        needed: set[str] = set()
        waiting = _NAME.findall(expression.text)
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                waiting += _NAME.findall(self._named[name].text)
        return {name: each for name, each in self._named.items() if name in needed}


def inlined(expression: Sql, named: Mapping[str, Sql]) -> Sql:
    """`expression` with each name replaced by what it stands for."""
    params = dict(expression.params)

    def expand(match: re.Match[str]) -> str:
        found = named[match[0]]
        params.update(found.params)
        return f"({_NAME.sub(expand, found.text)})"

    return Sql(_NAME.sub(expand, expression.text), params)


def with_clause(named: Iterable[tuple[str, Sql]]) -> Sql:
    """`WITH expression AS name, ... ` for names in order of definition; empty for none."""
    parts = [Sql(f"({expression.text}) AS {name}", expression.params) for name, expression in dict(named).items()]
    return Sql("WITH ") + join(", ", parts) + Sql(" ") if parts else Sql("")
