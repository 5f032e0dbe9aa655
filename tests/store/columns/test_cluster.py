"""The cluster's way: everything we send goes through the real client, and is run by the real engine."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.store.columns.front import Front
from tests.store.events import delivery, event
from tocsin.intake.formats.kubernetes_audit import KUBERNETES_AUDIT
from tocsin.kit.resources import packs_directory
from tocsin.model.errors import BudgetExceeded, InvalidInput
from tocsin.query.search import Window, plan, rows
from tocsin.rules.detector import Detector
from tocsin.rules.loading import load
from tocsin.rules.settings import RulesSettings
from tocsin.store.base import Budget, Delivery
from tocsin.store.columns.cluster import ClusterColumns
from tocsin.store.columns.ddl import Cluster
from tocsin.store.columns.migrate import migrate, set_retention
from tocsin.store.committer import Committer
from tocsin.store.settings import ClusterSettings, RetentionSettings
from tocsin.store.sql import Sql, bind, compose
from tocsin.testing.stores import engine_directory

_numbers = itertools.count(1)
_NOW = datetime(2026, 11, 23, 9, 7, tzinfo=UTC)


@pytest.fixture
def front() -> Iterator[Front]:
    """An HTTP server that speaks ClickHouse."""
    server = Front(Path(engine_directory()))
    yield server
    server.close()


@pytest.fixture
def cluster(front: Front) -> Iterator[ClusterColumns]:
    """A migrated cluster with retention set."""
    database = f"cluster_{next(_numbers)}"
    columns = ClusterColumns(ClusterSettings(url=front.url, name="main", database=database))
    migrate(columns, Cluster("main", database))
    set_retention(columns, Cluster("main", database), RetentionSettings().seconds())
    yield columns
    columns.close()


def test_batches_are_committed_over_http(cluster: ClusterColumns, front: Front) -> None:
    """Staging, parsing, duplicates and the batch's record: the same statements as with the embedded engine."""
    committer = Committer(cluster, "replica-1")

    first = committer.commit(1, [delivery(event("a1"), event("a1", "ResponseStarted"), b"junk", token="t")], _NOW)
    again = committer.commit(2, [delivery(event("a1"), event("a2"))], _NOW)

    assert (first.receipts[0].accepted, first.receipts[0].rejected) == (2, 1)
    assert (again.receipts[0].accepted, again.receipts[0].duplicates) == (1, 1)
    rows = cluster.fetch(Sql("SELECT audit_id, batch, time FROM audit ORDER BY batch, stage"))
    assert [(r["audit_id"], r["batch"]) for r in rows] == [("a1", 1), ("a1", 1), ("a2", 2)]
    assert rows[0]["time"] == "2026-11-23T09:06:37.012546Z"
    assert any("ON CLUSTER" in query for query in front.requests)


def test_values_and_results_are_those_of_the_embedded_engine(cluster: ClusterColumns) -> None:
    """Bound values survive the address line; large results come in pieces."""
    nasty = "x'\\y\n\t&=%\0é"

    (row,) = cluster.fetch(
        compose("SELECT {a} AS a, {b} AS b, toUInt64(-1) AS big", a=bind(nasty), b=bind([nasty, "z"]))
    )
    streamed = b"".join(cluster.stream(Sql("SELECT number FROM numbers(200000)")))

    assert row == {"a": nasty, "b": [nasty, "z"], "big": 18446744073709551615}
    assert streamed.count(b"\n") == 200000


def test_failures_have_our_names(cluster: ClusterColumns) -> None:
    """A refused query and an exceeded budget are told apart, and the session lives on."""
    with pytest.raises(InvalidInput):
        cluster.fetch(Sql("SELECT nonsense"))
    with pytest.raises(BudgetExceeded):
        cluster.fetch(Sql("SELECT groupArray(number) FROM numbers(100000000)"), Budget(memory=10_000_000))
    assert cluster.fetch(Sql("SELECT 1 AS one")) == [{"one": 1}]


def test_rules_are_evaluated_over_http(cluster: ClusterColumns) -> None:
    """The detector's statements, temporary tables and correlations included; a repeated tick doubles nothing."""
    recording = gzip.decompress((packs_directory() / "recordings" / "attack.ndjson.gz").read_bytes())
    Committer(cluster, "replica-1").commit(1, [Delivery(KUBERNETES_AUDIT, recording, _NOW)], _NOW)
    detector = Detector(cluster, load(RulesSettings()))

    first = detector.evaluate({}, {"replica-1": 1}, _NOW)
    stored = cluster.fetch(Sql("SELECT count() AS n FROM detections"))
    again = detector.evaluate({}, {"replica-1": 1}, _NOW)

    titles = {signal.title for signal in first.signals}
    assert {"Walk through forbidden resources", "Kubernetes Events deleted"} <= titles
    assert {(s.title, s.count) for s in again.signals} == {(s.title, s.count) for s in first.signals}
    assert cluster.fetch(Sql("SELECT count() AS n FROM detections")) == stored


def test_searches_and_sources_run_over_http(cluster: ClusterColumns) -> None:
    """What people ask."""
    Committer(cluster, "replica-1").commit(1, [delivery(event("a1"), cluster="prod")], _NOW)

    everything = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    found = cluster.fetch(rows(plan("user:alice resource:pods objectRef.name:fr*"), everything, 10))

    assert [row["audit_id"] for row in found] == ["a1"]
