"""Settings of the rules."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from tocsin.kit.units import Duration


class RulesSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Which rules run, and how often."""

    packs: Annotated[bool, Meta(description="Run the detections that ship with Tocsin.")] = True
    paths: Annotated[
        tuple[str, ...],
        Meta(description="Rule files, or directories searched for `*.yml` and `*.yaml` (Sigma rules)."),
    ] = ()
    disabled: Annotated[
        tuple[str, ...], Meta(description="Ids, names or titles of rules that are loaded but not run.")
    ] = ()
    tick: Annotated[Duration, Meta(description="How often new batches are evaluated.")] = Duration(seconds=1)
    rows_per_tick: Annotated[
        int,
        Meta(description="A backlog is worked off in steps of about this many events, which bounds memory.", ge=1),
    ] = 250_000
    label_sets: Annotated[
        int,
        Meta(
            description="Alerts that one rule may raise per tick; what is beyond goes into one alert labelled "
            '`overflow="true"`, so that a flood cannot make a hundred thousand alerts.',
            ge=1,
        ),
    ] = 500
