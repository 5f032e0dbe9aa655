"""How fast rules are evaluated, and how fast an attack becomes a message.

Run: `python -m benchmarks.detection [--events N] [--seconds S]`.

1. 200 rules (those that ship, and made ones; 60 look into the request's body) over a million stored events, one pass.
2. At a steady 5,000 events/s of ordinary work, with four attacks a second among them: the time from the 2xx of the
   request that brought an attack to the arrival of the webhook message about it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
import urllib.request
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.load import audit_events, event_list_bodies_of, post_paced
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
_BODIES_PER_ATTACK = 3
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


def one_pass(events: int, recording: str) -> None:
    """Store the events, evaluate all rules over all of them at once, and print how long that took (caches are cold)."""
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
        lines = audit_events(events, recording)
        for number, start in enumerate(range(0, events, 16_000), 1):
            committer.commit(number, [Delivery(KUBERNETES_AUDIT, b"\n".join(lines[start : start + 16_000]), now)], now)
        del lines
        began = time.monotonic()
        Detector(columns, book).evaluate({}, {"bench": number}, now)
        seconds = time.monotonic() - began
        columns.close()
    counts = f"{len(book.rules)} rules and {len(book.correlations)} correlations"
    print(f"{counts} over {events:,} {recording} events: {seconds:.2f} s", flush=True)


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
    """Send at the steady rate, over as many connections as needed, and print the latencies from 2xx to arrival."""
    sink = _Sink()
    settings = json.dumps(
        {
            "receivers": [{"name": "bench", "webhook": {"url": f"http://127.0.0.1:{sink.server.server_port}/"}}],
            "allow_private_destinations": ["127.0.0.1"],
        }
    )
    number_of_bodies = seconds * _RATE // _PER_BODY
    attacks = {n: f"system:serviceaccount:bench:sa-{n}" for n in range(0, number_of_bodies, _BODIES_PER_ATTACK)}
    events = audit_events(seconds * _RATE, "benign")
    chunks = [events[n * _PER_BODY : (n + 1) * _PER_BODY] for n in range(number_of_bodies)]
    bodies = event_list_bodies_of([[*c[:-1], _attack(n)] if n in attacks else c for n, c in enumerate(chunks)])
    with running(settings) as server:
        acknowledged, sent = post_paced(server.port, "/intake/kubernetes/audit", bodies, _RATE / _PER_BODY)
        deadline = time.monotonic() + 15
        while not set(attacks.values()) <= sink.arrived.keys() and time.monotonic() < deadline:
            time.sleep(0.05)
        memory, evaluation = server.peak_memory(), _evaluation(server.port)
    latencies = sorted(sink.arrived[user] - acknowledged[n] for n, user in attacks.items() if user in sink.arrived)
    print(
        f"{number_of_bodies * _PER_BODY / sent:,.0f} events/s for {sent:.0f} s, {len(latencies)} attacks told, "
        f"{len(attacks) - len(latencies)} not; from 2xx to webhook: p50 {_at(latencies, 0.5):.2f} s, "
        f"p99 {_at(latencies, 0.99):.2f} s, max {latencies[-1]:.2f} s; an evaluation {evaluation:.2f} s on "
        f"average; peak memory {memory:.0f} MB",
        flush=True,
    )


def _evaluation(port: int) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        lines = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if not line.startswith("#"))
    name = "tocsin_rules_evaluation_seconds"
    return float(lines[f"{name}_sum"]) / max(1.0, float(lines[f"{name}_count"]))


def _at(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]


def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--recording", choices=["benign", "attack"], default="benign", help="`attack`: a match in six")
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    if options.events:
        one_pass(options.events, options.recording)
    if options.seconds:
        steady(options.seconds)


if __name__ == "__main__":
    main()
