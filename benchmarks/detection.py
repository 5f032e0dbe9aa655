"""How fast rules are evaluated, and how fast an attack becomes a message.

Run: `python -m benchmarks.detection [--events N] [--seconds S]`.

1. 200 rules (those that ship, and made ones; 60 look into the request's body) over a million stored events, one pass.
2. At a steady 5,000 events/s, four of them a second an attack: the time from the 2xx of the request that brought it to
   the arrival of the webhook message about it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import tempfile
import threading
import time
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.load import audit_events, event_list_bodies
from benchmarks.server import running
from tocsin.intake.formats.kubernetes_audit import KUBERNETES_AUDIT
from tocsin.kit.resources import packs_directory
from tocsin.rules.detector import Detector
from tocsin.rules.loading import build
from tocsin.store.base import Delivery
from tocsin.store.columns.ddl import Embedded
from tocsin.store.columns.embedded import EmbeddedColumns
from tocsin.store.columns.migrate import migrate
from tocsin.store.committer import Committer

_RULES = 200
_INTO_BODIES = 60
_RATE = 5000
_PER_BODY = 400
_PATHS = (
    "requestObject.spec.containers.image",
    "requestObject.spec.template.spec.containers.securityContext.privileged",
    "requestObject.spec.volumes.hostPath.path",
    "requestObject.rules.verbs",
    "requestObject.roleRef.name",
    "requestObject.metadata.labels.app",
)


def _rule(number: int, into_body: bool) -> str:
    field, value = (
        (_PATHS[number % len(_PATHS)], f"*value-{number}*")
        if into_body
        else ("user.username|endswith", f":sa-{number}")
    )
    return json.dumps(
        {
            "title": f"Made rule {number}",
            "id": str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))),
            "status": "test",
            "level": "low",
            "logsource": {"product": "kubernetes", "service": "audit"},
            "detection": {
                "selection": {
                    "verb": ["create", "patch", "update"][number % 3],
                    "objectRef.resource": ["pods", "secrets", "deployments", "clusterroles"][number % 4],
                    field: value,
                },
                "condition": "selection",
            },
        }
    )


def one_pass(events: int) -> None:
    """Store the events, evaluate all rules over all of them twice, print the first time (caches are cold)."""
    own = [
        (p.name, p.read_text())
        for p in sorted((packs_directory() / "detections").glob("*.yml"))
        if ".tests." not in p.name
    ]
    own_book = build(own)
    missing = _RULES - len(own_book.rules)
    book = build([*own, *((f"made-{n}.yml", _rule(n, n < _INTO_BODIES)) for n in range(missing))])
    assert not book.errors, book.errors[:3]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        columns = EmbeddedColumns(Path(directory))
        migrate(columns, Embedded())
        committer, now = Committer(columns, "bench"), datetime.now(UTC)
        lines = audit_events(events)
        for number, start in enumerate(range(0, events, 16_000), 1):
            committer.commit(number, [Delivery(KUBERNETES_AUDIT, b"\n".join(lines[start : start + 16_000]), now)], now)
        del lines
        began = time.monotonic()
        Detector(columns, book).evaluate({}, {"bench": number}, now)
        seconds = time.monotonic() - began
        columns.close()
    print(
        f"{len(book.rules)} rules and {len(book.correlations)} correlations over {events:,} events: {seconds:.2f} s",
        flush=True,
    )


class _Sink:
    """Notes when a webhook message about which user arrives."""

    def __init__(self) -> None:
        self.arrived: dict[str, float] = {}
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                now = time.monotonic()
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                for alert in message["alerts"]:
                    sink.arrived.setdefault(alert["labels"].get("user", ""), now)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def _attack(number: int) -> bytes:
    return json.dumps(
        {
            "level": "Metadata",
            "auditID": str(uuid.uuid4()),
            "stage": "ResponseComplete",
            "requestURI": "/api/v1/secrets?limit=500",
            "verb": "list",
            "user": {"username": f"system:serviceaccount:bench:sa-{number}", "groups": ["system:serviceaccounts"]},
            "sourceIPs": ["203.0.113.9"],
            "userAgent": "curl/8.5.0",
            "objectRef": {"resource": "secrets", "apiVersion": "v1"},
            "responseStatus": {"metadata": {}, "code": 200},
            "requestReceivedTimestamp": datetime.now(UTC).isoformat(),
            "stageTimestamp": datetime.now(UTC).isoformat(),
            "annotations": {"authorization.k8s.io/decision": "allow"},
        }
    ).encode()


def steady(seconds: int) -> None:
    """Send at the steady rate and print the latencies from 2xx to arrival."""
    sink = _Sink()
    settings = json.dumps(
        {
            "receivers": [{"name": "bench", "webhook": {"url": f"http://127.0.0.1:{sink.server.server_port}/"}}],
            "allow_private_destinations": ["127.0.0.1"],
        }
    )
    benign = [e for e in audit_events(_RATE * seconds) if b'"resource":"secrets"' not in e]
    acknowledged: dict[str, float] = {}
    with running(settings) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        began, position = time.monotonic(), 0
        bodies = seconds * _RATE // _PER_BODY
        for number in range(bodies):
            time.sleep(max(0.0, began + number * _PER_BODY / _RATE - time.monotonic()))
            chunk = benign[position : position + _PER_BODY]
            position = (position + _PER_BODY) % max(1, len(benign) - _PER_BODY)
            if number % 3 == 0:
                chunk = [*chunk[:-1], _attack(number)]
            (body,) = event_list_bodies(chunk)
            connection.request("POST", "/intake/kubernetes/audit", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(str(answer.status))
            if number % 3 == 0:
                acknowledged[f"system:serviceaccount:bench:sa-{number}"] = time.monotonic()
        sent = time.monotonic() - began
        deadline = time.monotonic() + 15
        while not acknowledged.keys() <= sink.arrived.keys() and time.monotonic() < deadline:
            time.sleep(0.05)
        memory = server.peak_memory()
    latencies = sorted(sink.arrived[user] - at for user, at in acknowledged.items() if user in sink.arrived)
    missing = len(acknowledged) - len(latencies)
    rate = bodies * _PER_BODY / sent
    print(
        f"{rate:,.0f} events/s for {sent:.0f} s, {len(latencies)} attacks told, {missing} not; from 2xx to webhook: "
        f"p50 {_at(latencies, 0.5):.2f} s, p99 {_at(latencies, 0.99):.2f} s, max {latencies[-1]:.2f} s; "
        f"peak memory {memory:.0f} MB",
        flush=True,
    )


def _at(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]


def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    if options.events:
        one_pass(options.events)
    if options.seconds:
        steady(options.seconds)


if __name__ == "__main__":
    main()
