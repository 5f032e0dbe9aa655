"""Small audit events, put straight into the engine, and rules about them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tocsin.model.alerts import Signal, Tick
from tocsin.rules.book import RuleBook
from tocsin.rules.detector import Detector
from tocsin.rules.loading import build
from tocsin.store.base import Columns
from tocsin.store.sql import Sql

T0 = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)

SECRETS = """
title: Secret read
id: 11111111-0000-4000-8000-000000000001
name: secret_read
level: high
description: Somebody read a secret.
tags: [attack.credential-access, attack.t1552.007]
logsource: {product: kubernetes, service: audit}
detection:
  selection: {verb: get, objectRef.resource: secrets}
  condition: selection
tocsin:
  runbook: secrets
  quiet: 30m
  summary: "{user.username} read {objectRef.namespace}/{objectRef.name}"
"""


def at(seconds: float) -> datetime:
    """`seconds` after ten o'clock."""
    return T0 + timedelta(seconds=seconds)


def event(id_: str, seconds: float = 0, **columns: Any) -> dict[str, Any]:
    """A row of `audit`: alice reads a secret of `prod`, unless `columns` say otherwise."""
    return {
        "time": at(seconds),
        "received": at(seconds),
        "audit_id": id_,
        "stage": "ResponseComplete",
        "verb": "get",
        "user": "alice",
        "resource": "secrets",
        "namespace": "prod",
        "name": "db",
        "code": 200,
        "raw": json.dumps({"auditID": id_}),
        **columns,
    }


def put(
    columns: Columns, batch: int, rows: Iterable[Mapping[str, Any]], writer: str = "w", table: str = "audit"
) -> None:
    """Store rows as one batch."""
    lines = []
    names: dict[str, None] = {}
    for row in rows:
        full = {"writer": writer, "batch": batch, "ingested": T0, **row}
        names.update(dict.fromkeys(full))
        lines.append(json.dumps({k: _engine(v) for k, v in full.items()}))
    columns.insert(table, list(names), "JSONEachRow", "\n".join(lines).encode())


def book(*texts: str) -> RuleBook:
    """The rule book of some files; it must have no errors."""
    built = build([(f"rule-{n}.yml", text) for n, text in enumerate(texts)])
    assert not built.errors, [str(error) for error in built.errors]
    return built


def tick(columns: Columns, rules: RuleBook, after: int, upto: int, **kwargs: Any) -> Tick:
    """Evaluate batches `(after, upto]` of writer `w`."""
    return Detector(columns, rules, **kwargs).evaluate({"w": after}, {"w": upto}, at(3600))


def only(found: Tick) -> Signal:
    """The one signal of a tick."""
    assert len(found.signals) == 1, found.signals
    return found.signals[0]


def event_ids(signal: Signal) -> list[str]:
    """Ids of a signal's evidence."""
    return [evidence.event_id for evidence in signal.evidence]


def detections(columns: Columns, where: str = "1") -> list[dict[str, Any]]:
    """Rows of `detections`, by time."""
    return columns.fetch(Sql(f"SELECT * FROM detections WHERE {where} ORDER BY rule_id, time, event_id"))


def correlation(body: str, bases: Sequence[str] = (), **top: str) -> str:
    """A file with base rules and a correlation, whose keys are `body`, indented by two."""
    head = "".join(f"{key}: {value}\n" for key, value in top.items())
    rule = f"title: Burst\nid: 22222222-0000-4000-8000-000000000001\nlevel: medium\n{head}correlation:\n{body}"
    return "\n---\n".join([*bases, rule])


def base(name: str, **selection: Any) -> str:
    """A base rule that selects by equality."""
    return (
        f"title: {name}\nname: {name}\nlevel: low\nlogsource: {{product: kubernetes, service: audit}}\n"
        f"detection: {{selection: {json.dumps(selection)}, condition: selection}}\n"
    )


def _engine(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value
