"""What every message says, whatever its form: what, where, who, how bad, how often, the evidence, and links."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.model.alerts import Alert, AlertStatus, Evidence, Notification
from tocsin.model.labels import Labels
from tocsin.model.severity import Severity
from tocsin.notify.shrink import Detail
from tocsin.notify.texts import line, link, moment, plural

TEST_NOTE = "This is a test message. Nothing happened in your cluster."

WHERE = ("cluster", "namespace")
"""Labels that say where, from the outside in; the object's name follows."""

OBJECTS = ("pod", "container", "name", "deployment", "daemonset", "statefulset", "job", "cronjob", "service", "node")
"""Labels that name the object, in order of preference."""

WHO = ("user", "username", "impersonated_user", "serviceaccount", "service_account", "subject")
"""Labels that say who acted, in order of preference."""

_TOLD_OTHERWISE = frozenset({"alertname", "severity"})


@dataclass(frozen=True, slots=True)
class Facts:
    """One alert as a person needs it; every text is one harmless line of bounded length, not yet escaped.

    Attributes:
        title: What happened.
        severity: How bad.
        resolved: True if it is over.
        summary: The alert's own summary or description; may be empty.
        where: `cluster / namespace / object`; may be empty.
        who: Who acted; may be empty.
        often: How many events, and when.
        others: The labels not told otherwise, `name=value`.
        evidence: The events that raised it, a line each.
        withheld: How many events the alert has beyond those lines.
        techniques: MITRE ATT&CK ids.
        runbook: Link to what to do; may be empty.
        url: Link to the alert in Tocsin; may be empty.
    """

    title: str
    severity: Severity
    resolved: bool
    summary: str
    where: str
    who: str
    often: str
    others: tuple[str, ...]
    evidence: tuple[str, ...]
    withheld: int
    techniques: tuple[str, ...]
    runbook: str
    url: str

    @property
    def rating(self) -> str:
        """How bad, in one word for a heading: the severity, or that it is over."""
        return "RESOLVED" if self.resolved else self.severity.value.upper()

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The facts that are told as name and value, without those that are empty."""
        pairs = (
            ("Severity", self.severity.value),
            ("Status", "resolved" if self.resolved else "firing"),
            ("Where", self.where),
            ("Who", self.who),
            ("How often", self.often),
            ("Labels", ", ".join(self.others)),
            ("Techniques", ", ".join(self.techniques)),
        )
        return tuple((name, value) for name, value in pairs if value)


@dataclass(frozen=True, slots=True)
class Message:
    """One message as a person needs it.

    Attributes:
        headline: One line that says the most important, such as `HIGH: Shell in a pod (prod / web / web-0)`.
        alerts: The alerts that are told, worst first; at least one.
        more: How many alerts are not told.
        url: Where all of them can be seen: the one alert's page, or the list of alerts; may be empty.
        test: True for a test message.
    """

    headline: str
    alerts: tuple[Facts, ...]
    more: int
    url: str
    test: bool

    @property
    def more_note(self) -> str:
        """The sentence about the alerts that are not told; empty if all are."""
        return f"and {plural(self.more, 'more alert')} in Tocsin" if self.more else ""


def gather(notification: Notification, detail: Detail) -> Message:
    """Gather what a message says at a level of detail."""
    alerts = notification.alerts
    told = tuple(alert_facts(alert, detail) for alert in alerts[: detail.alerts])
    several = len(alerts) > 1
    url = link(alerts[0].url)
    if several and notification.external_url:
        url = link(f"{notification.external_url}/alerts") or url
    return Message(
        headline=headline(notification, min(detail.text, 200)),
        alerts=told,
        more=len(alerts) - len(told),
        url=url,
        test=notification.test,
    )


def headline(notification: Notification, limit: int) -> str:
    """Return one line of at most `limit` (50 or more) characters: test mark, severity, title, where, how many more."""
    alerts = notification.alerts
    first = alerts[0]
    over = notification.status is AlertStatus.RESOLVED
    head = ("[TEST] " if notification.test else "") + ("RESOLVED" if over else first.severity.value.upper()) + ": "
    more = f" (+{len(alerts) - 1:,} more)" if len(alerts) > 1 else ""
    room = limit - len(head) - len(more)
    title = line(first.title, room) or "(no title)"
    place = place_of(first.labels, 100)
    where = f" ({place})" if place and len(title) + len(place) + 3 <= room else ""
    return f"{head}{title}{where}{more}"


def alert_facts(alert: Alert, detail: Detail) -> Facts:
    """Gather what is said about one alert."""
    text = detail.text
    evidence = first_and_latest(alert.evidence, detail.evidence)
    return Facts(
        title=line(alert.title, min(text, 200)) or "(no title)",
        severity=alert.severity,
        resolved=alert.status is AlertStatus.RESOLVED,
        summary=line(alert.annotations.get("summary") or alert.annotations.get("description", ""), text),
        where=place_of(alert.labels, text),
        who=line(_first(alert.labels, WHO), text),
        often=_often(alert),
        others=_others(alert.labels, detail),
        evidence=tuple(evidence_line(event, text) for event in evidence),
        withheld=max(0, alert.count - len(evidence)),
        techniques=tuple(line(name, 40) for name in alert.techniques[: detail.facts]),
        runbook=link(alert.runbook_url) if detail.facts else "",
        url=link(alert.url),
    )


def first_and_latest(evidence: tuple[Evidence, ...], count: int) -> tuple[Evidence, ...]:
    """Return at most `count` events, oldest first: the first one, and the latest ones; just the latest for 1."""
    if len(evidence) <= count:
        return evidence
    if count < 2:
        return evidence[len(evidence) - count :]
    return (evidence[0], *evidence[-(count - 1) :])


def evidence_line(event: Evidence, limit: int) -> str:
    """Return one event as a line: when, and its summary, or the beginning of the event itself."""
    return f"{moment(event.time)}  {line(event.summary or event.raw, limit)}"


def place_of(labels: Labels, limit: int) -> str:
    """Return `cluster / namespace / object`, as far as the labels know."""
    parts = [labels.get(name, "") for name in WHERE] + [_first(labels, OBJECTS)]
    return line(" / ".join(part for part in parts if part), limit)


def _first(labels: Labels, names: tuple[str, ...]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")


def _others(labels: Labels, detail: Detail) -> tuple[str, ...]:
    told = {*_TOLD_OTHERWISE, *WHERE}
    told.update(name for names in (OBJECTS, WHO) for name in names if labels.get(name) == _first(labels, names))
    rest = [f"{name}={value}" for name, value in sorted(labels.items()) if name not in told]
    return tuple(line(pair, detail.text) for pair in rest[: detail.facts])


def _often(alert: Alert) -> str:
    events = plural(alert.count, "event")
    if alert.starts_at == alert.last_event:
        return f"{events} at {moment(alert.last_event)}"
    return f"{events} from {moment(alert.starts_at)} to {moment(alert.last_event)}"
