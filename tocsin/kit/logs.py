"""Our own log lines: JSON lines for machines, short text for a terminal."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any, TextIO

import orjson

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in _USUAL}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `message`, and what `extra` adds."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        entry: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extras(record),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(entry, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class TextFormatter(logging.Formatter):
    """`09:06:37 warning message key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the traceback on lines of its own."""
        pairs = "".join(f" {key}={value}" for key, value in _extras(record).items())
        line = f"{time.strftime('%H:%M:%S', time.localtime(record.created))} {record.levelname.lower():7} "
        line += record.getMessage() + pairs
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure(level: str, form: str, output: TextIO = sys.stderr) -> None:
    """Send all log lines to `output`.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        form: `json`, `text`, or `auto`: text if `output` is a terminal.
        output: Where to.
    """
    text = form == "text" or (form == "auto" and output.isatty())
    handler = logging.StreamHandler(output)
    handler.setFormatter(TextFormatter() if text else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("httpx", "httpcore", "uvicorn.access", "uvicorn.error", "sigma", "asyncio", "clickhouse_connect"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
