"""A whole server as a process: it starts from nothing, reloads, and stops without losing anything."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.server import Server, serving, told
from tests.store.events import event
from tocsin.testing.catcher import Catcher

_RULE = {
    "title": "Alice reads a pod",
    "id": "6a1f0000-0000-4000-8000-000000000001",
    "level": "high",
    "logsource": {"product": "kubernetes", "service": "audit"},
    "detection": {"selection": {"user.username": "alice", "verb": "get"}, "condition": "selection"},
}


@pytest.fixture
def catcher() -> Iterator[Catcher]:
    """Where messages go."""
    catcher = Catcher()
    yield catcher
    catcher.close()


def _post(server: Server, *ids: str) -> httpx.Response:
    body = {"kind": "EventList", "items": [event(audit_id) for audit_id in ids]}
    return httpx.post(f"{server.url}/intake/kubernetes/audit", json=body, timeout=30)


def _until(check: Callable[[], bool]) -> None:
    for _ in range(300):
        if check():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen within 30 s")


def test_a_reload_takes_new_rules_and_receivers_and_keeps_old_ones_if_new_are_wrong(
    tmp_path: Path, catcher: Catcher
) -> None:
    """By signal and by request; no restart, nothing in between is lost."""
    rule = tmp_path / "rule.yml"
    with serving(tmp_path, {"rules": {"packs": False}}) as server:
        rule.write_text(json.dumps(_RULE))
        server.settings.write_text(json.dumps(told(catcher, rules={"packs": False, "paths": ["rule.yml"]})))
        server.signal(signal.SIGHUP)
        _until(lambda: "settings read again" in server.log())

        assert _post(server, "a1").status_code == 200
        messages = catcher.wait(5)
        assert {m.kind for m in messages} == {"email", "slack", "teams", "pagerduty", "webhook"}

        server.settings.write_text("listen: [\n")
        refused = httpx.post(f"{server.url}/-/reload")
        assert refused.status_code == 400
        assert "tocsin.yaml:2" in refused.text
        server.signal(signal.SIGHUP)
        _until(lambda: "the new settings are wrong" in server.log())
        rules = httpx.get(f"{server.url}/api/tocsin/v1/rules").text
        assert "Alice reads a pod" in rules


def test_a_polite_stop_answers_everybody_and_exits_0(tmp_path: Path) -> None:
    """What was acknowledged is there after a start; the data directory is left whole."""
    server = Server(tmp_path)
    server.start()
    assert _post(server, "a1", "a2").json()["accepted"] == 2
    assert server.stop() == 0

    server.start()
    again = _post(server, "a1", "a2", "a3").json()
    assert (again["accepted"], again["duplicates"]) == (1, 2)
    assert server.stop() == 0
    assert "Traceback" not in server.log()


def test_it_watches_itself(tmp_path: Path) -> None:
    """`/metrics` counts what happened; idle memory is bounded."""
    with serving(tmp_path) as server:
        _post(server, "a1")
        text = httpx.get(f"{server.url}/metrics").text
        status = Path(f"/proc/{server.pid}/status").read_text()

    assert 'tocsin_events_total{table="audit"} 1.0' in text
    assert "tocsin_batches_total 1.0" in text
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    assert resident < 500 * 1024


def test_rules_with_errors_are_an_alert_and_the_others_run(tmp_path: Path) -> None:
    """One bad rule file does not blind the rest, and is not passed over in silence."""
    (tmp_path / "good.yml").write_text(json.dumps(_RULE))
    (tmp_path / "bad.yml").write_text("title: Bad\nlogsource: {product: kubernetes}\ndetection: {condition: x}\n")
    with serving(tmp_path, {"rules": {"packs": False, "paths": ["good.yml", "bad.yml"]}}) as server:
        _post(server, "a1")
        server.wait_evaluated()

        def titles() -> set[str]:
            alerts = httpx.get(f"{server.url}/api/v2/alerts").json()
            return {alert["labels"]["alertname"] for alert in alerts}

        _until(lambda: titles() == {"Alice reads a pod", "Rules with errors do not run"})


def test_listening_beyond_this_machine_needs_tokens(tmp_path: Path) -> None:
    """It refuses to start, says why, and what to do."""
    command = [sys.executable, "-m", "tocsin", "run", "--data", str(tmp_path / "d"), "--listen", "0.0.0.0:0"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False)

    assert done.returncode == 2
    assert "tocsin token create" in done.stderr


def test_a_port_in_use_is_told_in_a_sentence(tmp_path: Path) -> None:
    """No traceback."""
    with serving(tmp_path) as server:
        command = [sys.executable, "-m", "tocsin", "run", "--data", str(tmp_path / "other")]
        command += ["--listen", f"127.0.0.1:{server.port}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "Address already in use" in done.stderr


def test_a_data_directory_in_use_is_told_in_a_sentence(tmp_path: Path) -> None:
    """Two processes on one directory would break it; the second one does not start."""
    with serving(tmp_path) as server:
        command = [sys.executable, "-m", "tocsin", "run", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False)
        assert _post(server, "a1").status_code == 200

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "in use" in done.stderr


def test_a_nearly_full_disk_refuses_intake_and_is_an_alert(tmp_path: Path, catcher: Catcher) -> None:
    """Before the engine breaks, and told to people; reading goes on."""
    with serving(tmp_path, told(catcher, store={"disk_reserve": "900TiB"})) as server:
        refused = _post(server, "a1")
        messages = catcher.wait(5)
        alerts = httpx.get(f"{server.url}/api/v2/alerts").json()

    assert refused.status_code == 507
    assert int(refused.headers["Retry-After"]) > 0
    assert "store.disk_reserve" in refused.text
    assert any("Disk nearly full" in message.title for message in messages)
    assert [alert["labels"]["alertname"] for alert in alerts] == ["Disk nearly full, intake refused"]
