"""Which rows a log source speaks of."""

from __future__ import annotations

import json

import pytest

from tests.query.sigma.support import hits, predicate_for
from tocsin.store.base import Columns

LINES = [
    {"source": "pod", "app": "shop", "container": "main"},
    {"source": "pod", "app": "", "container": "nginx"},
    {"source": "node", "app": "sshd"},
    {"source": "node", "app": "CRON"},
    {"source": "control-plane", "app": "kube-apiserver"},
    {"source": "kubernetes-event", "app": ""},
    {"source": "falco", "app": "falco"},
]


@pytest.mark.parametrize(
    "logsource",
    [
        {"product": "kubernetes"},
        {"product": "Kubernetes", "service": "audit"},
        {"product": "kubernetes", "category": "audit"},
    ],
)
def test_the_audit_log(logsource: dict[str, str]) -> None:
    predicate = predicate_for({"selection": {"verb": "get"}}, logsource)
    assert predicate.table == "audit"


@pytest.fixture(scope="module")
def lines(engine: Columns) -> Columns:
    """A store that holds `LINES`, numbered by `batch`."""
    rows = [{"batch": number, "line": "error here", **line} for number, line in enumerate(LINES)]
    payload = "\n".join(map(json.dumps, rows)).encode()
    engine.insert("logs", ["batch", "line", "source", "app", "container"], "JSONEachRow", payload)
    return engine


@pytest.mark.parametrize(
    ("logsource", "found"),
    [
        ({"category": "application"}, [0, 1]),
        ({"category": "application", "product": "shop"}, [0]),
        ({"category": "webserver", "service": "nginx"}, [1]),
        ({"product": "linux"}, [2, 3]),
        ({"product": "linux", "service": "sshd"}, [2]),
        ({"product": "linux", "service": "auth"}, [2]),
        ({"product": "linux", "service": "cron"}, [3]),
        ({"product": "kubernetes", "service": "kube-apiserver"}, [4]),
        ({"product": "kubernetes", "service": "events"}, [5]),
        ({"product": "falco"}, [6]),
        ({"category": "process_creation", "product": "windows"}, []),
    ],
)
def test_other_sources_are_rows_of_the_logs(lines: Columns, logsource: dict[str, str], found: list[int]) -> None:
    predicate = predicate_for({"selection": ["ERROR"]}, logsource)
    assert predicate.table == "logs"
    assert hits(lines, predicate) == found
