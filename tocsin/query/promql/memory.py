"""Samples in memory: for test scripts, and for rules' unit tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tocsin.model.labels import Labels
from tocsin.model.matchers import Matcher, match_all
from tocsin.query.promql.source import Selected
from tocsin.query.promql.values import Floats, Integers, key


class MemorySource:
    """A SampleSource that holds all samples in arrays."""

    def __init__(self) -> None:
        self._series: dict[frozenset[tuple[str, str]], tuple[Labels, Integers, Floats]] = {}

    def add(self, labels: Labels, times: Integers, values: Floats) -> None:
        """Add samples of one series; of two at the same time the later one added counts."""
        kept = {name: value for name, value in labels.items() if value}
        identity = key(kept)
        if identity in self._series:
            _, old_times, old_values = self._series[identity]
            times, values = np.concatenate([old_times, times]), np.concatenate([old_values, values])
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
        last = np.append(times[1:] != times[:-1], True)[: len(times)]
        self._series[identity] = (kept, times[last], values[last])

    def clear(self) -> None:
        """Forget all samples."""
        self._series.clear()

    def select(self, matchers: Sequence[Matcher], start: int, end: int) -> Selected:
        """See `SampleSource.select`."""
        labels, times, values, counts = [], [np.empty(0, np.int64)], [np.empty(0)], [0]
        for own, series_times, series_values in self._series.values():
            low, high = np.searchsorted(series_times, (start, end), "right").tolist()
            if low < high and match_all(matchers, own):
                labels.append(own)
                times.append(series_times[low:high])
                values.append(series_values[low:high])
                counts.append(high - low)
        return Selected(labels, np.cumsum(counts), np.concatenate(times), np.concatenate(values))
