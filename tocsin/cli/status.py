"""`tocsin status`: how the server is doing."""

from __future__ import annotations

from typing import Any

import typer

from tocsin.cli.client import Session, client_command


@client_command
def status(session: Session) -> None:
    """How the server is doing: version, readiness, rules, and how far they have seen what is stored.

    Ends with 1 if the server is not ready.
    """
    found = session.client.get("/status")
    if session.out.as_json:
        session.out.objects([found])
    else:
        session.out.table(("what", "is"), [(name, value) for name, value in _flat(found)], empty="nothing")
    if not found["ready"]:
        raise typer.Exit(1)


def _flat(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    if not isinstance(value, dict):
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        return [(prefix, shown)]
    return [row for name, inner in value.items() for row in _flat(inner, f"{prefix}.{name}" if prefix else name)]
