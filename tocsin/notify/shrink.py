"""Making a message fit by telling less, in steps, never by dropping it.

A destination renders at a given `Detail`; the richest rendering that fits its limits is sent. First the evidence and
the texts get shorter for all alerts, then fewer alerts are told with the number of the others. At the last step only
one alert's title, severity and link remain, which fits anywhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from tocsin.model.alerts import EVIDENCE_LIMIT

Rendering = TypeVar("Rendering")


@dataclass(frozen=True, slots=True)
class Detail:
    """How much to tell.

    Attributes:
        alerts: How many alerts, from the worst on.
        evidence: Events per alert.
        text: Characters of any one text.
        facts: How many labels, technique ids and other lesser facts per alert.
    """

    alerts: int
    evidence: int
    text: int
    facts: int


STEPS = (
    Detail(alerts=1, evidence=EVIDENCE_LIMIT, text=2500, facts=50),
    Detail(alerts=1, evidence=EVIDENCE_LIMIT, text=1000, facts=30),
    Detail(alerts=1, evidence=10, text=500, facts=20),
    Detail(alerts=1, evidence=5, text=300, facts=15),
    Detail(alerts=1, evidence=3, text=200, facts=10),
    Detail(alerts=1, evidence=1, text=150, facts=5),
    Detail(alerts=1, evidence=0, text=100, facts=3),
)
"""From richest to poorest, for as many alerts as there are (`alerts` is replaced)."""

LEAST = Detail(alerts=1, evidence=0, text=60, facts=0)
"""What is always told."""


MOST_ALERTS = 50
"""Alerts that a message for people tells at most; the others are counted, and one click away."""

EVENTS_LIMIT = 1000
"""Events of all alerts together; rendering more of them to find that they do not fit would take too long."""


class DoesNotFit(Exception):
    """Even the least does not fit: the limit is below what a message needs, which is a mistake in our code."""


def richest(
    render: Callable[[Detail], Rendering],
    fits: Callable[[Rendering], bool],
    alerts: int,
    most: int = MOST_ALERTS,
    steps: Sequence[Detail] = STEPS,
) -> Rendering:
    """Return the richest rendering that fits.

    Args:
        render: Renders at a detail.
        fits: Whether a rendering is within the destination's limits.
        alerts: How many alerts the message has.
        most: The most alerts to tell at all.
        steps: From richest to poorest.

    Raises:
        DoesNotFit: The rendering at `LEAST` is over the limits.
    """
    shown = min(alerts, most)
    for step in steps:
        if shown * step.evidence > EVENTS_LIMIT:
            continue
        rendering = render(replace(step, alerts=shown))
        if fits(rendering):
            return rendering
    return _fewer_alerts(render, fits, shown, steps[-1])


def _fewer_alerts(
    render: Callable[[Detail], Rendering], fits: Callable[[Rendering], bool], shown: int, poorest: Detail
) -> Rendering:
    fitting = bisect_left(range(1, shown), True, key=lambda count: not fits(render(replace(poorest, alerts=count))))
    rendering = render(replace(poorest, alerts=fitting) if fitting else LEAST)
    if not fits(rendering):
        raise DoesNotFit
    return rendering
