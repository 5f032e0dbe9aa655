"""`tocsin alerts`: the list, or one with its evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from tocsin.cli.client import Session, client_command
from tocsin.cli.moments import LimitOption, SinceOption, absolute
from tocsin.cli.output import printable
from tocsin.model.alerts import AlertStatus
from tocsin.model.severity import Severity

_PAGE = 200
"""Events asked for at a time: an event may be as large as 100 KiB."""


@client_command
def alerts(
    session: Session,
    fingerprint: Annotated[str | None, typer.Argument(help="Show this alert instead of the list.")] = None,
    status: Annotated[AlertStatus | None, typer.Option(help="Only firing or only resolved ones.")] = None,
    severity: Annotated[Severity | None, typer.Option(help="As bad as this, or worse.")] = None,
    match: Annotated[
        list[str] | None, typer.Option("--match", "-m", help='Label matcher, such as namespace="shop"; repeatable.')
    ] = None,
    since: SinceOption = None,
    evidence: Annotated[
        bool,
        typer.Option(
            "--evidence",
            help="Print every event behind the alert as it arrived, one a line; --json tells more of each.",
        ),
    ] = False,
    limit: LimitOption = 100,
) -> None:
    """List alerts, firing and worst first, or show one with its evidence, history and runbook.

    Examples:

    `tocsin alerts --status firing --severity high`

    `tocsin alerts -m 'namespace="shop"' -m 'user=~"system:.*"'`

    `tocsin alerts 3f0c5b2a9d1e4f77`

    `tocsin alerts 3f0c5b2a9d1e4f77 --evidence | jq .auditID`
    """
    if evidence and not fingerprint:
        raise typer.BadParameter("say of which alert", param_hint="--evidence")
    if evidence:
        for event in _evidence(session, _safe(str(fingerprint))):
            session.out.objects([event]) if session.out.as_json else session.out.text(event["raw"])
    elif fingerprint:
        found = session.client.get(f"/alerts/{_safe(fingerprint)}")
        session.out.objects([found]) if session.out.as_json else _show(session, found)
    else:
        _list(session, status, severity, match, since, limit)


def _list(
    session: Session,
    status: AlertStatus | None,
    severity: Severity | None,
    match: list[str] | None,
    since: str | None,
    limit: int,
) -> None:
    listed = session.client.get(
        "/alerts",
        status=status and status.value,
        severity=severity and severity.value,
        match=",".join(match or ()),
        since=absolute(since, "--since"),
        limit=limit,
    )
    if session.out.as_json:
        session.out.objects(listed)
        return
    heads = ("severity", "status", "since", "count", "alert", "what", "fingerprint")
    session.out.table(heads, [_row(session, alert) for alert in listed], empty="no alerts")


def _evidence(session: Session, fingerprint: str) -> Iterator[dict[str, Any]]:
    after = None
    while True:
        page = session.client.get(f"/alerts/{fingerprint}/evidence", after=after, limit=_PAGE)
        yield from page["events"]
        after = page["following"]
        if after is None:
            return


def _safe(fingerprint: str) -> str:
    if not fingerprint.isalnum():
        raise typer.BadParameter("a fingerprint is 16 letters and digits, as the list shows it")
    return fingerprint


def _row(session: Session, alert: dict[str, Any]) -> tuple[str, ...]:
    return (
        alert["severity"],
        alert["status"],
        session.out.time(alert["starts_at"]),
        str(alert["count"]),
        alert["title"],
        alert["annotations"].get("summary", ""),
        alert["fingerprint"],
    )


def _show(session: Session, found: dict[str, Any]) -> None:
    out, alert = session.out, found["alert"]
    facts = [
        ("severity", alert["severity"]),
        ("status", alert["status"]),
        ("what", alert["annotations"].get("summary", "")),
        ("description", alert["annotations"].get("description", "")),
        ("labels", ", ".join(f"{name}={value}" for name, value in sorted(alert["labels"].items()))),
        ("techniques", ", ".join(alert["techniques"])),
        ("events", str(alert["count"])),
        ("first", out.time(alert["starts_at"])),
        ("last", out.time(alert["last_event"])),
        ("over", out.time(alert["ends_at"])),
        ("episode", f"{alert['episode']} of {len(found['episodes'])}"),
        ("rule", alert["rule_id"]),
        ("runbook", alert["runbook_url"]),
        ("page", alert["url"]),
    ]
    out.text(alert["title"])
    for name, value in facts:
        if value:
            out.text(f"  {name:<12} {printable(value)}")
    _section(session, "Evidence", [(out.time(e["time"]), e["summary"], e["event_id"]) for e in alert["evidence"]])
    _section(session, "History", [(out.time(h["at"]), h["change"], h["detail"]) for h in found["history"]])
    messages = [
        (out.time(m["created_at"]), m["destination"], m["reason"], m["state"], m["error"] or m["answer"])
        for m in found["messages"]
    ]
    _section(session, "Messages", messages)
    if found["runbook"]:
        out.text(f"\nRunbook\n\n{found['runbook']['text'].rstrip()}")


def _section(session: Session, title: str, rows: Sequence[Sequence[str]]) -> None:
    if rows:
        session.out.text(f"\n{title}")
        session.out.table([""] * len(rows[0]), rows, empty="", header=False)
