"""Settings of alerting: which alerts go to whom, and how stubbornly messages are delivered."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from tocsin.kit.units import Duration
from tocsin.model.severity import Severity


class Route(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Which alerts go to which receivers. The first route that fits an alert takes it, unless it says `continue`."""

    receivers: Annotated[list[str], Meta(description="Names of receivers.", min_length=1)]
    match: Annotated[
        dict[str, str],
        Meta(
            description="Labels that the alert must have, all of them: a value, `~` and a regular expression that fits "
            "the whole value, or either after `!` to turn it round: `{namespace: prod, user: '!~system:.*'}`."
        ),
    ] = {}
    severity: Annotated[Severity | None, Meta(description="Only alerts as bad as this, or worse.")] = None
    repeat: Annotated[
        Duration | None, Meta(description="Tell again of an alert that still fires; `alerting.repeat` by default.")
    ] = None
    send_resolved: Annotated[
        bool | None, Meta(description="Tell when the alert is over; as each destination is set by default.")
    ] = None
    continue_: Annotated[bool, Meta(description="Let the routes below take the alert too.")] = msgspec.field(
        default=False, name="continue"
    )


class DeliverySettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """How messages are delivered."""

    timeout: Annotated[Duration, Meta(description="How long a destination may take to answer.")] = Duration(seconds=30)
    first_retry: Annotated[Duration, Meta(description="Wait before the second attempt; it doubles from there.")] = (
        Duration(seconds=1)
    )
    longest_retry: Annotated[
        Duration, Meta(description="Longest wait between attempts, unless the destination asks for longer.")
    ] = Duration(minutes=5)
    alert_after: Annotated[
        Duration, Meta(description="A message that is not delivered after this is itself an alert.")
    ] = Duration(minutes=5)
    give_up_after: Annotated[
        Duration, Meta(description="A message that is not delivered after this is given up; it stays listed.")
    ] = Duration(days=1)
    poll: Annotated[
        Duration, Meta(description="How often to look for messages that other replicas left; our own are sent at once.")
    ] = Duration(seconds=5)
    digest_above: Annotated[
        int, Meta(description="More waiting messages than this for one destination become one digest.", ge=2)
    ] = 100

    def __post_init__(self) -> None:
        for name in ("timeout", "first_retry", "longest_retry", "give_up_after", "poll"):
            if not getattr(self, name):
                raise ValueError(f"{name} must be longer than 0, such as 5s")


class AlertingSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Which alerts go to whom."""

    routes: Annotated[
        list[Route],
        Meta(
            description="Tried from top to bottom. Without any, every receiver is told of all alerts of severity low "
            "or worse. With some, an alert that none fits is told to nobody; it is still listed."
        ),
    ] = []
    repeat: Annotated[Duration, Meta(description="Tell again of an alert that still fires after this.")] = Duration(
        hours=4
    )
    delivery: Annotated[DeliverySettings, Meta(description="How messages are delivered.")] = DeliverySettings()
    keep: Annotated[
        Duration, Meta(description="Alerts that are over, their history and messages are forgotten after this.")
    ] = Duration(days=400)
