"""The φ-quantile as Prometheus defines it: interpolated between the two nearest ranks."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from tocsin.query.promql.values import Floats, Integers, number_text


class _Notes(Protocol):
    def warn(self, message: str) -> None: ...


def check_quantile(wanted: Floats, notes: _Notes) -> None:
    """Warn of a φ outside of 0 to 1."""
    for phi in np.unique(wanted[np.isnan(wanted) | (wanted < 0) | (wanted > 1)]).tolist():
        notes.warn(f"quantile value should be between 0 and 1, got {number_text(phi)}")


def quantile_of_sorted(phi: Floats, values: Floats, starts: Integers, counts: Integers) -> Floats:
    """The quantile of each of several groups that lie sorted behind each other.

    Args:
        phi: One a group.
        values: All groups' values, each group ascending.
        starts: Where each group begins.
        counts: How many values each has, none 0.
    """
    rank = np.clip(np.nan_to_num(phi), 0, 1) * (counts - 1)
    lower = np.floor(rank).astype(np.int64)
    upper = np.minimum(lower + 1, counts - 1)
    weight = rank - lower
    below, above = values[starts + lower], values[starts + upper]
    with np.errstate(all="ignore"):
        found = below * (1 - weight) + above * weight
    return outside(phi, found)


def outside(phi: Floats, found: Floats) -> Floats:
    """Infinities and NaN for a φ outside of 0 to 1."""
    found = np.where(phi < 0, -np.inf, np.where(phi > 1, np.inf, found))
    return np.where(np.isnan(phi), np.nan, found)
