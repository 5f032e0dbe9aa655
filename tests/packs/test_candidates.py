"""Leaving out rules that a range cannot concern changes nothing in what is found."""

from __future__ import annotations

from typing import Any

import pytest

from tests.packs.replay import ARRIVED, recorded
from tocsin.intake.formats.kubernetes_audit import KUBERNETES_AUDIT
from tocsin.rules import matching
from tocsin.rules.candidates import Candidates
from tocsin.rules.loading import load
from tocsin.rules.matching import Pass
from tocsin.rules.ranges import Range
from tocsin.rules.settings import RulesSettings
from tocsin.store.base import Columns, Delivery
from tocsin.store.committer import Committer
from tocsin.store.sql import Sql

_SLICE = 1000


def _found(columns: Columns, ready: Pass | None, span: Range) -> list[dict[str, Any]]:
    """What the rules find; the table it is in is left empty."""
    if ready is None:
        return []
    matching.find(columns, ready, span)
    found = columns.fetch(Sql("SELECT rule_id, event_id, summary, labels FROM rule_found ORDER BY rule_id, event_id"))
    columns.run(Sql("TRUNCATE TABLE rule_found"))
    return found


@pytest.mark.parametrize("recording", ["attack", "benign"])
def test_the_same_is_found_as_with_all_rules(columns: Columns, recording: str) -> None:
    rules = load(RulesSettings()).of("audit")
    candidates, everything = Candidates("audit", rules), matching.prepare("audit", rules)
    columns.run(Sql(matching.FOUND_TABLE))
    columns.run(Sql(matching.hits_table("audit")))
    lines, committer, left_out = recorded(recording), Committer(columns, "w"), 0
    for batch, start in enumerate(range(0, len(lines), _SLICE), start=1):
        payload = b"\n".join(lines[start : start + _SLICE])
        committer.commit(batch, [Delivery(KUBERNETES_AUDIT, payload, ARRIVED)], ARRIVED)
        span = Range({"w": batch - 1}, {"w": batch})

        few = candidates.among(columns, span)

        assert _found(columns, few, span) == _found(columns, everything, span)
        left_out += len(rules) - (len(few.rules) if few else 0)
    assert left_out > 0.5 * len(rules) * batch
