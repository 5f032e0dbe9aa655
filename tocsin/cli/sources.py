"""`tocsin sources`: where data comes from."""

from __future__ import annotations

from tocsin.cli.client import Session, client_command
from tocsin.cli.moments import LimitOption, SinceOption, absolute


@client_command
def sources(session: Session, since: SinceOption = "1d", limit: LimitOption = 1000) -> None:
    """Where data comes from, and when it last did: by table, cluster and source, the latest first."""
    listed = session.client.get("/sources", since=absolute(since, "--since"), limit=limit)
    if session.out.as_json:
        session.out.objects(listed)
        return
    rows = [
        (
            found["table"],
            found["cluster"],
            found["source"],
            f"{found['rows']:,}",
            f"{found['last_minute']:,}",
            session.out.time(found["last_seen"]),
            session.out.time(found["last_event"]),
        )
        for found in listed
    ]
    heads = ("table", "cluster", "source", "rows", "last minute", "last arrival", "latest event")
    session.out.table(heads, rows, empty="nothing arrived in this time")
