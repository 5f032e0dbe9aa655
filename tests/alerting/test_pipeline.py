"""The pipeline stores a tick's consequences in one transaction, once."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.store.state.builders import at
from tocsin.alerting.destinations import Receivers
from tocsin.alerting.grouping import group_key
from tocsin.alerting.meta import NOTIFICATION_FAILED
from tocsin.alerting.pipeline import AlertPipeline
from tocsin.alerting.routing import Routed, Routing
from tocsin.alerting.settings import AlertingSettings, Route
from tocsin.model.alerts import Alert, Signal, Tick
from tocsin.model.severity import Severity
from tocsin.store.state import alerts, history, notified, outbox
from tocsin.store.state.alerts import AlertQuery
from tocsin.store.state.engine import State
from tocsin.store.state.history import Change
from tocsin.store.state.outbox import Message, MessageQuery
from tocsin.testing.clock import VirtualClock
from tocsin.testing.notifiers import CollectingNotifier
from tocsin.testing.timeline import signal

RECEIVERS: Receivers = {"team": [("webhook", CollectingNotifier(VirtualClock()))]}
EVERYBODY = Routing(AlertingSettings(), RECEIVERS)
NOBODY = Routing(AlertingSettings(), {})


class Broken(Routing):
    """Routes that fail, as a full disk or a kill would, between the alerts and the messages."""

    def decide(self, alert: Alert) -> tuple[Routed, ...]:
        raise RuntimeError("killed")


@pytest.fixture
def pipeline(any_state: State) -> AlertPipeline:
    """A pipeline that tells one destination of everything, on both databases."""
    return AlertPipeline(any_state, EVERYBODY, "https://tocsin.example/")


def found(title: str = "Shell", seconds: float = 0, **changes: object) -> Signal:
    """A signal of then."""
    return replace(signal(title, at(seconds)), **changes)  # type: ignore[arg-type]


def tick(batch: int, *signals: Signal, seconds: float = 0) -> Tick:
    """A tick up to that batch."""
    return Tick(signals, {"w": batch}, at(seconds))


def messages(state: State) -> list[Message]:
    """All messages, latest first."""
    with state.read() as connection:
        return outbox.find(connection, MessageQuery())


def only_alert(state: State) -> Alert:
    """The one alert there is."""
    with state.read() as connection:
        (alert,) = alerts.find(connection, AlertQuery())
    return alert


def test_a_tick_stores_alert_message_history_and_watermark(any_state: State, pipeline: AlertPipeline) -> None:
    assert pipeline.accept(tick(7, found()))
    alert = only_alert(any_state)
    (message,) = messages(any_state)
    assert (message.destination, message.reason, message.group_key) == (
        "team/webhook",
        "new",
        group_key(alert.fingerprint),
    )
    with any_state.read() as connection:
        told = outbox.notification(connection, message.id)
        assert [entry.change for entry in history.of(connection, alert.fingerprint)] == [Change.NEW]
    assert told
    assert told.alerts[0].url == f"https://tocsin.example/alerts/{alert.fingerprint}"
    assert told.external_url == "https://tocsin.example"
    assert told.alerts[0].evidence
    assert pipeline.watermarks() == {"w": 7}


def test_a_failure_in_the_middle_leaves_nothing_and_the_tick_can_be_repeated(any_state: State) -> None:
    same = tick(7, found(count=3))
    with pytest.raises(RuntimeError, match="killed"):
        AlertPipeline(any_state, Broken(AlertingSettings(), RECEIVERS)).accept(same)
    with any_state.read() as connection:
        assert alerts.find(connection, AlertQuery()) == []
    recovered = AlertPipeline(any_state, EVERYBODY)
    assert recovered.watermarks() == {}
    assert recovered.accept(same)
    assert not recovered.accept(same)
    assert only_alert(any_state).count == 3
    assert len(messages(any_state)) == 1


def test_of_replicas_that_evaluated_the_same_batches_one_is_taken(any_state: State) -> None:
    same = tick(7, found(count=3))
    taken: list[bool] = []

    def accept() -> None:
        taken.append(AlertPipeline(any_state, EVERYBODY).accept(same))

    threads = [threading.Thread(target=accept) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False, False, False, True]
    assert only_alert(any_state).count == 3


def test_a_tick_without_watermarks_is_about_ourselves_and_always_taken(
    any_state: State, pipeline: AlertPipeline
) -> None:
    meta = Tick((found(),), {}, at(0))
    assert pipeline.accept(meta)
    assert pipeline.accept(meta)
    assert only_alert(any_state).count == 2
    assert pipeline.accept(Tick((), {}, at(1))), "nothing found, nothing to store"


def test_several_signals_of_one_alert_in_one_tick(any_state: State, pipeline: AlertPipeline) -> None:
    worse = found(seconds=2, severity=Severity.CRITICAL)
    pipeline.accept(tick(1, found(), found(seconds=1, count=4), worse, found("Other")))
    with any_state.read() as connection:
        seen = {alert.title: alert for alert in alerts.find(connection, AlertQuery())}
        changes = [entry.change for entry in history.of(connection, seen["Shell"].fingerprint)]
    assert (seen["Shell"].count, seen["Shell"].severity) == (6, Severity.CRITICAL)
    assert changes == [Change.NEW]
    assert [message.reason for message in messages(any_state)] == ["new", "new"]


def test_history_tells_every_change_but_not_each_event(any_state: State, pipeline: AlertPipeline) -> None:
    pipeline.accept(tick(1, found()))
    pipeline.accept(tick(2, found(seconds=1), seconds=1))
    pipeline.accept(tick(3, found(seconds=2, severity=Severity.CRITICAL), seconds=2))
    pipeline.sweep(at(2 + 15 * 60))
    pipeline.accept(tick(4, found(seconds=2000), seconds=2000))
    with any_state.read() as connection:
        entries = history.of(connection, only_alert(any_state).fingerprint)
    assert [(e.change, e.episode, e.detail) for e in entries] == [
        (Change.NEW, 1, "Shell was seen"),
        (Change.SEVERITY, 1, "severity is critical now"),
        (Change.RESOLVED, 1, "quiet since the last match; 3 events in all"),
        (Change.REFIRED, 2, "Shell was seen"),
    ]


def test_the_sender_is_woken_when_there_is_something_to_send(any_state: State) -> None:
    woken: list[int] = []
    pipeline = AlertPipeline(any_state, EVERYBODY, on_queued=lambda: woken.append(len(messages(any_state))))
    pipeline.accept(tick(1, found()))
    assert woken == [1], "after the commit, so that it finds the message"
    pipeline.accept(tick(2, found(seconds=1), seconds=1))
    pipeline.accept(tick(3))
    pipeline.sweep(at(60))
    assert woken == [1]
    pipeline.sweep(at(1 + 15 * 60))
    assert woken == [1, 2]


def test_who_was_told_hears_the_end_even_if_the_routes_have_changed(any_state: State, pipeline: AlertPipeline) -> None:
    pipeline.accept(tick(1, found()))
    elsewhere = AlertingSettings(routes=[Route(receivers=["team"], match={"namespace": "elsewhere"})])
    pipeline.use(Routing(elsewhere, RECEIVERS), "")
    pipeline.sweep(at(15 * 60))
    assert [message.reason for message in messages(any_state)] == ["resolved", "new"]


def test_a_receiver_that_is_gone_is_not_told_and_does_no_harm(any_state: State, pipeline: AlertPipeline) -> None:
    pipeline.accept(tick(1, found(quiet=timedelta(days=2))))
    pipeline.use(NOBODY, "")
    pipeline.sweep(at(4 * 3600))
    with any_state.read() as connection:
        assert notified.repeats_due(connection, at(4 * 3600)) == [], "it is not looked at again each second"
    pipeline.sweep(at(2 * 86400))
    assert [message.reason for message in messages(any_state)] == ["new"]
    assert only_alert(any_state).ends_at == at(2 * 86400)


def test_a_receiver_that_comes_to_a_firing_alert_hears_of_it_at_its_next_match(any_state: State) -> None:
    pipeline = AlertPipeline(any_state, NOBODY)
    pipeline.accept(tick(1, found()))
    assert messages(any_state) == []
    pipeline.use(EVERYBODY, "")
    pipeline.accept(tick(2, found(seconds=60), seconds=60))
    assert [message.reason for message in messages(any_state)] == ["new"]


def test_signals_about_ourselves_can_join_a_transaction(any_state: State, pipeline: AlertPipeline) -> None:
    with any_state.write() as connection:
        pipeline.report(connection, [found(rule_id=NOTIFICATION_FAILED)], at(5))
    assert only_alert(any_state).updated_at == at(5)
    assert len(messages(any_state)) == 1


def test_hundreds_of_new_alerts_in_one_tick(any_state: State, pipeline: AlertPipeline) -> None:
    storm = [found("Shell", labels={"alertname": "Shell", "pod": f"web-{number}"}) for number in range(700)]
    pipeline.accept(tick(1, *storm))
    with any_state.read() as connection:
        assert len(alerts.find(connection, AlertQuery(limit=1000))) == 700
        assert outbox.pending_count(connection, "team/webhook") == 700
