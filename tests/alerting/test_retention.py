"""What is over and old is forgotten; what is going on is not."""

from __future__ import annotations

from datetime import timedelta

from tests.store.state.builders import at
from tocsin.alerting.destinations import Receivers
from tocsin.alerting.pipeline import AlertPipeline
from tocsin.alerting.retention import forget
from tocsin.alerting.routing import Routing
from tocsin.alerting.settings import AlertingSettings
from tocsin.kit.units import Duration
from tocsin.model.alerts import Tick
from tocsin.store.state import alerts, outbox
from tocsin.store.state.alerts import AlertQuery
from tocsin.store.state.engine import State
from tocsin.store.state.outbox import MessageQuery
from tocsin.testing.clock import VirtualClock
from tocsin.testing.notifiers import CollectingNotifier
from tocsin.testing.timeline import signal

RECEIVERS: Receivers = {"team": [("webhook", CollectingNotifier(VirtualClock()))]}
DAY = 86_400


def test_an_alert_that_was_forgotten_can_fire_again(any_state: State) -> None:
    pipeline = AlertPipeline(any_state, Routing(AlertingSettings(repeat=Duration(days=999)), RECEIVERS))
    pipeline.accept(Tick((signal("Old", at(0)), signal("Going on", at(0), quiet="999d")), {"w": 1}, at(0)))
    pipeline.sweep(at(DAY))
    with any_state.write() as connection:
        for _ in range(3):
            found = outbox.next_due(connection, "team/webhook", at(DAY))
            assert found
            outbox.mark_sent(connection, found[0], "ok", at(DAY))

    assert not any(forget(any_state, timedelta(days=30), at(30 * DAY)).values())
    # The messages of the first second, then, a day later, that of the resolution and what belongs to it.
    assert forget(any_state, timedelta(days=30), at(30 * DAY + 1)) == {
        "outbox": 2,
        "notified": 0,
        "alerts": 0,
        "history": 0,
    }
    assert forget(any_state, timedelta(days=30), at(31 * DAY + 1)) == {
        "outbox": 1,
        "notified": 1,
        "alerts": 1,
        "history": 2,
    }
    with any_state.read() as connection:
        assert [alert.title for alert in alerts.find(connection, AlertQuery())] == ["Going on"]

    pipeline.accept(Tick((signal("Old", at(32 * DAY)),), {"w": 2}, at(32 * DAY)))
    with any_state.read() as connection:
        assert [m.reason for m in outbox.find(connection, MessageQuery())] == ["new"]
