"""`tocsin rules`: list those that run, check files, run their examples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.client import Session, client_command
from tocsin.cli.config import ConfigOption
from tocsin.cli.output import Output, note, printable
from tocsin.model.errors import Location, RuleError

if TYPE_CHECKING:
    from tocsin.rules.book import Finding, RuleBook
    from tocsin.rules.unit_tests import Outcome

rules = typer.Typer(
    add_completion=False, help="List, check and test rules.", no_args_is_help=True, pretty_exceptions_enable=False
)

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
PathsArgument = Annotated[
    list[Path] | None, typer.Argument(help="Rule files or directories; else the rules of the settings.")
]


@rules.callback()
def _group() -> None:
    """List, check and test rules."""


@rules.command("list")
@client_command
def list_(
    session: Session,
    errors: Annotated[bool, typer.Option("--errors", help="Rules that do not run, and why.")] = False,
) -> None:
    """List the rules that a server runs, worst first; or those it does not run."""
    found = session.client.get("/rules/errors" if errors else "/rules")
    if session.out.as_json:
        session.out.objects(found)
    elif errors:
        for error in found:
            session.out.text(error["message"])
    else:
        rows = [
            (r["severity"], r["title"], r["kind"], ", ".join(r["techniques"]), r["owner"], r["file"], r["id"])
            for r in found
        ]
        heads = ("severity", "title", "kind", "techniques", "owner", "file", "id")
        session.out.table(heads, rows, empty="no rules")


@rules.command("check")
def check(
    paths: PathsArgument = None,
    config: ConfigOption = None,
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 for remarks too, not only for errors.")] = False,
    json: JsonOption = False,
) -> None:
    """Check rules: whether they are valid, and what is amiss with them. Needs no server.

    Errors are rules that would not run; remarks are things like a missing runbook, examples or severity. Ends with 1 if
    there is an error. With --json, each line has `kind` (`error` or `remark`), `file`, `line`, `column`, `rule`,
    `check` and `message`.

    Examples:

    `tocsin rules check my-rules/ --strict`
    """
    from tocsin.rules.lint import lint

    book = _book(paths, config)
    remarks = [*book.warnings, *lint(book)]
    if json:
        errors = (_error(error) for error in book.errors)
        Output().objects([*errors, *(_remark(each) for each in remarks)])
    else:
        for problem in (*book.errors, *remarks):
            note(printable(str(problem)))
        count = len(book.rules) + len(book.correlations)
        typer.echo(f"{count} rules, {len(book.errors)} errors, {len(remarks)} remarks")
    if book.errors or (strict and remarks):
        raise typer.Exit(1)


@rules.command("test")
def examples(
    paths: PathsArgument = None,
    config: ConfigOption = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Name the examples that pass, too.")] = False,
    json: JsonOption = False,
) -> None:
    """Run the examples beside rules (NAME.tests.yml) through the very code that watches live data. Needs no server.

    Ends with 1 if one does not do what is expected, or there is none. With --json, each line has `rule`, `example`,
    `passed`, `message`, `file`, `line` and `column`; a file that cannot be read is a line with an empty `example`.

    Examples:

    `tocsin rules test my-rules/`
    """
    from tocsin.cli.examples import find_examples, run_examples
    from tocsin.cli.progress import counted
    from tocsin.rules.sources import TESTS_SUFFIXES

    located, errors = find_examples(_places(paths, config))
    if paths:  # The examples of one rule may be named alone; the rule lies beside them.
        paths = [_rule_of(path) if path.name.endswith(TESTS_SUFFIXES) else path for path in paths]
    book = _book(paths, config)
    wrong = (*errors, *book.errors)
    total = sum(len(each.examples.tests) for each in located)
    outcomes = list(counted(run_examples(book, located), total, "examples"))
    if json:
        Output().objects([*(_failure(error) for error in wrong), *(_outcome(each) for each in outcomes)])
    else:
        _tell(wrong, outcomes, verbose=verbose)
    if wrong or not outcomes or not all(outcome.passed for outcome in outcomes):
        raise typer.Exit(1)


def _tell(wrong: Sequence[RuleError], outcomes: Sequence[Outcome], *, verbose: bool) -> None:
    for error in wrong:
        note(printable(str(error)))
    for outcome in outcomes:
        if not outcome.passed:
            note(printable(f"{outcome.location}: {outcome.rule}: {outcome.name}: {outcome.message}"))
        elif verbose:
            typer.echo(printable(f"{outcome.rule}: {outcome.name}: ok"))
    passed = sum(outcome.passed for outcome in outcomes)
    typer.echo(f"{passed} examples passed, {len(outcomes) - passed} failed")


def _place(location: Location | None) -> dict[str, Any]:
    return {
        "file": location.file if location else "",
        "line": location.line if location else 0,
        "column": location.column if location else 0,
    }


def _error(error: RuleError) -> dict[str, Any]:
    return {"kind": "error", **_place(error.location), "rule": "", "check": error.key, "message": error.message}


def _remark(found: Finding) -> dict[str, Any]:
    place = _place(found.location)
    return {"kind": "remark", **place, "rule": found.rule, "check": found.check, "message": found.message}


def _outcome(found: Outcome) -> dict[str, Any]:
    return {
        "rule": found.rule,
        "example": found.name,
        "passed": found.passed,
        "message": found.message,
        **_place(found.location),
    }


def _failure(error: RuleError) -> dict[str, Any]:
    return {"rule": "", "example": "", "passed": False, "message": error.message, **_place(error.location)}


def _rule_of(examples: Path) -> Path:
    name = examples.name.rpartition(".tests.")[0]
    found = [path for suffix in (".yml", ".yaml") if (path := examples.with_name(name + suffix)).is_file()]
    return found[0] if found else examples.with_name(f"{name}.yml")


def _places(paths: list[Path] | None, config: Path | None) -> list[Path]:
    """Return where the rules are."""
    from tocsin.app import settings
    from tocsin.kit.resources import packs_directory

    if paths:
        return paths
    found = settings.find(str(config) if config else None)
    wanted = settings.load(found).rules
    own = [(found.parent if found else Path()) / path for path in wanted.paths]
    return [packs_directory() / "detections", *own] if wanted.packs else own


def _book(paths: list[Path] | None, config: Path | None) -> RuleBook:
    from tocsin.rules.loading import load, load_paths

    if paths:
        return load_paths(paths)
    from tocsin.app import settings

    found = settings.find(str(config) if config else None)
    return load(settings.load(found).rules, found.parent if found else Path())
