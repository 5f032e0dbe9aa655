"""`tocsin check`: settings, and everything they name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.config import ConfigOption
from tocsin.cli.output import note, printable
from tocsin.model.errors import Location, SettingsError, TocsinError

if TYPE_CHECKING:
    from tocsin.app.settings import Settings
    from tocsin.notify.base import Notifier
    from tocsin.rules.book import RuleBook

_WILD = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Checked:
    """What is checked, and what came of it.

    Attributes:
        settings: The settings.
        path: Their file; None for the defaults.
        problems: What keeps Tocsin from doing what the settings say.
        remarks: What is allowed but perhaps not meant.
    """

    settings: Settings
    path: Path | None
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def base(self) -> Path:
        """Where relative paths of rules start."""
        return self.path.parent if self.path else Path()


def check(
    config: ConfigOption = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with 1 for remarks too, not only for problems.")
    ] = False,
) -> None:
    """Check the settings and everything they name: tokens, secrets, receivers, routes, rules, files, directories.

    Nothing is started or sent. Every problem is printed with its place; ends with 1 if there is one. What is allowed
    but perhaps not meant is printed as a remark.

    Examples:

    `tocsin check --config /etc/tocsin/tocsin.yaml`
    """
    from tocsin.app import settings

    path = settings.find(str(config) if config else None)
    done = Checked(settings.load(path), path)
    _check_access(done)
    _check_alerting(done)
    book = _check_rules(done)
    _check_files(done)
    _check_data(done)
    for text in (*done.problems, *(f"remark: {text}" for text in done.remarks)):
        note(printable(text))
    where = path or "no settings file"
    if done.problems:
        note(f"{where}: {_number(len(done.problems), 'problem')}, {_number(len(done.remarks), 'remark')}")
        raise typer.Exit(1)
    typer.echo(f"{where}: ok; {_summary(done.settings, book)}")
    if strict and done.remarks:
        raise typer.Exit(1)


def _check_access(done: Checked) -> None:
    from tocsin.api.auth import check_exposure

    _caught(done, lambda: check_exposure(done.settings.listen, done.settings.auth))


def _check_alerting(done: Checked) -> None:
    import asyncio

    import httpx

    from tocsin.alerting.routing import Routing, remarks

    async def build() -> None:
        async with httpx.AsyncClient() as http:
            receivers = _receivers(done, http)
        _caught(done, lambda: Routing(done.settings.alerting, receivers))
        done.remarks.extend(remarks(done.settings.alerting, receivers))

    asyncio.run(build())


def _receivers(done: Checked, http: Any) -> Mapping[str, Sequence[tuple[str, Notifier]]]:
    """Make every receiver. One that cannot be made has no destinations, so that the routes can be checked even so."""
    from tocsin.notify.guard import Guard
    from tocsin.notify.table import make_receiver

    guard = Guard(done.settings.allow_private_destinations)
    made: dict[str, Sequence[tuple[str, Notifier]]] = {}
    for number, receiver in enumerate(done.settings.receivers):
        made[receiver.name] = ()

        def make(receiver: Any = receiver, number: int = number) -> None:
            made[receiver.name] = make_receiver(receiver, http, guard, f"receivers[{number}]")

        _caught(done, make)
    return made


def _check_rules(done: Checked) -> RuleBook:
    from tocsin.rules.loading import load

    book = load(done.settings.rules, done.base)
    done.problems.extend(str(error) for error in book.errors)
    done.remarks.extend(str(warning) for warning in book.warnings)
    return book


def _check_files(done: Checked) -> None:
    """Followed files may come later, so a pattern that fits none yet is a remark; a plain name is meant."""
    import glob
    import os

    for number, group in enumerate(done.settings.intake.files):
        for place, pattern in enumerate(group.paths):
            key = f"intake.files[{number}].paths[{place}]"
            found = glob.glob(pattern, recursive=True)
            if not found and not _WILD & set(pattern):
                done.problems.append(_placed(done, SettingsError(f"there is no file {pattern}", key=key)))
            elif not found:
                done.remarks.append(_placed(done, SettingsError(f"no file fits {pattern} yet", key=key)))
            locked = [path for path in found if not os.access(path, os.R_OK)]
            done.problems.extend(_placed(done, SettingsError(f"{path} cannot be read", key=key)) for path in locked)
    cluster = done.settings.store.cluster
    if cluster and cluster.ca_file and not Path(cluster.ca_file).is_file():
        error = SettingsError(f"there is no file {cluster.ca_file}", key="store.cluster.ca_file")
        done.problems.append(_placed(done, error))


def _check_data(done: Checked) -> None:
    import os

    data = Path(done.settings.data).absolute()
    existing = next(place for place in (data, *data.parents) if place.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        done.problems.append(_placed(done, SettingsError(f"{existing} cannot be written to", key="data")))


def _caught(done: Checked, step: Callable[[], object]) -> None:
    try:
        step()
    except SettingsError as error:
        done.problems.append(_placed(done, error))
    except TocsinError as error:
        done.problems.append(str(error))


def _placed(done: Checked, error: SettingsError) -> str:
    """Name file and line of the setting that an error is about, where only its key is known."""
    from tocsin.kit.yaml_source import parse_path, read_yaml

    if error.location or not done.path:
        return str(error)
    documents = read_yaml(done.path.read_text(encoding="utf-8"))
    line, column = documents[0].position(parse_path(error.key)) if documents else (0, 0)
    return str(SettingsError(error.message, Location(str(done.path), line, column), error.key))


def _number(count: int, of: str) -> str:
    return f"{count} {of}{'' if count == 1 else 's'}"


def _summary(loaded: Settings, book: RuleBook) -> str:
    rules = len(book.rules) + len(book.correlations)
    names = ", ".join(receiver.name for receiver in loaded.receivers) or "none"
    return f"listens on {loaded.listen}; {rules} rules; receivers: {names}"
