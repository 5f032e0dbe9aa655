"""`kill -9` at full intake, ten times in a row: nothing acknowledged is missing or doubled, and no alert is either."""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.server import Server
from tests.store.events import event
from tocsin.testing.catcher import Catcher

_KILLS = 10
_SENDERS = 3
_PER_BODY = 150


class _Sender(threading.Thread):
    """Posts `EventList` bodies as fast as they are taken, like an API server: one that got no 2xx is sent again.

    Each body has one attack by a user of its own: an alert, a message and a detection of its own.
    """

    def __init__(self, server: Server, number: int) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._number = number
        self.acknowledged: list[str] = []
        self.attackers: list[str] = []
        self.ended = threading.Event()

    def run(self) -> None:
        with httpx.Client(timeout=30) as client:
            count = 0
            while not self.ended.is_set():
                count += 1
                attacker = f"system:serviceaccount:web:sa-{self._number}-{count}"
                ids = [str(uuid.uuid4()) for _ in range(_PER_BODY)]
                body = _body(ids, attacker)
                while not self._taken(client, body):
                    if self.ended.wait(0.05):
                        return
                self.acknowledged += ids
                self.attackers.append(attacker)

    def _taken(self, client: httpx.Client, body: bytes) -> bool:
        try:
            answer = client.post(f"{self._server.url}/intake/kubernetes/audit", content=body)
        except httpx.TransportError:
            return False
        return answer.status_code == 200


def _body(ids: list[str], attacker: str) -> bytes:
    events: list[dict[str, Any]] = [event(audit_id) for audit_id in ids[:-1]]
    events.append(
        event(
            ids[-1],
            verb="list",
            requestURI="/api/v1/secrets",
            user={"username": attacker, "groups": ["system:serviceaccounts", "system:authenticated"]},
            userAgent="curl/8.5.0",
            objectRef={"resource": "secrets", "apiVersion": "v1"},
        )
    )
    return json.dumps({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": events}).encode()


@pytest.fixture
def catcher() -> Iterator[Catcher]:
    """Where messages go."""
    catcher = Catcher()
    yield catcher
    catcher.close()


def test_ten_kills_lose_and_double_nothing(tmp_path: Path, catcher: Catcher) -> None:
    """What senders were told is stored is there once, with one detection, one alert and one message each."""
    settings = {
        "receivers": [{"name": "all", "webhook": {"url": f"http://127.0.0.1:{catcher.http_port}/webhook"}}],
        "allow_private_destinations": ["127.0.0.1"],
        "alerting": {"delivery": {"digest_above": 100_000}},
    }
    server = Server(tmp_path, settings)
    server.start()
    senders = [_Sender(server, number) for number in range(_SENDERS)]
    for sender in senders:
        sender.start()
    try:
        for _ in range(_KILLS):
            before = sum(len(sender.attackers) for sender in senders)
            _until(lambda before=before: sum(len(s.attackers) for s in senders) >= before + 6)
            server.kill()
            server.start()
    finally:
        for sender in senders:
            sender.ended.set()
    for sender in senders:
        sender.join(60)
    server.wait_evaluated()

    acknowledged = [audit_id for sender in senders for audit_id in sender.acknowledged]
    attackers = {attacker for sender in senders for attacker in sender.attackers}
    stored = _stored(server)
    assert len(acknowledged) == len(set(acknowledged))
    assert set(acknowledged) <= stored.keys()
    assert set(stored.values()) == {1}

    detected = Counter(row["labels"]["user"] for row in _lines(server, "detections", limit=100_000))
    assert attackers <= detected.keys()
    assert set(detected.values()) == {1}

    alerts = httpx.get(f"{server.url}/api/v2/alerts", timeout=60).json()
    by_user = Counter(alert["labels"].get("user", "") for alert in alerts)
    assert attackers <= by_user.keys()
    assert {count for user, count in by_user.items() if user in attackers} == {1}

    # A message that was on its way when the process died is sent again under the same key, so that its receiver can
    # tell: keys are what is counted.
    catcher.wait(len(detected), seconds=60)
    keys = {m.headers["Idempotency-Key"]: m.body["commonLabels"].get("user", "") for m in catcher.messages}
    told = Counter(user for user in keys.values() if user in attackers)
    assert attackers == told.keys()
    assert set(told.values()) == {1}
    server.end()


def _until(condition: Any) -> None:
    event_ = threading.Event()
    for _ in range(1200):
        if condition():
            return
        event_.wait(0.05)
    raise AssertionError("senders do not get on")


def _lines(server: Server, what: str, **params: Any) -> list[dict[str, Any]]:
    answer = httpx.get(f"{server.url}/api/tocsin/v1/{what}", params=params, timeout=60).raise_for_status()
    return [json.loads(line) for line in answer.text.splitlines()]


def _stored(server: Server) -> Counter[str]:
    rows = _lines(server, "search", q="*", limit=100_000)
    return Counter(row["audit_id"] for row in rows)
