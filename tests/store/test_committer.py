"""A batch's rows, its duplicates and what could not be read, each accounted for to the sender it came from."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.store.events import delivery, event
from tocsin.store.base import Columns, parse_time
from tocsin.store.committer import Committer
from tocsin.store.sql import Sql

_NOW = datetime(2026, 11, 23, 9, 7, tzinfo=UTC)


def test_an_event_lands_in_typed_columns(columns: Columns) -> None:
    """What rules and hunters ask for is a column; the event itself is kept whole."""
    exec_event = event(
        "a1",
        verb="create",
        requestURI="/api/v1/namespaces/web/pods/front/exec?command=cat&command=%2Fetc%2Fpasswd+x",
        objectRef={"resource": "pods", "namespace": "web", "name": "front", "subresource": "exec"},
        user={
            "username": "system:serviceaccount:web:sa",
            "groups": ["system:serviceaccounts"],
            "extra": {
                "authentication.kubernetes.io/credential-id": ["JTI=1"],
                "authentication.kubernetes.io/pod-name": ["p-1"],
            },
        },
        impersonatedUser={"username": "root", "groups": ["system:masters"]},
        responseStatus={"code": 101},
        requestObject={"kind": "PodExecOptions", "stdin": True},
    )

    Committer(columns, "w").commit(7, [delivery(exec_event, cluster="prod")], _NOW)

    (row,) = columns.fetch(Sql("SELECT * FROM audit"))
    assert row["request_uri"] == "/api/v1/namespaces/web/pods/front/exec?command=cat&command=/etc/passwd x"
    assert (row["writer"], row["batch"], row["cluster"]) == ("w", 7, "prod")
    assert (row["verb"], row["resource"], row["subresource"], row["code"]) == ("create", "pods", "exec", 101)
    assert (row["credential_id"], row["user_pod"]) == ("JTI=1", "p-1")
    assert (row["impersonated_user"], row["impersonated_groups"]) == ("root", ["system:masters"])
    assert (row["source_ip"], row["source_ips"]) == ("198.51.100.4", ["203.0.113.7", "198.51.100.4"])
    assert row["request_object"] == '{"kind":"PodExecOptions","stdin":true}'
    assert parse_time(row["time"]) == datetime(2026, 11, 23, 9, 6, 37, 12546, tzinfo=UTC)
    assert '"auditID"' in row["raw"]


def test_duplicates_are_dropped_by_id_and_stage(columns: Columns) -> None:
    """The same event again, in this batch or a later one, is counted as a duplicate; another stage is another row."""
    committer = Committer(columns, "w")
    started, complete = event("a1", "ResponseStarted"), event("a1", "ResponseComplete")

    first = committer.commit(1, [delivery(started, complete, started), delivery(complete, event("a2"))], _NOW)
    again = committer.commit(2, [delivery(complete, event("a3"))], _NOW)

    assert [(r.accepted, r.duplicates) for r in first.receipts] == [(2, 1), (1, 1)]
    assert [(r.accepted, r.duplicates) for r in again.receipts] == [(1, 1)]
    rows = columns.fetch(Sql("SELECT audit_id, stage, batch FROM audit ORDER BY audit_id, stage"))
    assert [(r["audit_id"], r["stage"], r["batch"]) for r in rows] == [
        ("a1", "ResponseComplete", 1),
        ("a1", "ResponseStarted", 1),
        ("a2", "ResponseComplete", 1),
        ("a3", "ResponseComplete", 2),
    ]


def test_what_cannot_be_read_is_kept_with_its_reason(columns: Columns) -> None:
    """Good lines of the same delivery go in; each bad one says why it did not."""
    good = event("a1")
    no_stage = {**event("a2"), "stage": ""}
    bad_time = event("a3", stageTimestamp="yesterday")

    done = Committer(columns, "w").commit(
        1, [delivery(good, b'{"auditID": "cut', b"\xff\xfe\x00", no_stage, bad_time, b'"text"', b"")], _NOW
    )

    assert (done.receipts[0].accepted, done.receipts[0].rejected) == (1, 5)
    reasons = {r["line"][:9]: r["reason"] for r in columns.fetch(Sql("SELECT line, reason FROM rejected"))}
    assert reasons['{"auditID'].startswith("not valid JSON") or "stage" in reasons['{"auditID']
    assert {r["reason"] for r in columns.fetch(Sql("SELECT reason FROM rejected"))} == {
        "not valid JSON; truncated?",
        "no stage: not an audit.k8s.io/v1 event",
        "stageTimestamp is missing or not an RFC 3339 time",
        "no auditID: not an audit.k8s.io/v1 event",
    }


def test_the_batch_is_recorded_last_and_whole(columns: Columns) -> None:
    """`batches` is how others know that a batch is complete, and remembers the senders' tokens."""
    Committer(columns, "w").commit(3, [delivery(event("a1"), b"junk", token="t-1")], _NOW)

    (row,) = columns.fetch(Sql("SELECT writer, batch, rows, tokens FROM batches"))
    assert row == {"writer": "w", "batch": 3, "rows": {"audit": 1, "rejected": 1}, "tokens": ["t-1"]}


def test_an_event_list_on_a_line_is_taken_apart(columns: Columns) -> None:
    """Recorded webhook bodies can be loaded as they are; a cut one is rejected, not lost."""
    whole = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [event("a1"), event("a2")]}

    done = Committer(columns, "w").commit(1, [delivery(whole, b'{"kind":"EventList","items":[{"auditID":"x"')], _NOW)

    assert (done.receipts[0].accepted, done.receipts[0].rejected) == (2, 1)


def test_an_empty_batch_of_rejects_still_counts(columns: Columns) -> None:
    """A delivery of nothing but junk is answered and recorded."""
    done = Committer(columns, "w").commit(1, [delivery(b"junk")], _NOW)

    assert done.rows == {"rejected": 1}
    assert done.first_time is None


def test_a_year_apart_in_one_batch(columns: Columns) -> None:
    """Events of any time share a partition, so old recordings load like fresh ones."""
    old, future = event("a1", stageTimestamp="1999-01-01T00:00:00Z"), event("a2", stageTimestamp="2250-01-01T00:00:00Z")

    Committer(columns, "w").commit(1, [delivery(old, future)], _NOW)

    (parts,) = columns.fetch(
        Sql("SELECT uniqExact(partition) AS n FROM system.parts WHERE database = currentDatabase() AND table = 'audit'")
    )
    assert parts["n"] == 1
