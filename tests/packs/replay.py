"""Plays a recording through the real committer and detector."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tocsin.intake.formats.kubernetes_audit import KUBERNETES_AUDIT
from tocsin.kit.resources import packs_directory
from tocsin.model.alerts import Signal
from tocsin.rules.book import RuleBook
from tocsin.rules.detector import Detector
from tocsin.store.base import Columns, Delivery
from tocsin.store.committer import Committer
from tocsin.store.sql import Sql

RECORDINGS = packs_directory() / "recordings"
ARRIVED = datetime(2026, 11, 24, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a replay led to.

    Attributes:
        signals: All of them, tick by tick.
        found: Ids of the events, by the id of the rule that found them; rules that only feed correlations left out.
    """

    signals: tuple[Signal, ...]
    found: Mapping[str, frozenset[str]]


def recorded(name: str) -> list[bytes]:
    """The lines of a recording, such as `attack`."""
    return gzip.decompress((RECORDINGS / f"{name}.ndjson.gz").read_bytes()).splitlines()


def labels() -> dict[str, Any]:
    """What is known about the recordings."""
    known: dict[str, Any] = json.loads((RECORDINGS / "labels.json").read_bytes())
    return known


def replay(columns: Columns, book: RuleBook, batches: Sequence[Sequence[bytes]]) -> Outcome:
    """Commit and evaluate one batch after the other."""
    committer, detector = Committer(columns, "w"), Detector(columns, book)
    signals: list[Signal] = []
    for number, lines in enumerate(batches, start=1):
        committer.commit(number, [Delivery(KUBERNETES_AUDIT, b"\n".join(lines), ARRIVED)], ARRIVED)
        signals += detector.evaluate({"w": number - 1}, {"w": number}, ARRIVED).signals
    query = (
        "SELECT rule_id, groupUniqArrayArray(event_ids) AS ids FROM detections WHERE kind != 'base' GROUP BY rule_id"
    )
    found = {str(row["rule_id"]): frozenset(row["ids"]) for row in columns.fetch(Sql(query))}
    return Outcome(tuple(signals), found)
