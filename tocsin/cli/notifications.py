"""`tocsin notifications`: messages, what became of them, and another try for those that failed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer

from tocsin.cli.client import Refused, Session, client_command
from tocsin.cli.moments import LimitOption, SinceOption, absolute
from tocsin.cli.output import note, printable

notifications = typer.Typer(
    add_completion=False, invoke_without_command=True, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)

_PAGE = 1000


class Where(StrEnum):
    """Where a message is."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    MERGED = "merged"


@notifications.callback()
@client_command
def list_(
    session: Session,
    context: typer.Context,
    state: Annotated[Where | None, typer.Option(help="Only messages in this state.")] = None,
    receiver: Annotated[str | None, typer.Option(help="Only messages to this receiver.")] = None,
    since: SinceOption = None,
    limit: LimitOption = 100,
) -> None:
    """List messages, latest first: waiting, sent, given up, or merged into a digest.

    Examples:

    `tocsin notifications --state failed`

    `tocsin notifications retry --failed`
    """
    if context.invoked_subcommand:
        _refuse_options(context)
        return
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
    heads = ("id", "due", "to", "reason", "state", "attempts", "took", "answer")
    session.out.table(heads, [_row(session, message) for message in listed], empty="no messages")


def _refuse_options(context: typer.Context) -> None:
    """Options before a subcommand would be forgotten, which is worst for --server."""
    given = [p.opts[0] for p in context.command.params if _from_line(context, str(p.name))]
    if given:
        raise typer.BadParameter(f"goes behind `{context.invoked_subcommand}`", param_hint=given[0])


def _from_line(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


@notifications.command("retry")
@client_command
def retry(
    session: Session,
    ids: Annotated[list[int] | None, typer.Argument(help="Messages to send again, as the list numbers them.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that failed.")] = False,
    receiver: Annotated[str | None, typer.Option(help="With --failed: only messages to this receiver.")] = None,
) -> None:
    """Send messages again that were given up, as if they were new.

    Ends with 1 if one of them cannot be.

    Examples:

    `tocsin notifications retry 17 18`

    `tocsin notifications retry --failed --receiver oncall`
    """
    if bool(ids) == failed:
        raise typer.BadParameter("name messages, or all of them by --failed", param_hint="IDS")
    if receiver and not failed:
        raise typer.BadParameter("goes with --failed", param_hint="--receiver")
    wanted = list(_failed(session, receiver)) if failed else list(dict.fromkeys(ids or ()))
    if not wanted:
        note("no message failed")
        return
    done = [number for number in wanted if _again(session, number)]
    if not session.out.as_json:
        session.out.text(f"{len(done)} of {len(wanted)} will be sent again")
    if len(done) < len(wanted):
        raise typer.Exit(1)


def _failed(session: Session, receiver: str | None) -> Iterator[int]:
    for offset in itertools.count(step=_PAGE):
        page = session.client.get("/notifications", state="failed", receiver=receiver, limit=_PAGE, offset=offset)
        yield from (message["id"] for message in page)
        if len(page) < _PAGE:
            return


def _again(session: Session, number: int) -> bool:
    """Put one message back; False, with a word on standard error, if it cannot be."""
    try:
        message = session.client.post(f"/notifications/{number}/retry")
    except Refused as error:
        if error.status not in {400, 404, 409}:
            raise
        note(printable(str(error)))
        return False
    if session.out.as_json:
        session.out.objects([message])
    return True


def _row(session: Session, message: dict[str, Any]) -> tuple[str, ...]:
    took = message["latency_ms"]
    return (
        str(message["id"]),
        session.out.time(message["created_at"]),
        message["destination"],
        message["reason"],
        message["state"],
        str(message["attempts"]),
        "" if took is None else f"{took / 1000:.1f}s",
        message["answer"] if message["state"] == "sent" else message["error"],
    )
