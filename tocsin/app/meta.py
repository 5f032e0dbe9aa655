"""Alerts about Tocsin itself, raised while something is wrong and over a while after it is mended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.model.alerts import Evidence, Signal
from tocsin.model.severity import Severity

STORAGE_FULL = "tocsin.storage-full"
RULES_FAILING = "tocsin.rules-failing"
RULE_ERRORS = "tocsin.rule-errors"
QUIET = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong with Tocsin, as seen now.

    Attributes:
        rule_id: Its stable id, `tocsin.<slug>`.
        title: The name of the alert.
        severity: How bad.
        summary: What, in one line.
        description: What it means, and what to do.
    """

    rule_id: str
    title: str
    severity: Severity
    summary: str
    description: str

    def signal(self, now: datetime) -> Signal:
        """Return the signal that raises or keeps up the alert."""
        return Signal(
            rule_id=self.rule_id,
            title=self.title,
            severity=self.severity,
            labels={"alertname": self.title, "severity": self.severity.value},
            annotations={"summary": self.summary, "description": self.description},
            techniques=(),
            runbook_url="",
            first_event=now,
            last_event=now,
            count=1,
            evidence=(Evidence(self.rule_id, now, self.summary, self.summary),),
            quiet=QUIET,
        )


class Watch:
    """Looks at things that can go wrong and signals those that do, at once and then every minute while they last.

    Args:
        looks: Each returns what is wrong, or None.
    """

    def __init__(self, looks: Iterable[Callable[[], Trouble | None]]) -> None:
        self._looks = tuple(looks)
        self._told: dict[str, datetime] = {}

    def signals(self, now: datetime) -> list[Signal]:
        """Return the signals that are due."""
        found = [trouble for look in self._looks if (trouble := look()) is not None]
        present = {trouble.rule_id for trouble in found}
        self._told = {rule_id: at for rule_id, at in self._told.items() if rule_id in present}
        due = [t for t in found if now - self._told.get(t.rule_id, now - QUIET) >= timedelta(minutes=1)]
        self._told.update({trouble.rule_id: now for trouble in due})
        return [trouble.signal(now) for trouble in due]


def storage_full(full: Callable[[], bool]) -> Callable[[], Trouble | None]:
    """Look whether intake is refused for want of disk space."""
    trouble = Trouble(
        STORAGE_FULL,
        "Disk nearly full, intake refused",
        Severity.CRITICAL,
        "The disk of the data directory is nearly full; senders are told to try again later",
        "Nothing acknowledged is lost, but nothing new is seen. Free space, or shorten store.retention; intake goes on "
        "by itself.",
    )
    return lambda: trouble if full() else None


def rules_failing(error: Callable[[], str]) -> Callable[[], Trouble | None]:
    """Look whether the evaluation of rules fails; `error` returns why, or nothing."""

    def look() -> Trouble | None:
        if not (why := error()):
            return None
        return Trouble(
            RULES_FAILING,
            "Detection rules cannot be evaluated",
            Severity.CRITICAL,
            f"The evaluation of the rules fails: {why}",
            "Events are stored and will be evaluated later, but no attack is noticed now. See the log of Tocsin.",
        )

    return look


def rule_errors(errors: Callable[[], list[str]]) -> Callable[[], Trouble | None]:
    """Look whether rules could not be loaded; `errors` returns why, one line each."""

    def look() -> Trouble | None:
        if not (found := errors()):
            return None
        return Trouble(
            RULE_ERRORS,
            "Rules with errors do not run",
            Severity.MEDIUM,
            f"{len(found)} rules do not run; the first: {found[0]}",
            "The other rules run. `tocsin rules check` names each fault with its file and line.",
        )

    return look
