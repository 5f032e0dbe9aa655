"""Tocsin's own HTTP interface, below `/api/tocsin/v1`: thin routes over the functions in `functions/`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.responses import JSONResponse, StreamingResponse

from tocsin.api.access import NATIVE
from tocsin.api.errors import body_of
from tocsin.api.functions import alerts, detections, operating, search, sources
from tocsin.api.services import Services
from tocsin.api.streaming import NDJSON, json_lines
from tocsin.api.tokens import Principal
from tocsin.model.alerts import Alert, AlertStatus
from tocsin.model.severity import Severity
from tocsin.respond.runbooks import Runbook
from tocsin.store.state.outbox import Message, MessageState

CURSOR = "Tocsin-Cursor"

Since = Annotated[str | None, Query(description="Begin of the range: a span before now (`1h`) or an ISO 8601 time.")]
Until = Annotated[str | None, Query(description="End of the range, itself excluded.")]
Limit = Annotated[int, Query(description="At most so many; `web.max_rows` is the most that can be asked for.")]
Offset = Annotated[int, Query(description="Leave out so many first.")]
Episode = Annotated[
    int | None, Query(description="Which of the times that it fired; the latest by default.", ge=1, lt=1 << 31)
]
LINES: dict[int | str, dict[str, Any]] = {200: {"description": "JSON lines.", "content": {NDJSON: {}}}}


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix=NATIVE, tags=["Tocsin"])
    _add_search(routes, services)
    _add_alerts(routes, services)
    _add_operating(routes, services)
    return routes


def principal(request: Request) -> Principal:
    """Return who asks, as the middleware found."""
    found: Principal = request.state.principal
    return found


def _add_search(routes: APIRouter, services: Services) -> None:
    @routes.get("/search", responses=LINES, response_class=StreamingResponse)
    async def search_(
        q: Annotated[str, Query(description="The search; docs/reference/search.md.")] = "",
        table: Annotated[str | None, Query(description="`audit`, `logs` or `rejected`.")] = None,
        since: Since = None,
        until: Until = None,
        limit: Limit = 100,
        count: Annotated[bool, Query(description="Answer `{count}` instead of rows.")] = False,
        by: Annotated[str | None, Query(description="Answer the most frequent values of this field.")] = None,
        after: Annotated[
            str | None,
            Query(description=f"Follow: `now`, then what the header `{CURSOR}` said. Answers what arrived since."),
        ] = None,
    ) -> Response:
        """Find events or log lines, newest first, as JSON lines."""
        if after is not None:
            lines, cursor = await search.search_arrived(services, q, table=table, after=after)
            return Response(lines, media_type=NDJSON, headers={CURSOR: cursor})
        if by is not None:
            values = await search.search_top(services, q, by, table=table, since=since, until=until, limit=limit)
            return JSONResponse({"values": values})
        if count:
            return JSONResponse(
                {"count": await search.search_count(services, q, table=table, since=since, until=until)}
            )
        return await json_lines(await search.search(services, q, table=table, since=since, until=until, limit=limit))

    @routes.get("/detections", responses=LINES, response_class=StreamingResponse)
    async def detections_(
        since: Since = None,
        until: Until = None,
        rule: Annotated[str | None, Query(description="Id or title of a rule.")] = None,
        kind: Annotated[detections.Kind | None, Query(description="Only those of this kind.")] = None,
        everything: Annotated[
            bool, Query(alias="all", description="Also those that only feed correlations, and the events themselves.")
        ] = False,
        limit: Annotated[int, Query(description="At most so many; 0: all.")] = 1000,
    ) -> Response:
        """Find matches of rules, newest first, as JSON lines."""
        found = await detections.detections(
            services, since=since, until=until, rule=rule, kind=kind, everything=everything, limit=limit
        )
        return await json_lines(found)


def _add_alerts(routes: APIRouter, services: Services) -> None:
    @routes.get("/alerts")
    async def alerts_(
        status: AlertStatus | None = None,
        severity: Annotated[Severity | None, Query(description="As bad as this, or worse.")] = None,
        rule: Annotated[str | None, Query(description="Id of a rule.")] = None,
        match: Annotated[str, Query(description='Label matchers, such as `namespace="shop",user=~"system:.*"`.')] = "",
        since: Since = None,
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> list[Alert]:
        """List alerts, firing and worst first, without their evidence."""
        return await alerts.list_alerts(
            services,
            status=status,
            at_least=severity,
            rule=rule,
            matchers=match,
            since=since,
            limit=limit,
            offset=offset,
        )

    @routes.get("/alerts/{fingerprint}")
    async def alert(fingerprint: str, episode: Episode = None) -> alerts.AlertDetails:
        """Return one alert with its evidence, history, messages and runbook."""
        return await alerts.get_alert(services, fingerprint, episode)

    @routes.get("/alerts/{fingerprint}/evidence")
    async def evidence(
        fingerprint: str,
        episode: Episode = None,
        after: Annotated[str | None, Query(description="What the page before said under `following`.")] = None,
        limit: Annotated[int, Query(description="Events on the page, 1000 at most.")] = 100,
    ) -> alerts.EvidencePage:
        """Return all events behind an alert as they arrived, page by page, earliest first."""
        return await alerts.alert_evidence(services, fingerprint, episode=episode, after=after, limit=limit)

    @routes.get("/runbooks/{slug}")
    async def runbook(slug: str) -> Runbook:
        """Return a runbook as Markdown."""
        return await operating.get_runbook(services, slug)


def _add_operating(routes: APIRouter, services: Services) -> None:
    @routes.get("/status")
    async def status() -> dict[str, Any]:
        """Tell version, readiness, and how far the rules have seen what is stored."""
        return await operating.status(services)

    @routes.get("/rules")
    async def rules() -> list[operating.RuleFacts]:
        """List the rules that run, worst first."""
        return await operating.list_rules(services)

    @routes.get("/rules/errors")
    async def rule_errors() -> list[dict[str, Any]]:
        """Tell why rules do not run, and where."""
        return [body_of(error)["error"] for error in await operating.rule_errors(services)]

    @routes.get("/notifications")
    async def notifications(
        state: MessageState | None = None,
        receiver: str | None = None,
        since: Since = None,
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> list[Message]:
        """List messages, latest first."""
        return await operating.list_notifications(
            services, state=state, receiver=receiver, since=since, limit=limit, offset=offset
        )

    @routes.post("/notifications/{id}/retry")
    async def retry(
        number: Annotated[int, Path(alias="id", description="The message's `id`.", ge=1, lt=1 << 63)],
        request: Request,
    ) -> Message:
        """Put a message that was given up back into the outbox, to be sent as if it were new."""
        return await operating.retry_notification(services, number, principal(request))

    @routes.get("/sources")
    async def sources_(since: Since = "1d", limit: Limit = 1000) -> list[sources.SourceFacts]:
        """List where data comes from, and when it last did."""
        return await sources.list_sources(services, since=since, limit=limit)

    @routes.post("/receivers/{name}/test")
    async def test(name: str, request: Request) -> Sequence[operating.DeliveryTest]:
        """Send a marked test message to every destination of a receiver."""
        return await operating.test_receiver(services, name, principal(request))
