"""Alerts as stored: nothing is lost on the way in and out, and lists show what was asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.store.state.builders import QUIET, START, alert, at, tracked
from tocsin.model.alerts import AlertStatus
from tocsin.model.matchers import parse_matchers
from tocsin.model.severity import Severity
from tocsin.store.state import alerts
from tocsin.store.state.alerts import AlertQuery
from tocsin.store.state.engine import State


@pytest.fixture
def filled(state: State) -> State:
    """Three alerts, of which one is over, and one that fires for the second time."""
    with state.write() as connection:
        alerts.save(
            connection,
            [
                tracked("mild", severity=Severity.LOW, labels={"namespace": "dev"}, updated_at=at(30)),
                tracked("bad", severity=Severity.CRITICAL, updated_at=at(10)),
                tracked("over", status=AlertStatus.RESOLVED, ends_at=at(20), updated_at=at(20)),
                tracked("again", status=AlertStatus.RESOLVED, ends_at=at(5), updated_at=at(5)),
            ],
        )
        alerts.save(connection, [tracked("again", episode=2, rule_id="other", updated_at=at(40))])
    return state


def titles(state: State, query: AlertQuery) -> list[str]:
    """The titles of the alerts that a query lists."""
    with state.read() as connection:
        return [f"{each.title} {each.episode}" for each in alerts.find(connection, query)]


def test_an_alert_comes_back_as_it_was(state: State) -> None:
    record = tracked(arrived_at=at(1.25))
    with state.write() as connection:
        alerts.save(connection, [record])
    with state.read() as connection:
        assert alerts.load(connection, [record.alert.fingerprint, "unknown"]) == {record.alert.fingerprint: record}
        assert alerts.get(connection, record.alert.fingerprint) == record.alert
        assert alerts.get(connection, "unknown") is None


def test_an_alert_that_changes_is_replaced(state: State) -> None:
    with state.write() as connection:
        alerts.save(connection, [tracked(count=1)])
        alerts.save(connection, [tracked(count=2)])
        assert [each.count for each in alerts.find(connection, AlertQuery(episodes=True))] == [2]


def test_a_new_episode_takes_the_place_of_the_last_one_which_stays_on_record(filled: State) -> None:
    again = alert("again").fingerprint
    with filled.read() as connection:
        assert alerts.load(connection, [again])[again].alert.episode == 2
        assert [each.episode for each in alerts.episodes(connection, again)] == [2, 1]
        first = alerts.get(connection, again, episode=1)
        assert first
        assert first.status is AlertStatus.RESOLVED
        assert first.evidence


def test_the_list_has_firing_first_then_the_worst_then_the_latest(filled: State) -> None:
    assert titles(filled, AlertQuery()) == ["bad 1", "again 2", "mild 1", "over 1"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (AlertQuery(status=AlertStatus.FIRING), ["bad 1", "again 2", "mild 1"]),
        (AlertQuery(status=AlertStatus.RESOLVED), ["over 1"]),
        (AlertQuery(status=AlertStatus.RESOLVED, episodes=True), ["over 1", "again 1"]),
        (AlertQuery(at_least=Severity.HIGH), ["bad 1", "again 2", "over 1"]),
        (AlertQuery(rule_id="other"), ["again 2"]),
        (AlertQuery(matchers=parse_matchers("namespace=~de.")), ["mild 1"]),
        (AlertQuery(since=at(20)), ["again 2", "mild 1", "over 1"]),
        (AlertQuery(until=at(20)), ["bad 1"]),
        (AlertQuery(limit=2, offset=1), ["again 2", "mild 1"]),
        (AlertQuery(limit=1, offset=1, matchers=parse_matchers("namespace=prod")), ["again 2"]),
        (AlertQuery(limit=0), []),
    ],
)
def test_lists_are_narrowed(filled: State, query: AlertQuery, expected: list[str]) -> None:
    assert titles(filled, query) == expected


def test_overdue_are_those_that_fire_and_have_been_quiet(state: State) -> None:
    with state.write() as connection:
        alerts.save(
            connection,
            [
                tracked("quiet", arrived_at=START),
                tracked("busy", arrived_at=at(60)),
                tracked("over", arrived_at=START, status=AlertStatus.RESOLVED, ends_at=at(1)),
            ],
        )
        assert alerts.overdue(connection, START + QUIET - timedelta(microseconds=1)) == []
        assert [each.alert.title for each in alerts.overdue(connection, START + QUIET)] == ["quiet"]


def test_counts_are_of_latest_episodes(filled: State) -> None:
    with filled.read() as connection:
        assert alerts.counts(connection) == {
            (AlertStatus.FIRING, Severity.CRITICAL): 1,
            (AlertStatus.FIRING, Severity.HIGH): 1,
            (AlertStatus.FIRING, Severity.LOW): 1,
            (AlertStatus.RESOLVED, Severity.HIGH): 1,
        }


def test_pruning_forgets_only_what_was_over_long_ago(filled: State) -> None:
    with filled.write() as connection:
        assert alerts.prune(connection, at(20)) == 1
    assert titles(filled, AlertQuery(episodes=True)) == ["bad 1", "again 2", "mild 1", "over 1"]


def test_thousands_of_alerts_in_one_batch(state: State) -> None:
    records = [tracked(f"alert {number}", episode=2) for number in range(2500)]
    with state.write() as connection:
        alerts.save(connection, records)
        assert len(alerts.load(connection, [record.alert.fingerprint for record in records])) == 2500
