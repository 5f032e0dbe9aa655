"""Which format a sample is in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.intake.formats.events import audit_event
from tocsin.intake.formats.detect import detect
from tocsin.intake.formats.table import FORMATS

_DATA = Path(__file__).parents[1] / "data"
_AUDIT = audit_event("a")


@pytest.mark.parametrize(
    ("sample", "name"),
    [
        (_AUDIT, "kubernetes-audit"),
        (_AUDIT.replace('"kind":"Event","apiVersion":"audit.k8s.io/v1",', ""), "kubernetes-audit"),
        ('{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[' + _AUDIT, "kubernetes-audit"),
        (json.dumps({"items": [json.loads(_AUDIT)]}), "kubernetes-audit"),
        (f"2026-11-23T08:50:53.417Z {_AUDIT}", "eks"),
        (json.dumps({"timestamp": 1, "message": _AUDIT}), "eks"),
        (json.dumps({"logGroup": "g", "logEvents": [{"message": _AUDIT}]}), "eks"),
        (json.dumps({"events": [{"message": _AUDIT}]}, indent=2), "eks"),
        (json.dumps({"records": [{"category": "kube-audit", "properties": {"log": _AUDIT}}]}), "aks"),
        (json.dumps({"Category": "kube-audit-admin", "log_s": _AUDIT}), "aks"),
        (json.dumps([{"insertId": "1", "protoPayload": {}}]), "gke"),
        ("2026-11-23T08:50:51.1Z stdout F hello", "cri"),
        ('{"log":"x\\n","stream":"stdout","time":"2026-11-23T08:50:51Z"}', "docker-json"),
        ("I1123 08:50:51.653869    7759 flags.go:64] FLAG", "klog"),
        ('{"__REALTIME_TIMESTAMP":"1","MESSAGE":"x"}', "journald"),
        ("<34>Oct 11 22:14:15 host su: x", "syslog"),
        ("<165>1 2003-10-11T22:14:15.003Z h a - - - x", "syslog"),
        ("Nov  3 08:50:51 host sshd[123]: x", "syslog"),
        ("2026-11-23T08:50:51.123456+00:00 host sshd[123]: x", "syslog"),
        ('{"type":"ADDED","object":{"reason":"x","involvedObject":{}}}', "kubernetes-events"),
        ('{"kind":"EventList","apiVersion":"v1","items":[{"reason":"x","regarding":{}}]}', "kubernetes-events"),
        ('{"rule":"x","priority":"Notice","output":"y"}', "falco"),
        ('{"level":"info","msg":"x"}', "json-lines"),
        ("level=info msg=x", "json-lines"),
        ("", "json-lines"),
        ("[1, 2]", "json-lines"),
    ],
)
def test_samples(sample: str, name: str) -> None:
    assert detect(sample.encode()) == name
    assert detect((sample + "\n").encode()) == name


def test_real_logs() -> None:
    assert detect((_DATA / "kubelet.log").read_bytes()) == "klog"


def test_a_line_that_does_not_tell_is_passed_over() -> None:
    assert detect(b"=== started ===\n\n2026-11-23T08:50:51.1Z stdout F hello\n") == "cri"


def test_a_line_longer_than_the_sample_is_known_by_its_beginning() -> None:
    assert detect(b'{"insertId":"1","protoPayload":{"x":"' + b"x" * 100_000 + b'"}}\n') == "gke"


@pytest.mark.parametrize("depth", [7, 900, 100_000])
def test_depth_is_no_harm(depth: int) -> None:
    assert detect(b"[" * depth + b"]" * depth) == "json-lines"
    assert detect(b'{"items":[' * depth) == "json-lines"
    assert detect(b'{"items":[' * depth + b"]}" * depth + b"\n") == "json-lines"


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,ab1 \n').map(str.encode))
def test_any_bytes_have_an_answer(sample: bytes) -> None:
    assert detect(sample) in FORMATS
