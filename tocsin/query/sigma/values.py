"""From one Sigma value to a condition on one value of an event, an SQL expression of type String."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address

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

_EXACT_IN_FLOAT = 1 << 53
_ANY = SpecialChars.WILDCARD_MULTI
_V4_MAPPED = IPv6Address("::ffff:0:0")


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on one value.

    Attributes:
        of: From a String expression to a UInt8 expression.
        empty: Whether it holds for '', which is also what an absent column gives: such a column must be kept out.
    """

    of: Callable[[Sql], Sql]
    empty: bool = False


def folded(text: Sql) -> Sql:
    """`text` as it is compared when case does not count."""
    return compose("lowerUTF8({text})", text=text)


def plain(value: SigmaString) -> str | None:
    """The characters of a value without wildcards, else None."""
    parts = [part for part in value.s if isinstance(part, str)]
    return "".join(parts) if len(parts) == len(value.s) else None


def is_anything(value: SigmaString) -> bool:
    """True for `*`: any value at all."""
    return bool(value.s) and all(part is _ANY for part in value.s)


def equals(texts: Sequence[str], *, cased: bool) -> Test:
    """The value is one of `texts`. The empty text is wanted on purpose, so an absent column equals it."""
    wanted = [bind(text) if cased else folded(bind(text)) for text in texts]

    def test(x: Sql) -> Sql:
        left = x if cased else folded(x)
        if len(wanted) == 1:
            return compose("{left} = {right}", left=left, right=wanted[0])
        return compose("{left} IN ({wanted})", left=left, wanted=join(", ", wanted))

    return Test(test)


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
    return Test(lambda _: Sql("1"), empty=True) if is_anything(around) else matches(around, cased=cased)


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


def compares(value: SigmaNumber, operator: str) -> Test:
    """The value is a number that compares so with this one."""
    template = f"toFloat64OrDefault({{x}}, nan) {operator} {{number}}"
    return Test(lambda x: compose(template, x=x, number=bind(float(value.number))), empty=False)


def is_bool(value: SigmaBool) -> Test:
    """The value is this truth value, or the text of it."""
    return equals(["true" if value.boolean else "false"], cased=False)


def in_network(value: SigmaCIDRExpression) -> Test:
    """The value is an address of this network. An IPv4 address and the IPv6 address that maps it are the same."""
    network = value.network
    base = int(_V4_MAPPED) if isinstance(network, IPv4Network) else 0
    first = bind(str(IPv6Address(base + int(network.network_address))))
    last = bind(str(IPv6Address(base + int(network.broadcast_address))))
    template = "ifNull(toIPv6OrNull({x}) BETWEEN toIPv6({first}) AND toIPv6({last}), 0)"
    if not base:
        template = f"(NOT isIPv4String({{x}}) AND {template})"
    return Test(lambda x: compose(template, x=x, first=first, last=last))


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


def _wildcards(value: SigmaString, *, cased: bool) -> str:
    r"""The RE2 pattern of a string with wildcards. `*` is `\C*`, so that bytes which are not UTF-8 hide nothing."""
    parts = [re2.escape(part) if isinstance(part, str) else r"\C*" if part is _ANY else "." for part in value.s]
    return f"(?s{'' if cased else 'i'})^{''.join(parts)}$"


def _affix(text: str, *, lead: bool, trail: bool, cased: bool) -> Test:
    function = "position" if lead and trail else "startsWith" if trail else "endsWith"
    template = f"{function}({{left}}, {{right}})" + (" > 0" if function == "position" else "")
    right = bind(text) if cased else folded(bind(text))
    return Test(lambda x: compose(template, left=x if cased else folded(x), right=right), empty=not text)


def _pattern(pattern: str) -> Test:
    bound = bind(checked_pattern(pattern))
    return Test(
        lambda x: compose("match({x}, {pattern})", x=x, pattern=bound), empty=re2.search(pattern, "") is not None
    )
