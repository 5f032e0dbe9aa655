"""`tocsin check`: settings, and everything they name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tocsin.cli.config import ConfigOption
from tocsin.cli.output import note, printable
from tocsin.model.errors import TocsinError

if TYPE_CHECKING:
    from tocsin.app.settings import Settings


def check(config: ConfigOption = None) -> None:
    """Check the settings and everything they name: tokens, secrets' files, receivers, routes, rules, directories.

    Nothing is started or sent. Every problem is printed with its place; ends with 1 if there is one.

    Examples:

    `tocsin check --config /etc/tocsin/tocsin.yaml`
    """
    from tocsin.app import settings

    path = settings.find(str(config) if config else None)
    loaded = settings.load(path)
    base = path.parent if path else Path()
    problems = [problem for step in _steps(loaded, base) for problem in step]
    for problem in problems:
        note(printable(problem))
    where = path or "no settings file"
    if problems:
        note(f"{where}: {len(problems)} problem{'s' if len(problems) > 1 else ''}")
        raise typer.Exit(1)
    typer.echo(f"{where}: ok; {_summary(loaded, base)}")


def _steps(loaded: Settings, base: Path) -> Iterator[Iterator[str]]:
    yield _caught(lambda: _exposure(loaded))
    yield _caught(lambda: _receivers(loaded))
    yield _rules(loaded, base)
    yield _files(loaded)


def _caught(step: Callable[[], None]) -> Iterator[str]:
    try:
        step()
    except TocsinError as error:
        yield str(error)


def _exposure(loaded: Settings) -> None:
    from tocsin.api.auth import check_exposure

    check_exposure(loaded.listen, loaded.auth)


def _receivers(loaded: Settings) -> None:
    import asyncio

    import httpx

    from tocsin.app.wiring import make_receivers, make_routing

    async def build() -> None:
        async with httpx.AsyncClient() as http:
            make_routing(loaded, make_receivers(loaded, http))

    asyncio.run(build())


def _rules(loaded: Settings, base: Path) -> Iterator[str]:
    from tocsin.rules.loading import load

    for error in load(loaded.rules, base).errors:
        yield str(error)


def _files(loaded: Settings) -> Iterator[str]:
    import os

    data = Path(loaded.data).absolute()
    existing = next(place for place in (data, *data.parents) if place.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        yield f"data: {existing} cannot be written to"


def _summary(loaded: Settings, base: Path) -> str:
    from tocsin.rules.loading import load

    book = load(loaded.rules, base)
    rules = len(book.rules) + len(book.correlations)
    names = ", ".join(receiver.name for receiver in loaded.receivers) or "none"
    return f"listens on {loaded.listen}; {rules} rules; receivers: {names}"
