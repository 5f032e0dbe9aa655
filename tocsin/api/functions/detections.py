"""Every match of a rule, as it was found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from tocsin.api.functions.moments import window
from tocsin.api.services import Services
from tocsin.model.errors import InvalidInput
from tocsin.query.search import Window
from tocsin.store.sql import Sql, bind, compose, join

Kind = Literal["match", "base", "correlation"]

_COLUMNS = (
    "rule_id, title, severity, time, event_ids, labels, kind, summary, techniques, event_table, event_id, "
    "rule_version, cluster, ingested"
)


async def detections(
    services: Services,
    *,
    since: str | None = None,
    until: str | None = None,
    rule: str | None = None,
    kind: Kind | None = None,
    everything: bool = False,
    limit: int = 1000,
) -> AsyncIterator[bytes]:
    """Find detections, newest first, as chunks of JSON lines.

    Args:
        services: What is needed.
        since: Begin of the range of event time.
        until: Its end.
        rule: Only those of the rule with this id or title.
        kind: Only those of this kind.
        everything: Also those of kind `base`, which only feed correlations, and the events themselves.
        limit: At most so many; 0: all.

    Raises:
        InvalidInput: A parameter is wrong.
    """
    if not 0 <= limit <= services.max_rows:
        raise InvalidInput(f"limit: expected 0 (all) to {services.max_rows} (web.max_rows), got {limit}")
    conditions = _conditions(window(services, since, until), rule, kind, everything)
    query = compose(
        "SELECT {columns} FROM detections WHERE {where} ORDER BY time DESC, rule_id, event_id{limit}",
        columns=Sql(_COLUMNS + (", event" if everything else "")),
        where=join(" AND ", conditions, empty="1"),
        limit=compose(" LIMIT {limit}", limit=bind(limit, "UInt64")) if limit else Sql(""),
    )
    return services.workers.stream(lambda: services.columns.stream(query, services.budget))


def _conditions(range_: Window, rule: str | None, kind: Kind | None, everything: bool) -> list[Sql]:
    conditions = []
    if range_.since:
        conditions.append(compose("time >= {since}", since=bind(range_.since)))
    if range_.until:
        conditions.append(compose("time < {until}", until=bind(range_.until)))
    if rule:
        conditions.append(compose("(rule_id = {rule} OR title = {rule})", rule=bind(rule)))
    if kind:
        conditions.append(compose("kind = {kind}", kind=bind(kind)))
    elif not everything:
        conditions.append(Sql("kind != 'base'"))
    return conditions
