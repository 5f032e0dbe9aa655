"""Appends a query's budget as the engine's own settings."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.store.base import Budget

FORMATTING: Mapping[str, int | str] = {
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_denormals": 0,
    "output_format_json_validate_utf8": 1,
    "date_time_output_format": "iso",
}
"""How `Columns.fetch` promises to give values."""

_LIMITED = ("SELECT", "WITH", "INSERT", "(")


def with_budget(text: str, budget: Budget, extra: Mapping[str, int | str] | None = None) -> str:
    """Return `text` with a `SETTINGS` clause, if it is a statement that reads; DDL is returned as it is.

    The text itself must have no `SETTINGS` clause at its end.
    """
    if not text.lstrip().upper().startswith(_LIMITED):
        return text
    settings: dict[str, int | str | float] = {
        "max_memory_usage": int(budget.memory),
        "max_execution_time": budget.seconds,
        **(extra or {}),
    }
    if budget.rows:
        settings["max_rows_to_read"] = budget.rows
    return f"{text} SETTINGS " + ", ".join(
        f"{name} = '{value}'" if isinstance(value, str) else f"{name} = {value}" for name, value in settings.items()
    )


def settings_clause(settings: Mapping[str, str]) -> str:
    """Return a `SETTINGS` clause of texts, with a space before it; empty if there are none."""
    if not settings:
        return ""
    return " SETTINGS " + ", ".join(f"{name} = {_quoted(value)}" for name, value in settings.items())


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
