"""Settings of alerting as they stand in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.store.state.builders import alert
from tocsin.alerting.destinations import Receivers
from tocsin.alerting.routing import Routing
from tocsin.alerting.settings import AlertingSettings
from tocsin.app.settings import load
from tocsin.kit.units import Duration
from tocsin.model.errors import SettingsError
from tocsin.model.severity import Severity
from tocsin.testing.clock import VirtualClock
from tocsin.testing.notifiers import CollectingNotifier


def read(directory: Path, text: str) -> AlertingSettings:
    """The alerting settings of a file."""
    file = directory / "tocsin.yaml"
    file.write_text(text)
    return load(file).alerting


def test_a_file_with_everything(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        """
alerting:
  repeat: 12h
  routes:
    - match: {namespace: prod, user: "!~system:.*"}
      severity: high
      receivers: [oncall]
      repeat: 1h
      continue: true
    - receivers: [team]
      send_resolved: false
  delivery: {timeout: 10s, give_up_after: 2d, digest_above: 50}
""",
    )
    first, second = settings.routes
    assert (first.severity, first.continue_, first.repeat) == (Severity.HIGH, True, Duration(hours=1))
    assert first.match == {"namespace": "prod", "user": "!~system:.*"}
    assert (second.send_resolved, second.continue_, second.repeat) == (False, False, None)
    assert (settings.repeat, settings.delivery.digest_above) == (Duration(hours=12), 50)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("delivery: {timeout: 0}", "alerting.delivery"),
        ("delivery: {first_retry: 0s}", "alerting.delivery"),
        ("delivery: {digest_above: 1}", "alerting.delivery.digest_above"),
        ("routes: [{match: {a: b}}]", "alerting.routes[0]"),
        ("routes: [{receivers: []}]", "alerting.routes[0].receivers"),
        ("routes: [{receivers: [a], severity: awful}]", "alerting.routes[0].severity"),
    ],
)
def test_what_cannot_work_is_refused_with_its_place(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, f"alerting:\n  {text}\n")
    assert caught.value.key == key
    assert caught.value.location
    assert caught.value.location.line == 2


def test_the_example_in_the_documentation_works(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "route-alerts.md"
    example = page.read_text().split("```yaml\n")[1].split("```")[0]
    for secret in ("pagerduty", "slack"):
        (tmp_path / secret).write_text("https://hooks.example.org/x")
    settings = read(tmp_path, example.replace("/run/secrets", str(tmp_path)))
    clock = VirtualClock()
    receivers: Receivers = {name: [("any", CollectingNotifier(clock))] for name in ("oncall", "payments", "everything")}
    routing = Routing(settings, receivers)

    def told(severity: Severity, **labels: str) -> list[str]:
        return [each.destination.receiver for each in routing.decide(alert(severity=severity, labels=labels))]

    assert told(Severity.HIGH, namespace="payments-eu", user="alice") == ["everything", "payments"]
    assert told(Severity.HIGH, namespace="payments-eu", user="system:node:a") == ["everything", "oncall"]
    assert told(Severity.MEDIUM, namespace="shop") == ["everything"]
