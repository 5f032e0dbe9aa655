"""How often a series changed or was reset within the window."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tocsin.query.promql.functions.base import Function, over_time
from tocsin.query.promql.values import Floats, Ranges
from tocsin.query.promql.windows import count_marked


def _changes(windows: Ranges) -> Floats:
    values = windows.values
    differs = (values[1:] != values[:-1]) & ~(np.isnan(values[1:]) & np.isnan(values[:-1]))
    return _between(differs, windows)


def _resets(windows: Ranges) -> Floats:
    return _between(windows.values[1:] < windows.values[:-1], windows)


def _between(marks: object, windows: Ranges) -> Floats:
    padded = np.concatenate([[False], np.asarray(marks, bool)])[: len(windows.values)]
    low = np.minimum(windows.low + 1, windows.high)
    return count_marked(padded, low, windows.high).astype(np.float64)


FUNCTIONS: Mapping[str, Function] = {
    "changes": over_time(_changes),
    "resets": over_time(_resets),
}
