"""Tells from the first lines of a delivery which format it is in, for `--format auto`."""

from __future__ import annotations

import re
from typing import Any

import msgspec

_SAMPLE = 64 << 10
_LINES = 8
_DEEP = 6
"""Wrappers within wrappers that are looked into."""

_TEXT = (
    ("cri", re.compile(rb"\d{4}-\d\d-\d\dT\S+ (?:stdout|stderr) [FP](?::\S*)?(?: |$)")),
    ("klog", re.compile(rb"[IWEF][01]\d[0-3]\d \d\d:\d\d:\d\d\.\d{6} +\d+ [^ \]]+:\d+\]")),
    # CloudWatch exports and `aws logs tail` put a time before the event.
    ("eks", re.compile(rb'\d{4}-\d\d-\d\dT\S+ +(?:\S+ +)?\{"kind":"Event","apiVersion":"audit\.k8s\.io')),
    ("syslog", re.compile(rb"<\d{1,3}>(?:1 \S|[A-Z][a-z]{2} [ \d]\d |\d{4}-)")),
    ("syslog", re.compile(rb"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [^\s:\[]+(?:\[\d+\])?:")),
    ("syslog", re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* \S+ [^\s:\[]+\[\d+\]:")),
)
# For JSON cut at the end of the sample, or of a size not worth decoding: names that stand near the beginning.
_AUDIT = re.compile(rb'\s*\{\s*"kind"\s*:\s*"Event(?:List)?"\s*,\s*"apiVersion"\s*:\s*"audit\.k8s\.io/')


def detect(sample: bytes) -> str:
    """Return the name of the format that the lines at the beginning of `sample` are in.

    At most the first 64 KiB and 8 lines are looked at; the first line that tells decides. `json-lines`, which takes any
    text, is the answer when none does.
    """
    head = sample[:_SAMPLE]
    if _AUDIT.match(head):
        return "kubernetes-audit"
    whole = _decoded(head) if len(sample) <= _SAMPLE else None
    if whole is not None:
        return _of_value(whole) or "json-lines"
    for line in head.splitlines()[:_LINES]:
        if name := _of_line(line.strip(b"\r")):
            return name
    return "json-lines"


def _of_line(line: bytes) -> str:
    if line.lstrip()[:1] in (b"{", b"["):
        if _AUDIT.match(line):
            return "kubernetes-audit"
        return _of_value(_decoded(line)) or _of_beginning(line)
    return next((name for name, pattern in _TEXT if pattern.match(line)), "")


def _decoded(text: bytes) -> Any:
    if text.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _of_value(value: Any, deep: int = _DEEP) -> str:
    if not deep or not isinstance(value, list | dict):
        return ""
    if isinstance(value, list):
        return next((name for item in value[:_LINES] if (name := _of_value(item, deep - 1))), "")
    for name, tell in _TELLS:
        if tell(value):
            return name
    inner = value.get("items") or value.get("entries") or value.get("object")
    return _of_value(inner, deep - 1)


def _of_beginning(line: bytes) -> str:
    head = line[:2048]
    if b'"protoPayload"' in head:
        return "gke"
    if b'"logEvents"' in head:
        return "eks"
    if b"kube-audit" in head:
        return "aks"
    return "docker-json" if line.startswith(b'{"log":"') else ""


def _is_audit(v: dict[str, Any]) -> bool:
    return "auditID" in v and "stage" in v


def _is_aks(v: dict[str, Any]) -> bool:
    records = v.get("records")
    first = records[0] if isinstance(records, list) and records else v
    category = (first.get("category") or first.get("Category")) if isinstance(first, dict) else None
    return isinstance(category, str) and (category.startswith("kube-") or "log_s" in first or "properties" in first)


def _is_eks(v: dict[str, Any]) -> bool:
    if isinstance(v.get("logEvents"), list) or "searchedLogStreams" in v:
        return True
    if isinstance(v.get("events"), list):
        return any(isinstance(e, dict) and "message" in e for e in v["events"][:1])
    message = v.get("message")
    return isinstance(message, str) and '"apiVersion":"audit.k8s.io' in message[:200]


def _is_event(v: dict[str, Any]) -> bool:
    return "reason" in v and ("involvedObject" in v or "regarding" in v)


_TELLS = (
    ("kubernetes-audit", _is_audit),
    ("gke", lambda v: ("protoPayload" in v and "logName" in v) or ("protoPayload" in v and "insertId" in v)),
    ("aks", _is_aks),
    ("eks", _is_eks),
    ("kubernetes-events", _is_event),
    ("falco", lambda v: "rule" in v and "priority" in v and "output" in v),
    ("journald", lambda v: "__REALTIME_TIMESTAMP" in v),
    ("docker-json", lambda v: "log" in v and "stream" in v and "time" in v),
)
