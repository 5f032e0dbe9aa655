"""Which table, and which of its rows, a Sigma `logsource` speaks of."""

from __future__ import annotations

from sigma.rule import SigmaLogSource

from tocsin.store.schema.tables import AUDIT, LOGS
from tocsin.store.sql import Sql, bind, compose, join

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


def condition_for(logsource: SigmaLogSource) -> Sql | None:
    """Return a UInt8 expression for the rows of its table that the log source names; None if it names all of them."""
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


def _linux(service: str) -> Sql:
    node = _source("node")
    if service in {"", "syslog"}:
        return node
    return compose("({node} AND {app})", node=node, app=_one_of("app", _PROGRAMS.get(service, (service,))))


def _application(product: str, service: str) -> Sql:
    """A service, else a product, is the application's own name; a category alone means any pod's lines."""
    name = service or product
    return _program(name) if name else _source("pod")


def _program(name: str) -> Sql:
    return compose("({app} OR {container})", app=_one_of("app", (name,)), container=_one_of("container", (name,)))


def _source(name: str) -> Sql:
    return compose("source = {name}", name=bind(name))


def _one_of(column: str, names: tuple[str, ...]) -> Sql:
    return compose(
        "lowerUTF8({column}) IN ({names})", column=Sql(column), names=join(", ", [bind(n.lower()) for n in names])
    )


def _lower(text: str | None) -> str:
    return (text or "").lower()
