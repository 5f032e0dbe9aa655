"""Where metrics come in: bodies of whole requests or scrapes in, rows of `series` and `samples` out, group-committed.

A `MetricFormat` says how the engine reads a body; nothing in Python looks at a sample. The id of a series is
`sipHash64` over its label pairs, sorted by name, empty values left out, as `Array(Tuple(String, String))`; every format
goes through the same expression (`metrics_committer.py`), so a series has one id however it came.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from tocsin.kit.clock import Clock
from tocsin.model.errors import StorageFull, TocsinError
from tocsin.store.group_commit import GroupCommit
from tocsin.store.settings import WriterSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MetricFormat:
    """How the engine turns bodies of one wire format into series and samples.

    Attributes:
        name: The format's name.
        columns: The temporary table that bodies are read into: column name to type. `delivery UInt32` comes first.
        series: A query over `{staged}`, that table, which yields a row per series: `delivery`,
            `labels Array(Tuple(String, String))` in any order, `samples Array(Tuple(Int64, Float64))` (milliseconds,
            value), `exemplars Array(Tuple(Array(Tuple(String, String)), Int64, Float64))`, `histograms UInt32` (how
            many native ones there are) and `problem String`, which is '' or why the series cannot be used.
        metadata: A query over `{staged}` that yields `name, type, unit, help`, all String.
        proto: A Protobuf schema. The body is one `message` of it; the message must have, besides its own fields, a
            `uint32 delivery = 2047`. If empty, `columns` must be `delivery UInt32, received Int64,
            labels Map(String, String), body String`.
        message: The name of the message.
    """

    name: str
    columns: Mapping[str, str]
    series: str
    metadata: str
    proto: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class MetricDelivery:
    """One sender's or target's body, decompressed and not looked into.

    Attributes:
        format: How to read it.
        payload: The body.
        received: When it arrived; for a scrape, the time of samples that have none.
        labels: For a scrape, the target's labels.
    """

    format: MetricFormat
    payload: bytes
    received: datetime
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MetricReceipt:
    """What became of a delivery; what is counted here is on disk.

    Attributes:
        samples: Samples stored.
        exemplars: Exemplars stored.
        problems: One sentence for each kind of thing in it that was not stored.
    """

    samples: int = 0
    exemplars: int = 0
    problems: tuple[str, ...] = ()


class MetricIntake(Protocol):
    """Where receivers and the scraper hand over what they got."""

    async def submit(self, delivery: MetricDelivery) -> MetricReceipt:
        """Store a delivery and return once it is on disk.

        Raises:
            InvalidInput: The body is not of its format; nothing was kept.
            Overloaded, StorageFull: Nothing was kept; the same delivery may be taken later.
            StoreFailed: The engine failed; nothing was acknowledged.
        """
        ...


class MetricCommitter(Protocol):
    """Stores a batch: `metrics_committer.Committer`."""

    def commit(self, deliveries: Sequence[MetricDelivery], now: datetime) -> Sequence[MetricReceipt]:
        """Store all of `deliveries`, or raise. When this returns, all of it is on disk."""
        ...


class MetricsWriter:
    """The `MetricIntake` of one process.

    Args:
        committer: Stores batches.
        settings: Sizes and times of batches.
        clock: Tells what is too old and what lies in the future.
        admit: Raises StorageFull when the disk is nearly full; called for each delivery.
    """

    def __init__(
        self,
        committer: MetricCommitter,
        settings: WriterSettings,
        clock: Clock,
        admit: Callable[[], None] = lambda: None,
    ) -> None:
        self._committer = committer
        self._clock = clock
        self._admit = admit
        self._group = GroupCommit[MetricDelivery, MetricReceipt](
            "tocsin-metrics-writer", self._commit, lambda delivery: len(delivery.payload), settings
        )

    @property
    def waiting(self) -> tuple[int, int]:
        """Deliveries and bytes in the queue."""
        return self._group.waiting

    def start(self) -> None:
        """Begin to take deliveries."""
        self._group.start()

    def stop(self) -> None:
        """Take no more deliveries, commit those that wait, and end. Blocks."""
        self._group.stop()

    async def submit(self, delivery: MetricDelivery) -> MetricReceipt:
        """See `MetricIntake.submit`."""
        self._admit()
        return await self._group.submit(delivery)

    def _commit(self, deliveries: Sequence[MetricDelivery]) -> Sequence[MetricReceipt | TocsinError]:
        """Commit all at once; if that fails, by halves, so that the delivery that is at fault fails alone."""
        try:
            return self._committer.commit(deliveries, self._clock.now())
        except StorageFull as error:
            return [error] * len(deliveries)
        except TocsinError as error:
            if len(deliveries) == 1:
                log.warning("metrics could not be stored: %s", error, extra={"format": deliveries[0].format.name})
                return [error]
            middle = len(deliveries) // 2
            return [*self._commit(deliveries[:middle]), *self._commit(deliveries[middle:])]


def limits(now: datetime, retention: timedelta, ahead: timedelta) -> tuple[int, int]:
    """Return the oldest and newest acceptable time of a sample, in milliseconds since 1970."""
    oldest = max(0, int((now - retention).timestamp() * 1000)) if retention else 0
    return oldest, int((now + ahead).timestamp() * 1000)
