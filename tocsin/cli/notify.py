"""`tocsin notify`: try a receiver out."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from tocsin.cli.client import Session, client_command

notify = typer.Typer(
    add_completion=False, help="Try a receiver out.", no_args_is_help=True, pretty_exceptions_enable=False
)


@notify.callback()
def _group() -> None:
    """Try a receiver out."""


@notify.command("test")
@client_command
def test(session: Session, receiver: Annotated[str, typer.Argument(help="A receiver of the settings.")]) -> None:
    """Send a marked test message to every destination of a receiver, and print what each answers.

    Ends with 1 if one did not take it.

    Examples:

    `tocsin notify test oncall`
    """
    outcomes = session.client.post(f"/receivers/{quote(receiver, safe='')}/test")
    if session.out.as_json:
        session.out.objects(outcomes)
    else:
        rows = [
            (o["kind"], "taken" if o["delivered"] else "refused", f"{o['seconds']}s", o["answer"]) for o in outcomes
        ]
        session.out.table(("destination", "message", "took", "answer"), rows, empty="the receiver has no destination")
    if not outcomes or not all(outcome["delivered"] for outcome in outcomes):
        raise typer.Exit(1)
