"""`tocsin token`: make API tokens."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tocsin.cli.output import note

token = typer.Typer(add_completion=False, help="Make API tokens.", no_args_is_help=True, pretty_exceptions_enable=False)


class TokenRole(StrEnum):
    """What the token may do."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    ADMIN = "admin"
    INTAKE = "intake"


@token.callback()
def _group() -> None:
    """Make API tokens."""


@token.command("create")
def create(
    name: Annotated[str, typer.Option(help="Whose it is; appears in logs.")],
    role: Annotated[
        TokenRole, typer.Option(help="viewer reads, responder also acts on alerts, intake only sends data.")
    ],
) -> None:
    """Make a token: print it once, with the line for `auth.tokens` in the settings, which holds only its hash.

    The token alone goes to standard output, so that it can go straight into a file.

    Examples:

    `tocsin token create --name api-server --role intake`

    `tocsin token create --name alice --role responder > ~/.tocsin-token`
    """
    from tocsin.api.tokens import Role, make_token

    secret, line = make_token(name, Role(role.value))
    note("Add this to the settings, then reload:\n")
    note(f"auth:\n  tokens:\n  {line}\n")
    note("This is the token; it is kept nowhere and cannot be shown again:\n")
    typer.echo(secret)
