"""Syslog lines: RFC 5424, RFC 3164 (BSD), and the forms of both that daemons write to files, without the priority.

Specifications: https://www.rfc-editor.org/rfc/rfc5424, https://www.rfc-editor.org/rfc/rfc3164
"""

from __future__ import annotations

from tocsin.intake.formats.content import log_columns, log_format
from tocsin.intake.formats.expressions import FIELD_LIMIT, SYSLOG_LEVELS, literal, literals, yearless_time

_PRIORITY = r"^<(\d{1,3})>"
_SD = r'-|(?:\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\])+'
# <PRI>1 TIMESTAMP HOST APP PROCID MSGID SD MSG
_RFC5424 = literal(rf"^<\d{{1,3}}>1 (\S+) (\S+) (\S+) (\S+) (\S+) ({_SD})(?: (?:\x{{FEFF}})?(.*))?$")
# Mmm dd hh:mm:ss or RFC 3339, host, tag[pid]: msg
_BSD = literal(
    r"^(?:<\d{1,3}>)?(?:([A-Z][a-z]{2}) ([ \d]\d) (\d\d:\d\d:\d\d(?:\.\d+)?)|(\d{4}-\d\d-\d\dT\S+)) "
    r"(\S+) ([^\s:\[]{1,64})(?:\[([^\]]{1,32})\])?: ?(.*)$"
)
_ELEMENT = literal(r'\[([^\s=\]"]+)((?: [^\s=\]"]+="(?:[^"\\\]]|\\.)*")*)\]')
_PARAMETER = literal(r' ([^\s=\]"]+)="((?:[^"\\\]]|\\.)*)"')
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_FACILITIES = [
    "kern",
    "user",
    "mail",
    "daemon",
    "auth",
    "syslog",
    "lpr",
    "news",
    "uucp",
    "cron",
    "authpriv",
    "ftp",
    "ntp",
    "audit",
    "alert",
    "clock",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
]

# The engine refuses a whole query over a line with too many matches, so only a beginning of the data is read.
_FEW = f"arrayStringConcat(splitByChar('=', new[6], {FIELD_LIMIT}), '=')"
_PLAIN = r"replaceRegexpAll(q[2], '\\\\(.)', '\\1')"
_DATA = (
    f"arrayFlatten(arrayMap(s -> arrayMap(q -> (concat(s[1], '.', q[1]), {_PLAIN}), "
    f"extractAllGroupsVertical(s[2], {_PARAMETER})), if(countSubstrings(new[6], '[') < {FIELD_LIMIT}, "
    f"extractAllGroupsVertical({_FEW}, {_ELEMENT}), [])))"
)
_MONTH_DAY = (
    f"concat(leftPad(toString(indexOf([{literals(_MONTHS)}], old[1])), 2, '0'), '-', leftPad(trimLeft(old[2]), 2, '0'))"
)
_GIVEN = "multiIf(new_form, new[{}], old_form, old[{}], '')"


def _known(new: int, old: int) -> str:
    return f"nullIf({_GIVEN.format(new, old)}, '-')"


SYSLOG = log_format(
    "syslog",
    "multiIf(new_form, new[7], old_form, old[8], line)",
    log_columns(
        source="'node'",
        time="multiIf(new_form, parseDateTime64BestEffortOrNull(new[1], 6, 'UTC'), NOT old_form, text_time, "
        f"old[4] != '', parseDateTime64BestEffortOrNull(old[4], 6, 'UTC'), {yearless_time('month_day', 'old[3]')})",
        level=f"if(prival = '', text_level, [{literals(SYSLOG_LEVELS)}][toUInt16OrZero(prival) % 8 + 1])",
        pairs="arrayConcat(arrayFilter(p -> p.2 NOT IN ('', '-'), [('pid', if(new_form, new[4], old[7])), "
        f"('msgid', new[5]), ('facility', if(prival = '', '', [{literals(_FACILITIES)}]"
        "[intDiv(toUInt16OrZero(prival), 8) + 1]))]), data, pairs)",
        labels={"node": f"coalesce({_known(2, 5)}, '')", "app": f"coalesce({_known(3, 6)}, '')"},
    ),
    layers=(
        {"given": f"extract(line, {literal(_PRIORITY)})"},
        {"prival": "if(toUInt16OrZero(given) > 191, '', given)"},
        {"new": f"if(prival != '', extractGroups(line, {_RFC5424}), emptyArrayString())"},
        {
            "new_form": "notEmpty(new)",
            "old": f"if(notEmpty(new), emptyArrayString(), extractGroups(line, {_BSD}))",
            "data": f"if(notEmpty(new) AND new[6] != '-', {_DATA}, [])",
        },
        {"old_form": "notEmpty(old)", "month_day": _MONTH_DAY},
    ),
)
