"""The guide `docs/how-to/write-a-rule.md`: its rules load, and its examples pass through the real parser."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tests.rules.support import T0
from tocsin.intake.formats.kubernetes_audit import KUBERNETES_AUDIT
from tocsin.rules.lint import CHECKS
from tocsin.rules.loading import build
from tocsin.rules.unit_tests import Lines, read_examples, run
from tocsin.store.base import Columns, Delivery
from tocsin.store.committer import Committer

_GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-rule.md"
_TEXT = _GUIDE.read_text(encoding="utf-8")
_BLOCKS = re.findall(r"```yaml\n(.*?)```", _TEXT, re.DOTALL)


def test_its_rules_load_and_its_examples_pass(columns: Columns) -> None:
    rules = build([(f"block-{n}.yml", text) for n, text in enumerate(_BLOCKS) if text.startswith("title:")])
    assert rules.errors == ()
    assert rules.warnings == ()
    committer = Committer(columns, "w")

    def load(lines: Sequence[Lines]) -> None:
        deliveries = [Delivery(KUBERNETES_AUDIT, each.payload, T0, {"cluster": each.cluster}) for each in lines]
        committer.commit(1, deliveries, T0)

    examples = [read_examples("guide", text) for text in _BLOCKS if text.startswith("rule:")]
    outcomes = list(run(columns, load, rules, examples, T0))
    assert len(outcomes) == 2
    assert [outcome.message for outcome in outcomes] == ["", ""]


def test_it_names_every_remark() -> None:
    assert [name for name in (*CHECKS, "no-level", "same-title") if f"`{name}`" not in _TEXT] == []
