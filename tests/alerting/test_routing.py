"""Routes: which alert goes where, and which settings are refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.store.state.builders import alert
from tocsin.alerting.destinations import Receivers, destinations
from tocsin.alerting.meta import NOTIFICATION_FAILED
from tocsin.alerting.routing import Routing, remarks
from tocsin.alerting.settings import AlertingSettings, Route
from tocsin.kit.units import Duration
from tocsin.model.errors import SettingsError
from tocsin.model.severity import Severity
from tocsin.testing.clock import VirtualClock
from tocsin.testing.notifiers import CollectingNotifier

CLOCK = VirtualClock()
EAGER, RETICENT = CollectingNotifier(CLOCK), CollectingNotifier(CLOCK, send_resolved=False)
RECEIVERS: Receivers = {
    "oncall": [("pagerduty", EAGER)],
    "team": [("slack", RETICENT), ("email", RETICENT), ("slack", EAGER)],
}
ALL = ["oncall/pagerduty", "team/slack", "team/email", "team/slack/2"]
TEAM = ALL[1:]


def targets(routes: list[Route], **changes: Any) -> list[str]:
    """The destinations of an alert under these routes."""
    return [r.destination.name for r in Routing(AlertingSettings(routes=routes), RECEIVERS).decide(alert(**changes))]


def test_destinations_are_numbered_within_their_kind_and_know_whether_they_want_resolutions() -> None:
    assert [(each.name, each.send_resolved) for each in destinations(RECEIVERS)] == [
        ("oncall/pagerduty", True),
        ("team/slack", False),
        ("team/email", False),
        ("team/slack/2", True),
    ]


@pytest.mark.parametrize("severity", list(Severity))
def test_without_routes_everybody_is_told_of_low_and_worse(severity: Severity) -> None:
    assert targets([], severity=severity) == ([] if severity is Severity.INFORMATIONAL else ALL)


def test_an_alert_that_no_route_fits_goes_nowhere() -> None:
    assert targets([Route(receivers=["team"], match={"namespace": "dev"})]) == []


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({}, True),
        ({"namespace": "prod"}, True),
        ({"namespace": "pro"}, False),
        ({"namespace": "~pro."}, True),
        ({"namespace": "~pro"}, False),
        ({"namespace": "!dev"}, True),
        ({"namespace": "!prod"}, False),
        ({"namespace": "!~de.*"}, True),
        ({"namespace": "!~p.*"}, False),
        ({"pod": ""}, True),
        ({"namespace": "prod", "severity": "low"}, False),
    ],
)
def test_conditions(match: dict[str, str], fits: bool) -> None:
    assert targets([Route(receivers=["team"], match=match)]) == (TEAM if fits else [])


@pytest.mark.parametrize(("at_least", "fits"), [("critical", False), ("high", True), ("medium", True)])
def test_the_least_severity(at_least: str, fits: bool) -> None:
    assert targets([Route(receivers=["team"], severity=Severity(at_least))]) == (TEAM if fits else [])


def test_the_first_route_that_fits_takes_the_alert_unless_it_continues() -> None:
    first, last = Route(receivers=["oncall"]), Route(receivers=["team"])
    assert targets([first, last]) == ["oncall/pagerduty"]
    assert targets([Route(receivers=["oncall"], continue_=True), last]) == ALL


def test_a_destination_that_two_routes_name_is_told_once_as_the_first_one_says() -> None:
    settings = AlertingSettings(
        routes=[
            Route(receivers=["oncall"], continue_=True, repeat=Duration(hours=1)),
            Route(receivers=["oncall"], repeat=Duration(hours=9)),
        ]
    )
    (routed,) = Routing(settings, RECEIVERS).decide(alert())
    assert routed.repeat == timedelta(hours=1)
    assert routed.reason == "alerting.routes[0]: everything"


def test_a_route_may_overrule_repeats_and_resolutions() -> None:
    settings = AlertingSettings(
        routes=[
            Route(receivers=["oncall"], severity=Severity.HIGH, match={"namespace": "prod"}, continue_=True),
            Route(receivers=["team"], send_resolved=True, repeat=Duration(days=1)),
        ],
        repeat=Duration(hours=2),
    )
    routed = {each.destination.name: each for each in Routing(settings, RECEIVERS).decide(alert())}
    assert (routed["oncall/pagerduty"].repeat, routed["oncall/pagerduty"].send_resolved) == (timedelta(hours=2), True)
    assert (routed["team/email"].repeat, routed["team/email"].send_resolved) == (timedelta(days=1), True)
    assert routed["oncall/pagerduty"].reason == 'alerting.routes[0]: high or worse, namespace="prod"'


def test_an_alert_about_failed_messages_does_not_go_where_they_failed() -> None:
    meta = alert(rule_id=NOTIFICATION_FAILED, labels={"destination": "team/slack"})
    routing = Routing(AlertingSettings(), RECEIVERS)
    assert [r.destination.name for r in routing.decide(meta)] == [name for name in ALL if name != "team/slack"]
    other = alert(labels={"destination": "team/slack"})
    assert len(routing.decide(other)) == 4, "the label means nothing in other alerts"


@pytest.mark.parametrize(
    ("settings", "key", "says"),
    [
        (AlertingSettings(routes=[Route(receivers=["team", "nobody"])]), "routes[0].receivers[1]", "oncall, team"),
        (AlertingSettings(routes=[Route(receivers=["team"], match={"a": "~("})]), "routes[0].match.a", "RE2"),
        (AlertingSettings(routes=[Route(receivers=["team"], repeat=Duration())]), "routes[0].repeat", "longer than 0"),
        (AlertingSettings(repeat=Duration()), "repeat", "longer than 0"),
    ],
)
def test_wrong_settings_are_refused_with_their_key(settings: AlertingSettings, key: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        Routing(settings, RECEIVERS)
    assert caught.value.key == f"alerting.{key}"


def test_destinations_are_found_by_name() -> None:
    routing = Routing(AlertingSettings(), RECEIVERS)
    found = routing.destination("team/slack/2")
    assert found
    assert found.number == 2
    assert routing.destination("gone/slack") is None


@pytest.mark.parametrize(
    ("routes", "says"),
    [
        ([], []),
        ([Route(receivers=["oncall", "team"])], []),
        ([Route(receivers=["oncall"], match={"a": "b"}), Route(receivers=["team"], severity=Severity.HIGH)], []),
        ([Route(receivers=["oncall"], continue_=True), Route(receivers=["team"])], []),
        ([Route(receivers=["oncall"]), Route(receivers=["team"], match={"a": "b"})], ["routes[0] takes every alert"]),
        ([Route(receivers=["oncall"])], ["'team' is named by no route"]),
        ([Route(receivers=["oncall", "team"], match={"a": "b"})], ["fits none of alerting.routes is told to nobody"]),
    ],
)
def test_remarks_are_made_about_what_is_perhaps_not_meant(routes: list[Route], says: list[str]) -> None:
    found = remarks(AlertingSettings(routes=routes), RECEIVERS)
    assert len(found) == len(says)
    assert all(text in remark for text, remark in zip(says, found, strict=True))
