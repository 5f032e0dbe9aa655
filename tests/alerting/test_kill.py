"""`kill -9` in the middle of ticks: nothing that was accepted is missing, nothing is counted or sent twice over."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.store.state.builders import at
from tocsin.alerting.pipeline import AlertPipeline
from tocsin.alerting.routing import Routing
from tocsin.alerting.settings import AlertingSettings
from tocsin.model.alerts import Tick
from tocsin.store.state import alerts, outbox
from tocsin.store.state.alerts import AlertQuery
from tocsin.store.state.engine import State
from tocsin.store.state.outbox import MessageQuery
from tocsin.testing.clock import VirtualClock
from tocsin.testing.notifiers import CollectingNotifier
from tocsin.testing.states import fresh_state, sqlite_url
from tocsin.testing.timeline import signal

_ROOT = Path(__file__).parents[2]
_KILLS = 5
_TICKS = 15


def accept_for_ever(url: str) -> None:
    """Accept tick after tick, from the stored watermark on; print each number once its tick is stored."""
    state = State(url)
    receivers = {"team": [("webhook", CollectingNotifier(VirtualClock()))]}
    pipeline = AlertPipeline(state, Routing(AlertingSettings(), receivers))
    number = pipeline.watermarks().get("w", 0)
    while True:
        number += 1
        signals = (signal("Shell", at(number)), signal(f"Alert {number}", at(number)))
        pipeline.accept(Tick(signals, {"w": number}, at(number)))
        print(number, flush=True)


def test_killed_again_and_again(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    state = fresh_state(url)
    acknowledged = 0
    for _ in range(_KILLS):
        with subprocess.Popen(
            [sys.executable, "-m", __name__, url], stdout=subprocess.PIPE, text=True, cwd=_ROOT
        ) as child:
            assert child.stdout
            for _ in range(_TICKS):
                acknowledged = int(child.stdout.readline())
            child.kill()
            acknowledged = max([acknowledged, *(int(line) for line in child.stdout if line.endswith("\n"))])
    pipeline = AlertPipeline(state, Routing(AlertingSettings(), {}))
    stored = pipeline.watermarks()["w"]
    with state.read() as connection:
        seen = {alert.title: alert.count for alert in alerts.find(connection, AlertQuery(limit=10_000))}
        told = outbox.find(connection, MessageQuery(limit=10_000))
    state.close()
    assert acknowledged >= _KILLS * _TICKS
    assert stored in (acknowledged, acknowledged + 1), "the last tick may be stored and not yet acknowledged"
    assert seen.pop("Shell") == stored
    assert seen == {f"Alert {number}": 1 for number in range(1, stored + 1)}
    assert len(told) == stored + 1, "one for each alert"


if __name__ == "__main__":
    accept_for_ever(sys.argv[1])
