"""The `tocsin` command: which subcommands there are, and how every one of them ends.

A subcommand's module is imported when it is run, so that `tocsin --help` and completion answer at once.

Exit codes: 0 done; 1 it did not work, or a check found something; 2 wrong usage; 3 the server cannot be reached;
4 the server does not allow it; 70 a fault in Tocsin; 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from tocsin import __version__
from tocsin.model.errors import TocsinError

SERVER, DATA, ALERTS, RULES, SETTINGS = "Server", "Data", "Alerts", "Rules", "Settings"


@dataclass(frozen=True, slots=True)
class Entry:
    """One subcommand.

    Attributes:
        module: Below `tocsin.cli`; it has a function, or a `typer.Typer`, of the same name.
        summary: What the list says.
        panel: Under which heading.
    """

    module: str
    summary: str
    panel: str


COMMANDS: dict[str, Entry] = {
    "run": Entry("run", "Take data in, watch it, tell people.", SERVER),
    "demo": Entry("demo", "Replay a recorded attack into a live server.", SERVER),
    "status": Entry("status", "How the server is doing.", SERVER),
    "ingest": Entry("ingest", "Load files into a running server.", DATA),
    "query": Entry("query", "Search audit events and log lines.", DATA),
    "sources": Entry("sources", "Where data comes from, and when it last did.", DATA),
    "alerts": Entry("alerts", "List alerts, or show one with its evidence.", ALERTS),
    "detections": Entry("detections", "List every match of a rule.", ALERTS),
    "notifications": Entry("notifications", "List messages: waiting, sent, failed; send failed ones again.", ALERTS),
    "notify": Entry("notify", "Try a receiver out.", ALERTS),
    "rules": Entry("rules", "List, check and test rules.", RULES),
    "check": Entry("check", "Check the settings and everything they name.", SETTINGS),
    "config": Entry("config", "Print settings: those in force, or all with their defaults.", SETTINGS),
    "token": Entry("token", "Make API tokens.", SETTINGS),
}


def load(name: str) -> Any:
    """Import a subcommand and return it as the command line library wants it."""
    entry = COMMANDS[name]
    found = getattr(importlib.import_module(f"tocsin.cli.{entry.module}"), entry.module)
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")
    alone.command(name)(found)
    return typer.main.get_command(alone)


class _Commands(TyperGroup):
    """The table above as a command group."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = COMMANDS.get(cmd_name)
        return entry and TyperCommand(cmd_name, help=entry.summary, rich_help_panel=entry.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        self.commands = {name: self.get_command(ctx, name) for name in COMMANDS}  # What a misspelling may have meant.
        name, _, rest = super().resolve_command(ctx, args)
        return name, load(str(name)), rest


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tocsin {__version__}")
        raise typer.Exit


@app.callback()
def tocsin(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Security monitoring and alerting for Kubernetes: a cluster's logs in, alerts with their evidence out.

    Start here: `tocsin demo` shows it at work; `tocsin run` starts the server; `tocsin ingest audit.log` loads a file;
    `tocsin query 'verb:create resource:pods'` searches; `tocsin alerts` lists what was found.

    Commands speak to the server at --server, or TOCSIN_SERVER, or http://127.0.0.1:9319. They end with 0 when done, 1
    when it did not work, 2 on wrong usage, 3 when the server cannot be reached, 4 when it does not allow it.
    """


def main() -> None:
    """Run the command line and exit; every error becomes one sentence on standard error."""
    # A stream that the caller closed is None.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - closed by the process' end
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        try:
            app(prog_name="tocsin")
        finally:
            sys.stdout.flush()
    except TocsinError as error:
        _end(str(error), getattr(error, "exit_code", 1))
    except BrokenPipeError:
        _leave(1)
    except OSError as error:
        _end(f"{error.filename or 'the output cannot be written'}: {error.strerror}", 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if os.environ.get("TOCSIN_DEBUG"):
            raise
        _end(f"a fault in Tocsin: {type(error).__name__}: {error}\nTOCSIN_DEBUG=1 shows where.", 70)


def _end(message: str, code: int) -> None:
    lead = "error:" if os.environ.get("NO_COLOR") is not None or not sys.stderr.isatty() else "\x1b[1;31merror:\x1b[0m"
    sys.stderr.write(f"{lead} {message}\n")
    _leave(code)


def _leave(code: int) -> None:
    """Exit without a complaint about output that can no longer be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
