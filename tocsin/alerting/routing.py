"""Which destinations an alert goes to, and why: pure, from the settings and the alert's labels and severity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tocsin.alerting.destinations import Destination, Receivers, destinations
from tocsin.alerting.meta import NOTIFICATION_FAILED
from tocsin.alerting.settings import AlertingSettings, Route
from tocsin.model.alerts import Alert
from tocsin.model.errors import InvalidInput, SettingsError
from tocsin.model.matchers import Matcher, Operator, match_all
from tocsin.model.severity import Severity


@dataclass(frozen=True, slots=True)
class Routed:
    """A destination that an alert goes to.

    Attributes:
        destination: Which.
        repeat: Tell it again after this while the alert fires.
        send_resolved: Whether to tell it when the alert is over.
        reason: Which route sent it there, for a person.
    """

    destination: Destination
    repeat: timedelta
    send_resolved: bool
    reason: str


@dataclass(frozen=True, slots=True)
class _Compiled:
    matchers: tuple[Matcher, ...]
    severity: Severity
    targets: tuple[Routed, ...]
    goes_on: bool


class Routing:
    """The routes in force.

    Args:
        settings: The routes.
        receivers: All receivers, by name.

    Raises:
        SettingsError: A route names a receiver that does not exist, or cannot be understood; `key` says which.

    Attributes:
        repeat: The interval of repetition where no route says another.
    """

    def __init__(self, settings: AlertingSettings, receivers: Receivers) -> None:
        self._destinations = {each.name: each for each in destinations(receivers)}
        self.repeat = _positive(settings.repeat, "alerting.repeat")
        by_receiver = {name: [d for d in self._destinations.values() if d.receiver == name] for name in receivers}
        self._routes = [
            _compile(route, f"alerting.routes[{number}]", by_receiver, settings.repeat)
            for number, route in enumerate(settings.routes)
        ] or [_everything(list(self._destinations.values()), settings.repeat)]

    def destination(self, name: str) -> Destination | None:
        """The destination of that name; None if the settings no longer have it."""
        return self._destinations.get(name)

    def decide(self, alert: Alert) -> tuple[Routed, ...]:
        """Where an alert goes, each destination once.

        An alert about messages that do not get through is never sent to the very destination that it is about.
        """
        found: dict[str, Routed] = {}
        for routed in self._targets(alert):
            found.setdefault(routed.destination.name, routed)
        if alert.rule_id == NOTIFICATION_FAILED:
            found.pop(alert.labels.get("destination", ""), None)
        return tuple(found.values())

    def _targets(self, alert: Alert) -> Iterator[Routed]:
        for route in self._routes:
            if alert.severity.at_least(route.severity) and match_all(route.matchers, alert.labels):
                yield from route.targets
                if not route.goes_on:
                    return


def remarks(settings: AlertingSettings, receivers: Receivers) -> list[str]:
    """What is allowed but perhaps not meant, each a sentence: for `tocsin check`."""
    found = []
    for number, route in enumerate(settings.routes[:-1]):
        if not (route.match or route.severity or route.continue_):
            found.append(f"alerting.routes[{number}] takes every alert, so the routes below it are never reached")
            break
    named = {name for route in settings.routes for name in route.receivers}
    if settings.routes:
        found += [
            f"receiver {name!r} is named by no route, so it is told of nothing"
            for name in receivers
            if name not in named
        ]
        if all(route.match for route in settings.routes):
            found.append(
                "an alert that fits none of alerting.routes is told to nobody; end with a route without `match` to be "
                "told of the rest"
            )
    return found


def _everything(targets: Sequence[Destination], repeat: timedelta) -> _Compiled:
    reason = "no routes are set: every receiver is told of severity low or worse"
    return _Compiled((), Severity.LOW, tuple(Routed(d, repeat, d.send_resolved, reason) for d in targets), False)


def _compile(route: Route, key: str, by_receiver: dict[str, list[Destination]], default_repeat: timedelta) -> _Compiled:
    matchers = tuple(_matcher(name, value, f"{key}.match.{name}") for name, value in route.match.items())
    severity = route.severity or Severity.INFORMATIONAL
    repeat = _positive(default_repeat if route.repeat is None else route.repeat, f"{key}.repeat")
    conditions = [str(matcher) for matcher in matchers]
    if route.severity:
        conditions.insert(0, f"{severity.value} or worse")
    reason = f"{key}: {', '.join(conditions) or 'everything'}"
    targets = []
    for number, name in enumerate(route.receivers):
        if name not in by_receiver:
            known = ", ".join(sorted(by_receiver)) or "none"
            raise SettingsError(f"there is no receiver {name!r}; there are: {known}", key=f"{key}.receivers[{number}]")
        for destination in by_receiver[name]:
            told = destination.send_resolved if route.send_resolved is None else route.send_resolved
            targets.append(Routed(destination, repeat, told, reason))
    return _Compiled(matchers, severity, tuple(targets), route.continue_)


def _matcher(name: str, value: str, key: str) -> Matcher:
    negated, rest = value.startswith("!"), value.removeprefix("!")
    operators: dict[tuple[bool, bool], Operator] = {
        (False, False): "=",
        (True, False): "!=",
        (False, True): "=~",
        (True, True): "!~",
    }
    try:
        return Matcher(name, operators[negated, rest.startswith("~")], rest.removeprefix("~"))
    except InvalidInput as error:
        raise SettingsError(str(error), key=key) from None


def _positive(value: timedelta, key: str) -> timedelta:
    if value <= timedelta():
        raise SettingsError("expected a duration longer than 0, such as 4h", key=key)
    return value
