"""All functions by name; a new one is a line in its family's module, a new family is a line here."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.query.promql.functions import (
    absence,
    changes,
    clamping,
    dates,
    histograms,
    labels,
    maths,
    over_time,
    rates,
    regression,
    scalars,
    smoothing,
    sorting,
)
from tocsin.query.promql.functions.base import Function

FUNCTIONS: Mapping[str, Function] = {
    **absence.FUNCTIONS,
    **changes.FUNCTIONS,
    **clamping.FUNCTIONS,
    **dates.FUNCTIONS,
    **histograms.FUNCTIONS,
    **labels.FUNCTIONS,
    **maths.FUNCTIONS,
    **over_time.FUNCTIONS,
    **rates.FUNCTIONS,
    **regression.FUNCTIONS,
    **scalars.FUNCTIONS,
    **smoothing.FUNCTIONS,
    **sorting.FUNCTIONS,
}
