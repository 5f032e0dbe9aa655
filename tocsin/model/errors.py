"""The error tree. Every error says what went wrong and where; `api/errors.py` maps each to one HTTP status.

TocsinError
├── InvalidInput           the sender's data or query is wrong: correct it, do not repeat it      400
│   ├── TooLarge           over a size limit                                                      413
│   ├── UnsupportedFormat  a content type or encoding that this place does not read               415
│   └── BudgetExceeded     a query went over its memory, row or time budget: narrow it            422
├── Unauthenticated        no valid credential                                                    401
├── Forbidden              the credential's role does not allow it                                403
├── NotFound               no such alert, receiver, rule...                                       404
├── Conflict               what is there is not in a state in which this can be done              409
├── TryLater               nothing was kept; the same request may succeed after `retry_after`     503
│   ├── Overloaded         the intake queue is full                                               429
│   └── StorageFull        the disk is nearly full                                                507
├── StoreFailed            the engine failed for a reason of its own                              500
├── SettingsError          a settings or rule file is wrong at a known place                      400
│   └── RuleError          the same, in a rule
└── DeliveryFailed         a notification was not taken; `retry` says whether to try again        502
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file a person can open. `line` and `column` count from 1; 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")


class TocsinError(Exception):
    """Base of every error that we raise on purpose. `str(error)` is a sentence for the user, free of secrets."""


class InvalidInput(TocsinError):
    """The sender's data or query is wrong."""


class TooLarge(InvalidInput):
    """Over a size limit; the message names the limit and the setting that changes it."""


class UnsupportedFormat(InvalidInput):
    """A content type or encoding that this place does not read."""


class BudgetExceeded(InvalidInput):
    """A query went over its memory, row or time budget; the server is unharmed."""


class Unauthenticated(TocsinError):
    """No valid credential was given."""


class Forbidden(TocsinError):
    """The credential's role does not allow the action."""


class NotFound(TocsinError):
    """What was asked for does not exist."""


class Conflict(TocsinError):
    """What is there is not in a state in which this can be done."""


class TryLater(TocsinError):
    """Nothing was kept; the same request may succeed later.

    Args:
        message: The sentence for the user.
        retry_after: Seconds after which to try again.
    """

    def __init__(self, message: str, retry_after: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Overloaded(TryLater):
    """The intake queue is full."""


class StorageFull(TryLater):
    """The disk that holds the data is nearly full."""


class StoreFailed(TocsinError):
    """The engine failed for a reason of its own; the message is the engine's, shortened."""


class SettingsError(TocsinError):
    """A settings file is wrong at a known place.

    Args:
        message: What was found and what was expected.
        location: Where.
        key: The dotted path of the key, such as `receivers[0].slack.url`; empty if none applies.
    """

    def __init__(self, message: str, location: Location | None = None, key: str = "") -> None:
        self.message = message
        self.location = location
        self.key = key
        where = f"{location}: " if location else ""
        super().__init__(f"{where}{key + ': ' if key else ''}{message}")


class RuleError(SettingsError):
    """A rule is wrong at a known place; the other rules still run."""


class DeliveryFailed(TocsinError):
    """A destination did not take a notification.

    Args:
        message: What the destination answered, without secrets.
        retry: True if the same message may be taken later.
        reason: A word for metrics: `timeout`, `connection`, `rate_limited`, `server`, `client`, `auth`, `invalid`.
        retry_after: Seconds the destination asked us to wait, if it did.
    """

    def __init__(self, message: str, *, retry: bool, reason: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry = retry
        self.reason = reason
        self.retry_after = retry_after
