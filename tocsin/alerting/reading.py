"""What is there to see: alerts, their history and messages, for the API and the pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tocsin.alerting.grouping import group_key
from tocsin.alerting.stages import with_url
from tocsin.model.alerts import Alert, AlertStatus, Notification
from tocsin.model.errors import NotFound
from tocsin.model.severity import Severity
from tocsin.store.state import alerts, history, outbox, watermarks
from tocsin.store.state.alerts import AlertQuery
from tocsin.store.state.engine import State
from tocsin.store.state.history import Entry
from tocsin.store.state.outbox import Message, MessageQuery, MessageState


@dataclass(frozen=True, slots=True)
class AlertDetail:
    """Everything known of one alert.

    Attributes:
        alert: The alert with its evidence.
        episodes: Its episodes without their evidence, latest first.
        history: Its changes over all episodes, oldest first.
        messages: The messages about it, latest first.
    """

    alert: Alert
    episodes: tuple[Alert, ...]
    history: tuple[Entry, ...]
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there are.

    Attributes:
        alerts: By status and severity; of each alert its latest episode.
        messages: By receiver, kind and state.
        watermarks: Per writer, the last batch whose consequences are stored.
    """

    alerts: Mapping[tuple[AlertStatus, Severity], int]
    messages: Mapping[tuple[str, str, MessageState], int]
    watermarks: Mapping[str, int]


class AlertReader:
    """Reads the state. Calls block.

    Args:
        state: The state database.
        external_url: Base address of the UI, for `Alert.url`; empty if unknown.
    """

    def __init__(self, state: State, external_url: str = "") -> None:
        self._state = state
        self._external_url = external_url.rstrip("/")

    def alerts(self, query: AlertQuery) -> list[Alert]:
        """Alerts without their evidence: firing ones first, then the worst, then the latest changed."""
        with self._state.read() as connection:
            return [with_url(alert, self._external_url) for alert in alerts.find(connection, query)]

    def alert(self, fingerprint: str, episode: int | None = None) -> AlertDetail:
        """One alert: its latest episode, or the one asked for. Raises NotFound."""
        with self._state.read() as connection:
            alert = alerts.get(connection, fingerprint, episode)
            if alert is None:
                raise NotFound(f"there is no alert {fingerprint}" + (f" with episode {episode}" if episode else ""))
            return AlertDetail(
                with_url(alert, self._external_url),
                tuple(with_url(each, self._external_url) for each in alerts.episodes(connection, fingerprint)),
                tuple(history.of(connection, fingerprint)),
                tuple(outbox.find(connection, MessageQuery(group_key=group_key(fingerprint)))),
            )

    def messages(self, query: MessageQuery) -> list[Message]:
        """Messages, latest first."""
        with self._state.read() as connection:
            return outbox.find(connection, query)

    def message(self, id_: int) -> Notification:
        """What a message says. Raises NotFound."""
        with self._state.read() as connection:
            found = outbox.notification(connection, id_)
        if found is None:
            raise NotFound(f"there is no message {id_}")
        return found

    def counts(self) -> Counts:
        """Figures for metrics and the status page."""
        with self._state.read() as connection:
            return Counts(alerts.counts(connection), outbox.counts(connection), watermarks.read(connection))

    def retry(self, id_: int, now: datetime) -> None:
        """Put a message that was given up back into the outbox; the caller wakes the sender. Raises NotFound."""
        with self._state.write() as connection:
            if not outbox.requeue(connection, id_, now):
                raise NotFound(f"there is no message {id_} that was given up")
