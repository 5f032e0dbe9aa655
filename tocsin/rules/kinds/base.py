"""What every kind of rule has in common."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tocsin.model.errors import Location
from tocsin.model.severity import Severity

DEFAULT_QUIET = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule, whatever its kind.

    Attributes:
        id: Its stable id: Sigma's `id`, else its `name`, else its title.
        name: Sigma's `name`; empty if it has none.
        title: The name of its alerts.
        version: Hash of its content.
        severity: Sigma's `level`; medium if it names none.
        description, references, tags: As Sigma has them; tags as `namespace.name`.
        techniques: ATT&CK ids out of its tags, such as `T1609`.
        runbook_url: An address, or `/runbooks/<slug>` on Tocsin's own server; empty if it names none.
        quiet: Its alerts resolve when nothing more matched for this long.
        alerting: False if it only feeds correlations.
        owner: Who answers for it; empty if unknown.
        reviewed: Date of its last review, ISO 8601; empty if unknown.
        min_audit_level: What the audit policy must let through for it to see anything; empty if unknown.
        location: Where it is written.
    """

    id: str
    name: str
    title: str
    version: str
    severity: Severity
    description: str
    references: tuple[str, ...]
    tags: tuple[str, ...]
    techniques: tuple[str, ...]
    runbook_url: str
    quiet: timedelta
    alerting: bool
    owner: str
    reviewed: str
    min_audit_level: str
    location: Location

    @property
    def annotations(self) -> dict[str, str]:
        """The annotations that all of its alerts have."""
        return {"description": self.description} if self.description else {}
