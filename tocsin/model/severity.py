"""How bad: Sigma's levels, which are the severities of the whole system."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """A Sigma `level` (Sigma rules specification 2, "Level"), worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFORMATIONAL = "informational"

    @property
    def rank(self) -> int:
        """0 for the worst, 4 for the mildest: sorts worst first."""
        return list(Severity).index(self)

    def at_least(self, other: Severity) -> bool:
        """True if this is as bad as `other` or worse."""
        return self.rank <= other.rank
