"""Which table, and which of its rows, a Sigma `logsource` speaks of."""

from __future__ import annotations

from sigma.rule import SigmaLogSource

from tocsin.query.sigma.verdicts import Condition, all_of, any_of, on_column
from tocsin.store.schema.tables import AUDIT, LOGS
from tocsin.store.sql import bind, compose, identifier, join

_AUDIT_SERVICES = frozenset({"", "audit", "kube-audit"})
_EVENT_SERVICES = frozenset({"event", "events"})
_FALCO = "falco"
_PROGRAMS = {
    "auth": (
        "sshd", "sshd-session", "sudo", "su", "login", "systemd-logind",
        "useradd", "usermod", "groupadd", "passwd", "polkitd", "pkexec",
    ),
    "sshd": ("sshd", "sshd-session"),
    "cron": ("cron", "crond", "CRON", "anacron"),
    "auditd": ("audit", "auditd"),
    "kernel": ("kernel",),
    "sudo": ("sudo",),
}  # fmt: skip
"""Programs (`app`) of the Linux services that Sigma's taxonomy names; any other service is a program's own name."""


def table_for(logsource: SigmaLogSource) -> str:
    """Return the table whose rows the log source names: `audit` for the Kubernetes audit log, else `logs`."""
    return AUDIT.name if _is_audit(logsource) else LOGS.name


def condition_for(logsource: SigmaLogSource) -> Condition | None:
    """Return the condition for the rows of its table that the log source names; None if it names all of them."""
    if _is_audit(logsource):
        return None
    category, product, service = (_lower(part) for part in (logsource.category, logsource.product, logsource.service))
    if _FALCO in (category, product, service):
        return _source("falco")
    if product == "kubernetes":
        return _source("kubernetes-event") if service in _EVENT_SERVICES else _program(service or category)
    if product == "linux":
        return _linux(service)
    return _application(product, service)


def _is_audit(logsource: SigmaLogSource) -> bool:
    product, service, category = _lower(logsource.product), _lower(logsource.service), _lower(logsource.category)
    return product == "kubernetes" and service in _AUDIT_SERVICES and category in {"", "audit"}


def _linux(service: str) -> Condition:
    node = _source("node")
    if service in {"", "syslog"}:
        return node
    return all_of([node, _one_of("app", _PROGRAMS.get(service, (service,)))])


def _application(product: str, service: str) -> Condition:
    """A service, else a product, is the application's own name; a category alone means any pod's lines."""
    name = service or product
    return _program(name) if name else _source("pod")


def _program(name: str) -> Condition:
    return any_of([_one_of("app", (name,)), _one_of("container", (name,))])


def _source(name: str) -> Condition:
    return on_column("source", compose("source = {name}", name=bind(name)), name.__eq__)


def _one_of(column: str, names: tuple[str, ...]) -> Condition:
    wanted = frozenset(name.lower() for name in names)
    sql = compose(
        "lowerUTF8({column}) IN ({names})", column=identifier(column), names=join(", ", map(bind, sorted(wanted)))
    )
    return on_column(column, sql, lambda text: text.lower() in wanted)


def _lower(text: str | None) -> str:
    return (text or "").lower()
