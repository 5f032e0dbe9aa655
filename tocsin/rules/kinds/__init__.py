"""The kinds of rules. To add one: a module here, a line in `KINDS`, a section in `docs/how-to/write-a-rule.md`."""

from __future__ import annotations

from tocsin.rules.kinds.base import Rule
from tocsin.rules.kinds.correlation import CorrelationRule
from tocsin.rules.kinds.sigma import StreamRule

KINDS: dict[str, type[Rule]] = {
    "sigma": StreamRule,
    "correlation": CorrelationRule,
}
"""Name to the value that the detector evaluates."""
