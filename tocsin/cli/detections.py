"""`tocsin detections`: every match of a rule."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from tocsin.cli.client import Session, client_command
from tocsin.cli.moments import SinceOption, UntilOption, absolute


@client_command
def detections(
    session: Session,
    since: SinceOption = None,
    until: UntilOption = None,
    rule: Annotated[str | None, typer.Option(help="Only those of the rule with this id or title.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also matches that only feed correlations, and the events themselves.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", help="At most so many [100, or all with --json].", min=0)
    ] = None,
) -> None:
    """List every match of a rule, newest first.

    With --json, each line has `rule_id`, `title`, `severity`, `time`, `event_ids` (audit ids), `labels` and more.

    Examples:

    `tocsin detections --since 1d`

    `tocsin detections --json | jq -r '.event_ids[]'`
    """
    most = limit if limit is not None else 0 if session.out.as_json else 100
    lines = session.client.lines(
        "/detections",
        since=absolute(since, "--since"),
        until=absolute(until, "--until"),
        rule=rule,
        all=everything,
        limit=most,
    )
    if session.out.as_json:
        for line in lines:
            session.out.line(line)
        return
    rows = [
        (session.out.time(d["time"]), d["severity"], d["title"], d["summary"], _ids(d["event_ids"]))
        for d in map(json.loads, lines)
    ]
    session.out.table(("time", "severity", "rule", "what", "events"), rows, empty="no detections")


def _ids(ids: list[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{ids[0]} and {len(ids) - 1} more" if ids else ""
