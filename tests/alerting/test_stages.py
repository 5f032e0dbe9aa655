"""Links in messages lead somewhere for a reader who has only the message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tocsin.alerting.stages import with_url
from tocsin.model.alerts import Alert, AlertStatus
from tocsin.model.severity import Severity

_AT = datetime(2026, 11, 23, tzinfo=UTC)
_ALERT = Alert(
    fingerprint="00c0ffee",
    labels={"alertname": "x"},
    annotations={},
    rule_id="r",
    title="x",
    severity=Severity.LOW,
    techniques=(),
    runbook_url="/runbooks/x",
    status=AlertStatus.FIRING,
    episode=1,
    starts_at=_AT,
    updated_at=_AT,
    last_event=_AT,
    ends_at=None,
    count=1,
)


@pytest.mark.parametrize(
    ("runbook", "external", "expected"),
    [
        ("/runbooks/x", "https://tocsin.example", "https://tocsin.example/runbooks/x"),
        ("https://wiki.example/x", "https://tocsin.example", "https://wiki.example/x"),
        ("", "https://tocsin.example", ""),
        ("/runbooks/x", "", "/runbooks/x"),
    ],
)
def test_a_runbook_of_ours_gets_our_address(runbook: str, external: str, expected: str) -> None:
    """An address elsewhere stays; without a known address of ours nothing is made up."""
    linked = with_url(replace(_ALERT, runbook_url=runbook), external)

    assert linked.runbook_url == expected
    assert linked.url == (f"{external}/alerts/00c0ffee" if external else "")
