"""`tocsin notifications`: messages, and what became of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from tocsin.cli.client import Session, client_command
from tocsin.cli.moments import LimitOption, SinceOption, absolute


class Where(StrEnum):
    """Where a message is."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    MERGED = "merged"


@client_command
def notifications(
    session: Session,
    state: Annotated[Where | None, typer.Option(help="Only messages in this state.")] = None,
    receiver: Annotated[str | None, typer.Option(help="Only messages to this receiver.")] = None,
    since: SinceOption = None,
    limit: LimitOption = 100,
) -> None:
    """List messages, latest first: waiting, sent, given up, or merged into a digest.

    Examples:

    `tocsin notifications --state failed`
    """
    listed = session.client.get(
        "/notifications",
        state=state and state.value,
        receiver=receiver,
        since=absolute(since, "--since"),
        limit=limit,
    )
    if session.out.as_json:
        session.out.objects(listed)
        return
    heads = ("due", "to", "reason", "state", "attempts", "took", "answer")
    session.out.table(heads, [_row(session, message) for message in listed], empty="no messages")


def _row(session: Session, message: dict[str, Any]) -> tuple[str, ...]:
    took = message["latency_ms"]
    return (
        session.out.time(message["created_at"]),
        message["destination"],
        message["reason"],
        message["state"],
        str(message["attempts"]),
        "" if took is None else f"{took / 1000:.1f}s",
        message["answer"] if message["state"] == "sent" else message["error"],
    )
