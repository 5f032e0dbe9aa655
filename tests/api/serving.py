"""Builds an application over real stores, for tests of the HTTP interface and of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter
from starlette.routing import BaseRoute

from tocsin.alerting.routing import Routing
from tocsin.alerting.settings import AlertingSettings
from tocsin.api.app import build_app
from tocsin.api.auth import Authenticator
from tocsin.api.services import Life, Services
from tocsin.api.settings import AuthSettings, WebSettings
from tocsin.api.work import Workers
from tocsin.kit.clock import Clock
from tocsin.model.alerts import Alert, AlertStatus, Evidence, Notification
from tocsin.model.errors import DeliveryFailed, Location, RuleError, SettingsError
from tocsin.model.labels import fingerprint
from tocsin.model.severity import Severity
from tocsin.notify.base import Notifier
from tocsin.rules.kinds.base import Rule
from tocsin.store.base import Budget, Columns
from tocsin.store.state import alerts, history
from tocsin.store.state.alerts import Tracked
from tocsin.store.state.engine import State
from tocsin.store.state.migrations import migrate
from tocsin.testing.clock import VirtualClock

SECRET = "a-token-that-is-long-enough-"


@dataclass
class Inbox:
    """A destination that keeps what it gets, or refuses it."""

    refuse: bool = False
    got: list[Notification] = field(default_factory=list)

    @property
    def send_resolved(self) -> bool:
        return True

    async def send(self, notification: Notification) -> str:
        if self.refuse:
            raise DeliveryFailed("500 from the other side", retry=True, reason="server")
        self.got.append(notification)
        return "200 ok"


@dataclass
class Running:
    """A running Tocsin, as far as the HTTP interface is concerned; tests change its parts."""

    columns: Columns
    state: State
    clock: Clock
    web: WebSettings = field(default_factory=WebSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    rules: list[Rule] = field(default_factory=list)
    correlations: list[Rule] = field(default_factory=list)
    errors: list[RuleError] = field(default_factory=list)
    receivers: dict[str, Sequence[tuple[str, Notifier]]] = field(default_factory=dict)
    unready: list[str] = field(default_factory=list)
    broken: str = ""
    runbooks: tuple[Path, ...] = ()
    refusals: list[str] = field(default_factory=list)
    extra: list[BaseRoute] = field(default_factory=list)
    details: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        registry = CollectorRegistry()
        Counter("tocsin_things", "Things.", registry=registry).inc(3)
        self.services = Services(
            columns=self.columns,
            state=self.state,
            clock=self.clock,
            workers=Workers(self.web.query_workers, self.web.query_queue),
            authenticator=Authenticator(self.auth, self.web, self.clock),
            book=lambda: self,
            receivers=lambda: self.receivers,
            routing=lambda: Routing(AlertingSettings(), self.receivers),
            life=Life(unready=lambda: self.unready, details=lambda: self.details, reload=self._reload),
            registry=registry,
            budget=Budget(memory=1 << 28, seconds=20.0),
            max_rows=self.web.max_rows,
            runbooks=self.runbooks,
            external_url="https://tocsin.example",
        )

    def app(self) -> FastAPI:
        """The application."""
        return build_app(self.services, self.web, self.extra, refused=self.refusals.append)

    async def _reload(self) -> Sequence[str]:
        if self.broken:
            raise SettingsError(self.broken, Location("tocsin.yaml", 3, 5), "listen")
        return ["rules: 2 added"]


def fresh_state(path: Path, clock: VirtualClock) -> State:
    """An empty state database."""
    state = State(f"sqlite:///{path / 'state.db'}")
    migrate(state, clock.now())
    return state


def make_alert(clock: Clock, *, title: str = "Shell in a pod", **labels: str) -> Alert:
    """An alert that fires since a minute."""
    now = clock.now()
    severity = Severity(labels.get("severity", "high"))
    full = {"alertname": title, "severity": severity.value, **labels}
    return Alert(
        fingerprint=fingerprint(full),
        labels=full,
        annotations={"summary": f"{title} happened"},
        rule_id="rule-1",
        title=title,
        severity=severity,
        techniques=("T1609",),
        runbook_url="/runbooks/pod-shell",
        status=AlertStatus.FIRING,
        episode=1,
        starts_at=now - timedelta(minutes=1),
        updated_at=now,
        last_event=now,
        ends_at=None,
        count=3,
        evidence=(Evidence("audit-1", now, "alice opened a shell", '{"auditID":"audit-1"}'),),
    )


def keep_alerts(state: State, *kept: Alert) -> None:
    """Store alerts as the pipeline does."""
    with state.write() as connection:
        alerts.save(connection, [Tracked(alert, alert.updated_at, timedelta(minutes=15)) for alert in kept])
        history.record(
            connection,
            [history.Entry(a.fingerprint, a.episode, a.updated_at, history.Change.NEW, "began") for a in kept],
        )


def resolved(alert: Alert) -> Alert:
    """The alert when it is over."""
    return replace(alert, status=AlertStatus.RESOLVED, ends_at=alert.updated_at)


def make_rule(title: str, severity: Severity = Severity.HIGH) -> Rule:
    """A rule that the list shows."""
    return Rule(
        id=title.lower().replace(" ", "-"),
        name="",
        title=title,
        version="abc",
        severity=severity,
        description="",
        references=(),
        tags=(),
        techniques=("T1609",),
        runbook_url="",
        quiet=timedelta(minutes=15),
        alerting=True,
        owner="",
        reviewed="",
        min_audit_level="",
        location=Location("rules/x.yml", 2),
    )
