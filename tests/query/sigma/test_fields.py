"""Fields of both tables: as conditions see them, and as labels and numbers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.query.sigma.support import hits, predicate_for, store
from tocsin.query.sigma.fields import AUDIT_COLUMNS, field_number, field_text
from tocsin.store.base import Columns
from tocsin.store.schema.tables import AUDIT, LOGS
from tocsin.store.sql import Sql, compose

EVENT = {
    "auditID": "id-1",
    "user": {"username": "alice", "groups": ["dev", "ops"]},
    "responseStatus": {"code": 201},
    "annotations": {"a.b/c": "x"},
    "requestObject": {"spec": {"replicas": 3, "containers": [{"image": "one"}, {"image": "two"}]}},
    "userAgent": "kubectl",
    "stageTimestamp": "2026-03-04T05:06:07.000008Z",
}


@pytest.fixture(scope="module")
def event(engine: Columns) -> Columns:
    """A store that holds `EVENT`."""
    store(engine, [EVENT])
    return engine


def value(columns: Columns, expression: Sql, table: str = "audit") -> Any:
    return columns.fetch(compose("SELECT {e} AS v FROM {t}", e=expression, t=Sql(table)))[0]["v"]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("user.username", "alice"),
        ("user.groups", "dev"),
        ("responseStatus.code", "201"),
        ("annotations.a.b/c", "x"),
        ("requestObject.spec.containers.image", "one"),
        ("requestObject.spec.replicas", "3"),
        ("objectRef.namespace", ""),
        ("requestObject.spec.missing", ""),
        ("no.such", ""),
        ("stageTimestamp", "2026-03-04T05:06:07.000008Z"),
    ],
)
def test_the_text_of_a_field(event: Columns, field: str, text: str) -> None:
    assert value(event, field_text("audit", field)) == text


@pytest.mark.parametrize(
    ("field", "number"), [("requestObject.spec.replicas", 3.0), ("user.username", None), ("no.such", None)]
)
def test_the_number_of_a_field(event: Columns, field: str, number: float | None) -> None:
    assert value(event, field_number("audit", field)) == number


@pytest.mark.parametrize("table", [AUDIT, LOGS], ids=lambda table: table.name)
def test_every_column_and_every_audit_field_can_be_asked_for(columns: Columns, table: Any) -> None:
    names = [*table.column_names(), *(AUDIT_COLUMNS if table is AUDIT else ()), "some.other.field"]
    source = {"product": "kubernetes", "service": "audit"} if table is AUDIT else {"category": "application"}
    for name in names:
        predicate = predicate_for({"selection": {name: ["x", "*y*", None, 1], f"{name}|exists": True}}, source)
        assert hits(columns, predicate) == []
        for expression in (field_text(table.name, name), field_number(table.name, name)):
            columns.fetch(compose("SELECT {e} FROM {table}", e=expression, table=Sql(table.name)))


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        ({"namespace": "web"}, True),
        ({"status": "500"}, True),
        ({"status|gte": 500}, True),
        ({"http.method": "post"}, True),
        ({"fields.status": 500}, True),
        ({"team": "blue"}, True),
        ({"stream.team": "blue"}, True),
        ({"fields.team": "blue"}, False),
        ({"status|exists": True, "nothing|exists": False, "nothing": None}, True),
        (["connection*refused"], True),
        ({"line|startswith": "error"}, True),
    ],
)
def test_fields_of_log_lines(columns: Columns, selection: Any, found: bool) -> None:
    row = {
        "batch": 1,
        "source": "pod",
        "namespace": "web",
        "line": "ERROR: connection to db refused",
        "fields": {"status": "500", "http.method": "POST"},
        "stream": {"team": "blue", "status": "not this one"},
    }
    columns.insert("logs", list(row), "JSONEachRow", json.dumps(row).encode())
    assert hits(columns, predicate_for({"selection": selection}, {"category": "application"})) == ([1] if found else [])
