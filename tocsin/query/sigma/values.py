"""From one Sigma value to a condition on one value of an event, an SQL expression of type String."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address
from math import nan

import re2
from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCIDRExpression,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SpecialChars,
)

from tocsin.query.sigma.verdicts import linked, undecided
from tocsin.store.sql import Sql, bind, compose, join

MAX_PATTERN = 10_000
"""Characters of a regular expression."""

OPERATORS = {
    CompareOperators.LT: "<",
    CompareOperators.LTE: "<=",
    CompareOperators.GT: ">",
    CompareOperators.GTE: ">=",
    CompareOperators.NEQ: "!=",
}

MAX_NEEDLES = 200
"""Texts of one `multiSearchAny`; the engine takes 255."""

_COMPARES: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_DIGITS = re.compile(r"[0-9]{1,15}")
_EXACT_IN_FLOAT = 1 << 53
_ANY = SpecialChars.WILDCARD_MULTI
_V4_MAPPED = IPv6Address("::ffff:0:0")


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on one value.

    Attributes:
        of: From a String expression to a condition on it.
        cased: True: the expression must be the value as it is; False: the value in lower case.
        empty: Whether it holds for '', which is also what an absent column gives: such a column must be kept out.
        holds: The same condition without the engine, on a text of ASCII; None if only the engine can tell.
    """

    of: Callable[[Sql], Sql]
    cased: bool = True
    empty: bool = False
    holds: Callable[[str], bool | None] = undecided


def folded(text: str) -> str:
    """`text` as the engine's `lowerUTF8` gives it: how texts are compared when case does not count."""
    return text.lower()


def plain(value: SigmaString) -> str | None:
    """The characters of a value without wildcards, else None."""
    parts = [part for part in value.s if isinstance(part, str)]
    return "".join(parts) if len(parts) == len(value.s) else None


def inner(value: SigmaString) -> str | None:
    """The characters between two `*`, if the value is nothing but that; else None."""
    if len(value.s) == 3 and value.s[0] is _ANY and value.s[2] is _ANY and isinstance(value.s[1], str):
        return value.s[1] or None
    return None


def is_anything(value: SigmaString) -> bool:
    """True for `*`: any value at all."""
    return bool(value.s) and all(part is _ANY for part in value.s)


def equals(texts: Sequence[str], *, cased: bool) -> Test:
    """The value is one of `texts`. The empty text is wanted on purpose, so an absent column equals it."""
    wanted = texts if cased else [folded(text) for text in texts]
    holds = frozenset(wanted).__contains__
    if len(wanted) == 1:
        one = bind(wanted[0])
        return Test(lambda x: compose("{x} = {one}", x=x, one=one), cased=cased, holds=holds)
    several = bind(list(wanted))
    return Test(lambda x: compose("{x} IN {several}", x=x, several=several), cased=cased, holds=holds)


def contains_any(texts: Sequence[str]) -> Test:
    """Any of `texts`, none of them empty and at most `MAX_NEEDLES`, is found in the value; case does not count."""
    wanted = [folded(text) for text in texts]
    needles = bind(wanted)
    return Test(
        lambda x: compose("multiSearchAny({x}, {needles})", x=x, needles=needles),
        cased=False,
        holds=lambda text: any(each in text for each in wanted),
    )


def matches(value: SigmaString, *, cased: bool) -> Test:
    """The whole value fits a string with wildcards (`*` any characters, `?` one)."""
    text = plain(value)
    if text is not None:
        return equals([text], cased=cased)
    lead, trail = value.s[0] is _ANY, value.s[-1] is _ANY
    middle = value.s[int(lead) : len(value.s) - int(trail)]
    if len(middle) == 1 and isinstance(middle[0], str):
        return _affix(middle[0], lead=lead, trail=trail, cased=cased)
    return _pattern(_wildcards(value, cased=cased))


def contains(value: SigmaString, *, cased: bool) -> Test:
    """A string with wildcards is found somewhere in the value."""
    around = SigmaString()
    around.s = [_ANY, *value.s, _ANY]
    while len(around.s) > 1 and around.s[1] is _ANY:
        del around.s[0]
    while len(around.s) > 1 and around.s[-2] is _ANY:
        del around.s[-1]
    return Test(lambda _: Sql("1")) if is_anything(around) else matches(around, cased=cased)


def finds(value: SigmaRegularExpression, *, starts: bool, ends: bool) -> Test:
    """The pattern is found in the value (RE2; case counts unless the flag `i` is set).

    Args:
        value: The pattern and its flags.
        starts: It must begin where the value begins.
        ends: It must end where the value ends.

    Raises:
        ValueError: RE2 refuses the pattern, or it is too long.
    """
    text = str(value.regexp)
    if starts or ends:
        text = f"{'^' if starts else ''}(?:{text}){'$' if ends else ''}"
    flags = "".join(sorted(SigmaRegularExpression.sigma_to_re_flag[flag] for flag in value.flags))
    # The engine lets a dot match a line break; Sigma does so only with the flag `s`.
    return _pattern(f"(?{flags}{'' if 's' in flags else '-s'}){text}")


def is_number(value: SigmaNumber) -> Test:
    """The value is this number, however it is written."""
    number = value.number
    if isinstance(number, int) and abs(number) > _EXACT_IN_FLOAT:
        return equals([str(number)], cased=True)
    return compares(value, "=")


def compares(value: SigmaNumber, relation: str) -> Test:
    """The value is a number that compares so with this one."""
    template = f"toFloat64OrDefault({{x}}, nan) {relation} {{number}}"
    number = bind(float(value.number))
    related = _COMPARES[relation]

    def holds(text: str) -> bool | None:
        if not text:
            return related(nan, float(value.number))
        return related(float(text), float(value.number)) if _DIGITS.fullmatch(text) else None

    return Test(lambda x: compose(template, x=x, number=number), holds=holds)


def is_bool(value: SigmaBool) -> Test:
    """The value is this truth value, or the text of it."""
    return equals(["true" if value.boolean else "false"], cased=False)


def in_network(value: SigmaCIDRExpression) -> Test:
    """The value is an address of this network. An IPv4 address and the IPv6 address that maps it are the same."""
    network = value.network
    base = int(_V4_MAPPED) if isinstance(network, IPv4Network) else 0
    first = bind(str(IPv6Address(base + int(network.network_address))), "IPv6")
    last = bind(str(IPv6Address(base + int(network.broadcast_address))), "IPv6")
    # What is no address gives `::`, which no IPv4 network holds.
    within = "toIPv6OrDefault({x}) BETWEEN {first} AND {last}"
    template = f"({within})" if base else f"(isIPv6String({{x}}) AND {within})"
    return Test(lambda x: compose(template, x=x, first=first, last=last))


def merged(tests: Sequence[Test]) -> list[Test]:
    """Alternatives that look at the same text, as one test each: a list of values is then gone through once."""
    out = []
    for cased, empty in dict.fromkeys((test.cased, test.empty) for test in tests):
        alike = [test for test in tests if (test.cased, test.empty) == (cased, empty)]
        out.append(alike[0] if len(alike) == 1 else _either(alike))
    return out


def checked_pattern(pattern: str) -> str:
    """Return `pattern` if the engine will take it; raises ValueError saying why not."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"the pattern has {len(pattern)} characters; {MAX_PATTERN} are allowed")
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "no reason given"
        told = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"RE2 does not accept the regular expression: {told}") from None
    return pattern


def _either(tests: Sequence[Test]) -> Test:
    return Test(
        lambda x: compose("({tests})", tests=join(" OR ", [test.of(x) for test in tests])),
        cased=tests[0].cased,
        empty=tests[0].empty,
        holds=lambda text: linked((test.holds(text) for test in tests), decisive=True),
    )


def _wildcards(value: SigmaString, *, cased: bool) -> str:
    r"""The RE2 pattern of a string with wildcards. `*` is `\C*`, so that bytes which are not UTF-8 hide nothing."""
    parts = [re2.escape(part) if isinstance(part, str) else r"\C*" if part is _ANY else "." for part in value.s]
    return f"(?s{'' if cased else 'i'})^{''.join(parts)}$"


def _affix(text: str, *, lead: bool, trail: bool, cased: bool) -> Test:
    function = "position" if lead and trail else "startsWith" if trail else "endsWith"
    template = f"{function}({{x}}, {{text}})" + (" > 0" if function == "position" else "")
    wanted = text if cased else folded(text)
    bound = bind(wanted)
    fits = str.__contains__ if lead and trail else str.startswith if trail else str.endswith
    return Test(
        lambda x: compose(template, x=x, text=bound), cased=cased, empty=not text, holds=lambda text: fits(text, wanted)
    )


def _pattern(pattern: str) -> Test:
    bound = bind(checked_pattern(pattern))
    compiled = re2.compile(pattern)

    def holds(text: str) -> bool:
        return compiled.search(text) is not None

    return Test(lambda x: compose("match({x}, {pattern})", x=x, pattern=bound), empty=holds(""), holds=holds)
