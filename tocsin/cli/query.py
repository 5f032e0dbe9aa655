"""`tocsin query`: search audit events and log lines."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from tocsin.cli.client import Client, Refused, Session, Unreachable, client_command
from tocsin.cli.moments import LimitOption, SinceOption, UntilOption, absolute
from tocsin.cli.output import note, printable

_EVERY = 1.0
_SHOWN: Mapping[str, tuple[str, ...]] = {
    "raw": ("time", "user", "verb", "object", "code", "source_ip"),
    "stream": ("time", "origin", "level", "line"),
    "reason": ("ingested", "format", "reason", "line"),
}
"""A column that only one table has, to the columns shown of that table."""


@client_command
def query(  # noqa: PLR0913 - a command's options are its parameters
    session: Session,
    *,
    search: Annotated[list[str] | None, typer.Argument(help="Terms; several arguments are joined by spaces.")] = None,
    table: Annotated[
        str | None,
        typer.Option(
            help="audit, logs or rejected; else guessed from the fields.",
            autocompletion=lambda: ["audit", "logs", "rejected"],
        ),
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 100,
    count: Annotated[bool, typer.Option("--count", help="Only say how many there are.")] = False,
    by: Annotated[str | None, typer.Option("--by", help="Count by the values of this field.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show what arrives from now on, until Ctrl-C.")
    ] = False,
    fields: Annotated[
        str | None, typer.Option(help="What to show, separated by commas: columns, or paths of the event.")
    ] = None,
) -> None:
    """Search audit events and log lines: newest first, or as they arrive with --follow.

    A term is `field:value`. Fields are columns (`user`, `verb`, `resource`, `namespace`, `code`...) or paths of the
    event (`objectRef.resource`, `requestObject.spec.containers.image`). `*` stands for any characters, `field:*` asks
    for presence, `code:>=400` compares, `user:~^system:` is a regular expression. Terms side by side must all hold;
    `OR`, `NOT` and parentheses work. A word alone is looked for in the whole text; "in quotes" exactly. The reference
    has all of it: docs/reference/search.md.

    Examples:

    `tocsin query 'user:alice verb:create resource:pods' --since 1h`

    `tocsin query 'verb:(create OR patch) resource:*bindings NOT user:system:*' --json`

    `tocsin query 'code:403' --by user --since 1d`

    `tocsin query 'resource:pods subresource:exec' --fields time,user,requestURI,objectRef.name`

    `tocsin query --table logs 'namespace:shop level:error' --follow`
    """
    asked = {"q": " ".join(search or ()), "table": table}
    range_ = {"since": absolute(since, "--since"), "until": absolute(until, "--until")}
    if follow and (since or until or count or by):
        raise typer.BadParameter("--follow shows what arrives; it has no range and no count", param_hint="--follow")
    if follow:
        for line in follow_lines(session.client, asked, time.sleep):
            _print(session, [line], fields, header=False)
        return
    if by:
        found = session.client.get("/search", **asked, **range_, by=by, limit=limit)["values"]
        _print_counts(session, by, found)
    elif count:
        found = session.client.get("/search", **asked, **range_, count=True)
        session.out.objects([found]) if session.out.as_json else session.out.text(str(found["count"]))
    else:
        _print(session, session.client.lines("/search", **asked, **range_, limit=limit), fields)


def follow_lines(client: Client, asked: Mapping[str, Any], pause: Callable[[float], None]) -> Iterator[bytes]:
    """Yield the lines that arrive from now on, for ever: none is left out while the server is away or busy."""
    cursor, away = "now", False
    while True:
        try:
            lines, headers = client.page("/search", **asked, after=cursor)
        except (Unreachable, Refused) as error:
            if cursor == "now" or not _passes(error):
                raise
            if not away:
                note(printable(f"{error}; waiting for it"))
            away = True
            pause(_EVERY)
            continue
        away, cursor = False, headers["Tocsin-Cursor"]
        yield from lines
        if not lines:
            pause(_EVERY)


def _passes(error: Unreachable | Refused) -> bool:
    return isinstance(error, Unreachable) or error.status in {429, 502, 503, 504}


def _print(session: Session, lines: Iterable[bytes], fields: str | None, *, header: bool = True) -> None:
    if session.out.as_json and not fields:
        for line in lines:
            session.out.line(line)
        return
    rows = [json.loads(line) for line in lines]
    names = tuple(fields.split(",")) if fields else _names(rows)
    if session.out.as_json:
        session.out.objects({name: _value(row, name) for name in names} for row in rows)
        return
    cells = ([_cell(session, row, name) for name in names] for row in rows)
    session.out.table(names, cells, empty="nothing found", header=header)


def _names(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    row = rows[0] if rows else {}
    return next((names for mark, names in _SHOWN.items() if mark in row), ("time",))


def _cell(session: Session, row: dict[str, Any], name: str) -> str:
    value = _value(row, name)
    if name in {"time", "received", "ingested"}:
        return session.out.time(value)
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _value(row: dict[str, Any], name: str) -> Any:
    match name:
        case "object" if "resource" in row:
            return _object(row)
        case "origin" if "stream" in row:
            place = "/".join(filter(None, (row["namespace"], row["pod"] or row["app"], row["container"])))
            return place or row["node"] or row["source"]
    if name in row:
        return row[name]
    place, _, key = name.partition(".")
    inner = row.get(place)
    return inner.get(key) if isinstance(inner, dict) else _inside(_event(row), name.split("."))


def _event(row: dict[str, Any]) -> Any:
    """The event as it arrived; None if it is no JSON."""
    try:
        return json.loads(row.get("raw", ""))
    except ValueError:
        return None


def _inside(value: Any, path: Sequence[str]) -> Any:
    """What stands at a path; of lists, what stands there in each item."""
    if isinstance(value, list):
        return [found for item in value if (found := _inside(item, path)) is not None] or None
    if not path:
        return value
    return _inside(value.get(path[0]), path[1:]) if isinstance(value, dict) else None


def _object(row: dict[str, Any]) -> str:
    if not row["resource"]:
        return str(row["request_uri"])
    kind = "/".join(filter(None, (row["resource"], row["subresource"])))
    return " ".join(filter(None, (kind, "/".join(filter(None, (row["namespace"], row["name"]))))))


def _print_counts(session: Session, by: str, found: list[dict[str, Any]]) -> None:
    if session.out.as_json:
        session.out.objects(found)
        return
    session.out.table((by, "count"), [(str(v["value"]), str(v["count"])) for v in found], empty="nothing found")
