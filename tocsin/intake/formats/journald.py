"""systemd's journal as JSON, one entry a line (`journalctl -o json`).

Specification: https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format
"""

from __future__ import annotations

from tocsin.intake.formats.content import log_columns, log_format
from tocsin.intake.formats.expressions import SYSLOG_LEVELS, literals
from tocsin.intake.formats.records import NOT_JSON, records

# A message that is not UTF-8 comes as an array of its bytes, a repeated field as an array of strings.
_BYTES = "arrayStringConcat(arrayMap(b -> char(b), JSONExtract(line, 'MESSAGE', 'Array(UInt8)')))"
_MESSAGE = (
    "multiIf(JSONType(line, 'MESSAGE') != 'Array', entry.1, "
    "JSONType(line, 'MESSAGE', 1) = 'String', arrayStringConcat(JSONExtract(line, 'MESSAGE', 'Array(String)'), '\\n'), "
    f"{_BYTES})"
)
_ENTRY = (
    "Tuple(MESSAGE String, PRIORITY String, __REALTIME_TIMESTAMP String, _HOSTNAME String, SYSLOG_IDENTIFIER String, "
    "_SYSTEMD_UNIT String, _SOURCE_REALTIME_TIMESTAMP String, _COMM String)"
)
_OWN = (
    "arrayFilter(p -> p.1 NOT IN ('MESSAGE', '_HOSTNAME', '_BOOT_ID', '_MACHINE_ID') AND NOT startsWith(p.1, '__'), "
    "arrayMap(p -> (p.1, if(startsWith(p.2, '\"'), JSONExtractString(p.2), p.2)), JSONExtractKeysAndValuesRaw(line)))"
)
_STAMP = "if(entry.7 != '', entry.7, entry.3)"
_LEVELS = f"[{literals(SYSLOG_LEVELS)}]"

JOURNALD = log_format(
    "journald",
    _MESSAGE,
    log_columns(
        source="'node'",
        time=f"toNullable(fromUnixTimestamp64Micro(if(length({_STAMP}) > 17, 0, toInt64OrZero({_STAMP})), 'UTC'))",
        level=f"multiIf(shape != 'plain' AND text_level != '', text_level, match(entry.2, '^[0-7]$'), "
        f"{_LEVELS}[toUInt8OrZero(entry.2) + 1], text_level)",
        pairs="arrayConcat(own, pairs)",
        labels={
            "node": "entry.4",
            "app": "multiIf(entry.5 != '', entry.5, entry.6 != '', entry.6, entry.8)",
            "unit": "entry.6",
        },
    ),
    layers=({"entry": f"JSONExtract(line, '{_ENTRY}')", "own": _OWN},),
    rows=records(),
    reject=f"multiIf(NOT isValidJSON(line), {NOT_JSON}, entry.3 = '' AND NOT JSONHas(line, 'MESSAGE'), "
    "'no MESSAGE and no __REALTIME_TIMESTAMP: not a journal entry', '')",
)
