"""How Tocsin itself is doing: status, rules, sources, messages, and trying a receiver out."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from tocsin import __version__
from tocsin.api.functions.moments import limited, moment, skipped
from tocsin.api.services import Services
from tocsin.api.tokens import Principal
from tocsin.kit.units import Duration
from tocsin.model.alerts import Alert, AlertStatus, Evidence, Notification
from tocsin.model.errors import Conflict, DeliveryFailed, NotFound, RuleError
from tocsin.model.labels import fingerprint
from tocsin.model.severity import Severity
from tocsin.notify.base import Notifier
from tocsin.respond.runbooks import Runbook, read_runbook
from tocsin.rules.kinds.base import Rule
from tocsin.store.sql import Sql
from tocsin.store.state import outbox, trail, watermarks
from tocsin.store.state.outbox import Message, MessageQuery, MessageState


@dataclass(frozen=True, slots=True)
class DeliveryTest:
    """What one destination answered to a test message.

    Attributes:
        kind: `email`, `slack`...
        delivered: True if it took the message.
        answer: Its answer, or why it did not take it.
        seconds: How long it took.
    """

    kind: str
    delivered: bool
    answer: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """A rule that runs.

    Attributes:
        id, title, severity, alerting, description, techniques, runbook_url, owner, reviewed, min_audit_level, version:
            As `rules/kinds/base.py` has them.
        kind: `sigma` or `correlation`.
        quiet: Its alerts resolve when nothing more matched for this long.
        file: Where it is written.
    """

    id: str
    title: str
    kind: str
    severity: Severity
    alerting: bool
    description: str
    techniques: tuple[str, ...]
    runbook_url: str
    quiet: str
    owner: str
    reviewed: str
    min_audit_level: str
    version: str
    file: str


async def status(services: Services) -> dict[str, Any]:
    """Return version, readiness, committed batches and how far the rules have seen them, and the process' details."""

    def read() -> dict[str, Any]:
        committed = services.columns.fetch(Sql("SELECT writer, max(batch) AS batch FROM batches GROUP BY writer"))
        with services.state.read() as connection:
            seen = watermarks.read(connection)
        return {"committed": {row["writer"]: row["batch"] for row in committed}, "evaluated": seen}

    unready = list(services.life.unready())
    marks = {} if unready else await services.workers.run(read)
    book = services.book()
    return {
        "version": __version__,
        "now": services.clock.now(),
        "ready": not unready,
        "unready": unready,
        "authentication": "off" if services.authenticator.open_to_this_machine else "tokens",
        "batches": marks,
        "rules": {"loaded": len(book.rules) + len(book.correlations), "errors": len(book.errors)},
        **services.life.details(),
    }


async def list_rules(services: Services) -> list[RuleFacts]:
    """Return the rules that run, worst first."""
    book = services.book()
    found = [*((rule, "sigma") for rule in book.rules), *((rule, "correlation") for rule in book.correlations)]
    return [rule_facts(rule, kind) for rule, kind in sorted(found, key=lambda f: (f[0].severity.rank, f[0].title))]


def rule_facts(rule: Rule, kind: str) -> RuleFacts:
    """Return what a list says of a rule."""
    return RuleFacts(
        id=rule.id,
        title=rule.title,
        kind=kind,
        severity=rule.severity,
        alerting=rule.alerting,
        description=rule.description,
        techniques=rule.techniques,
        runbook_url=rule.runbook_url,
        quiet=str(Duration(seconds=rule.quiet.total_seconds())),
        owner=rule.owner,
        reviewed=rule.reviewed,
        min_audit_level=rule.min_audit_level,
        version=rule.version,
        file=str(rule.location),
    )


async def rule_errors(services: Services) -> Sequence[RuleError]:
    """Return why rules do not run."""
    return services.book().errors


async def list_notifications(
    services: Services,
    *,
    state: MessageState | None = None,
    receiver: str | None = None,
    since: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Message]:
    """List messages, latest first. Raises InvalidInput."""
    query = MessageQuery(
        state=state,
        receiver=receiver,
        since=moment(services, "since", since),
        limit=limited(services, limit),
        offset=skipped(offset),
    )

    def read() -> list[Message]:
        with services.state.read() as connection:
            return outbox.find(connection, query)

    return await services.workers.run(read)


async def retry_notification(services: Services, number: int, who: Principal) -> Message:
    """Put a message that was given up back into the outbox, to be sent as if it were new; return it.

    Raises NotFound if there is none, Conflict if it was not given up or its destination is no longer in the settings.
    """

    def write() -> Message:
        now = services.clock.now()
        with services.state.write() as connection:
            message = _given_up(services, connection, number)
            outbox.requeue(connection, number, now)
            detail = {"destination": message.destination, "group": message.group_key}
            trail.append(connection, trail.Action(now, who.name, "notification.retry", str(number), detail))
            return _message(connection, number)

    found = await services.workers.run(write)
    services.wake()
    return found


def _given_up(services: Services, connection: Connection, number: int) -> Message:
    message = _message(connection, number)
    if message.state is not MessageState.FAILED:
        raise Conflict(f"message {number} is {message.state}; only one that failed can be sent again")
    if services.routing().destination(message.destination) is None:
        raise Conflict(f"message {number} is to {message.destination}, which is no longer in the settings")
    return message


def _message(connection: Connection, number: int) -> Message:
    found = outbox.find(connection, MessageQuery(id=number))
    if not found:
        raise NotFound(f"there is no message {number}; old ones are forgotten (alerting.keep)")
    return found[0]


async def get_runbook(services: Services, slug: str) -> Runbook:
    """Return a runbook. Raises NotFound."""
    return await services.workers.run(lambda: read_runbook(slug, services.runbooks))


async def reload(services: Services, who: Principal) -> Sequence[str]:
    """Read settings and rules again; return what changed. Raises SettingsError, and keeps the old ones, if wrong."""
    changes = await services.life.reload()
    await _note(services, who, "settings.reload", "", {"changes": str(len(changes))})
    return changes


async def test_receiver(services: Services, name: str, who: Principal) -> list[DeliveryTest]:
    """Send a marked test message to every destination of a receiver. Raises NotFound."""
    receivers = services.receivers()
    if name not in receivers:
        known = ", ".join(sorted(receivers)) or "none; add some under receivers: in the settings"
        raise NotFound(f"there is no receiver {name!r}; there are: {known}")
    message = _test_message(services, name)
    outcomes = [await _try(services, kind, notifier, message) for kind, notifier in receivers[name]]
    delivered = sum(outcome.delivered for outcome in outcomes)
    await _note(services, who, "receiver.test", name, {"delivered": f"{delivered} of {len(outcomes)}"})
    return outcomes


async def _try(services: Services, kind: str, notifier: Notifier, message: Notification) -> DeliveryTest:
    began = services.clock.monotonic()
    try:
        answer, delivered = await notifier.send(message), True
    except DeliveryFailed as error:
        answer, delivered = str(error), False
    return DeliveryTest(kind, delivered, answer, round(services.clock.monotonic() - began, 3))


async def _note(services: Services, who: Principal, action: str, subject: str, detail: dict[str, str]) -> None:
    done = trail.Action(services.clock.now(), who.name, action, subject, detail)

    def write() -> None:
        with services.state.write() as connection:
            trail.append(connection, done)

    await services.workers.run(write)


def _test_message(services: Services, receiver: str) -> Notification:
    now = services.clock.now()
    labels = {"alertname": "Tocsin test message", "severity": "informational", "namespace": "example"}
    alert = Alert(
        fingerprint=fingerprint(labels),
        labels=labels,
        annotations={
            "summary": f"This is a test of the receiver {receiver}; nothing happened.",
            "description": "If you can read this, messages reach you here.",
        },
        rule_id="tocsin.test",
        title=labels["alertname"],
        severity=Severity.INFORMATIONAL,
        techniques=(),
        runbook_url="",
        status=AlertStatus.FIRING,
        episode=1,
        starts_at=now,
        updated_at=now,
        last_event=now,
        ends_at=None,
        count=1,
        evidence=(Evidence("test", now, "alice opened a shell in example/web-0 (made up)", "{}"),),
        url=services.external_url,
    )
    return Notification(
        receiver=receiver,
        group_key=f"tocsin-test/{receiver}",
        status=AlertStatus.FIRING,
        alerts=(alert,),
        group_labels=labels,
        external_url=services.external_url,
        idempotency_key=f"tocsin-test/{receiver}/{secrets.token_hex(8)}",
        created_at=now,
        test=True,
    )
