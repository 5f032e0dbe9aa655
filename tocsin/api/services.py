"""What the API's functions need of a running Tocsin; `app/wiring.py` builds it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from prometheus_client import CollectorRegistry

from tocsin.alerting.destinations import Receivers
from tocsin.alerting.routing import Routing
from tocsin.api.auth import Authenticator
from tocsin.api.work import Workers
from tocsin.kit.clock import Clock
from tocsin.model.errors import RuleError
from tocsin.rules.kinds.base import Rule
from tocsin.store.base import Budget, Columns
from tocsin.store.state.engine import State


class Book(Protocol):
    """The rules that run, and what is wrong with the others."""

    @property
    def rules(self) -> Sequence[Rule]:
        """Rules that look at one event at a time."""
        ...

    @property
    def correlations(self) -> Sequence[Rule]:
        """Rules over the matches of others."""
        ...

    @property
    def errors(self) -> Sequence[RuleError]:
        """Why the others do not run."""
        ...


@dataclass(frozen=True, slots=True)
class Life:
    """How the process is doing.

    Attributes:
        unready: Reasons why requests cannot be served yet, or no more; empty when ready.
        details: More facts for `status`: lag, queue, disk...; JSON values.
        reload: Reads the settings and rules again and returns what changed, one line each. Raises SettingsError, and
            keeps the old ones, if the new ones are wrong.
    """

    unready: Callable[[], Sequence[str]]
    details: Callable[[], Mapping[str, Any]]
    reload: Callable[[], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Services:
    """Everything at hand.

    Attributes:
        columns, state: The stores; calls go through `workers`, as they block.
        clock: The time.
        workers: Threads for calls that block.
        authenticator: Who asks.
        book: The rules as they are now.
        receivers: The receivers as they are now, each with its destinations.
        routing: Which alert goes to which of them.
        life: How the process is doing.
        registry: Our own metrics.
        budget: What one query of a user may use.
        max_rows: Rows that one request may ask for.
        runbooks: Directories of runbooks, searched in order.
        external_url: Base address of the UI without a trailing slash; empty if unknown.
        wake: Tells the sender that there is something in the outbox; may be called from any thread.
    """

    columns: Columns
    state: State
    clock: Clock
    workers: Workers
    authenticator: Authenticator
    book: Callable[[], Book]
    receivers: Callable[[], Receivers]
    routing: Callable[[], Routing]
    life: Life
    registry: CollectorRegistry
    budget: Budget
    max_rows: int
    runbooks: Sequence[Path]
    external_url: str
    wake: Callable[[], None] = lambda: None
