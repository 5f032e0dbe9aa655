"""The table of destinations, and receivers: named sets of destinations, as the settings give them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar

import httpx
import msgspec
from msgspec import Meta

from tocsin.model.errors import SettingsError
from tocsin.notify.base import Notifier
from tocsin.notify.email import EmailNotifier, EmailSettings
from tocsin.notify.guard import Guard
from tocsin.notify.pagerduty import PagerDutyNotifier, PagerDutySettings
from tocsin.notify.secrets import Secret
from tocsin.notify.slack import SlackNotifier, SlackSettings
from tocsin.notify.teams import TeamsNotifier, TeamsSettings
from tocsin.notify.webhook import WebhookNotifier, WebhookSettings

Settings = TypeVar("Settings", bound="DestinationSettings")


class DestinationSettings(Protocol):
    """What the settings of every destination have."""

    @property
    def send_resolved(self) -> bool:
        """Whether the destination hears of resolutions; the defaults are Alertmanager's."""
        ...

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Its secrets, to be checked before the first message."""
        ...

    @property
    def urls(self) -> Mapping[str, str]:
        """HTTP addresses that are not secrets, by key, for the guard."""
        ...


@dataclass(frozen=True, slots=True)
class Destination:
    """One kind of destination.

    Attributes:
        settings: The type of its settings.
        make: Builds the notifier; raises SettingsError, whose key is the field's name.
    """

    settings: type[Any]
    make: Callable[[Any, httpx.AsyncClient], Notifier]


def _destination(settings: type[Settings], make: Callable[[Settings, httpx.AsyncClient], Notifier]) -> Destination:
    """A table line whose two halves fit together, which the type checker sees here."""
    return Destination(settings, make)


DESTINATIONS: Mapping[str, Destination] = {
    "email": _destination(EmailSettings, EmailNotifier),
    "slack": _destination(SlackSettings, SlackNotifier),
    "teams": _destination(TeamsSettings, TeamsNotifier),
    "pagerduty": _destination(PagerDutySettings, PagerDutyNotifier),
    "webhook": _destination(WebhookSettings, WebhookNotifier),
}
"""Kind to destination; `Receiver` has a field of the same name."""


class Receiver(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A name that routes send to, and the destinations behind it: one or a list of each kind."""

    name: Annotated[str, Meta(min_length=1, description="Name that routes use.")]
    email: Annotated[
        EmailSettings | tuple[EmailSettings, ...] | None, Meta(description="Mail through an SMTP server.")
    ] = None
    slack: Annotated[SlackSettings | tuple[SlackSettings, ...] | None, Meta(description="Slack channels.")] = None
    teams: Annotated[
        TeamsSettings | tuple[TeamsSettings, ...] | None, Meta(description="Microsoft Teams channels or chats.")
    ] = None
    pagerduty: Annotated[
        PagerDutySettings | tuple[PagerDutySettings, ...] | None, Meta(description="PagerDuty services.")
    ] = None
    webhook: Annotated[
        WebhookSettings | tuple[WebhookSettings, ...] | None,
        Meta(description="HTTP endpoints that take Alertmanager's webhook payload."),
    ] = None

    def __post_init__(self) -> None:
        if not any(True for _ in self.destinations()):
            raise ValueError(f"receiver {self.name!r} has no destination; give one of {', '.join(DESTINATIONS)}")

    def destinations(self) -> Iterator[tuple[str, str, DestinationSettings]]:
        """Yield kind, path within the receiver (`slack`, `email[1]`) and settings of each destination."""
        for kind in DESTINATIONS:
            given = getattr(self, kind)
            if isinstance(given, tuple):
                yield from ((kind, f"{kind}[{number}]", each) for number, each in enumerate(given))
            elif given is not None:
                yield kind, kind, given


def make_receiver(
    settings: Receiver, http: httpx.AsyncClient, guard: Guard | None = None, key: str = ""
) -> Sequence[tuple[str, Notifier]]:
    """Build a receiver's notifiers, having read each secret file once.

    Args:
        settings: The receiver.
        http: The client for all HTTP destinations; `guard.guarded_client` makes it.
        guard: Which addresses are refused already here; by default no loopback or link-local ones.
        key: The receiver's own path in the settings, such as `receivers[0]`, for errors.

    Returns:
        Kind and notifier of each destination, in the table's order.

    Raises:
        SettingsError: A secret's or certificate's file cannot be read, or an address is refused; its key names the
            setting.
    """
    prefix = f"{key}." if key else ""
    return [
        (kind, _make(kind, each, http, guard or Guard(), f"{prefix}{path}"))
        for kind, path, each in settings.destinations()
    ]


def _make(kind: str, settings: DestinationSettings, http: httpx.AsyncClient, guard: Guard, path: str) -> Notifier:
    try:
        for secret in settings.secrets:
            value = secret.check()
            if secret.address and value:
                guard.check_url(value, secret.key)
        for name, url in settings.urls.items():
            guard.check_url(url, name)
        return DESTINATIONS[kind].make(settings, http)
    except SettingsError as error:
        raise SettingsError(error.message, key=f"{path}.{error.key}") from None
