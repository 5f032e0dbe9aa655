"""The loop that lets rules see what was committed: at each tick, the batches after the watermark, then on to alerts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

from tocsin.kit.clock import Clock
from tocsin.model.alerts import Tick

log = logging.getLogger(__name__)

_REST_AT_LEAST, _REST_AT_MOST = 0.5, 2.0

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Heads:
    """How far the next evaluation goes.

    Attributes:
        upto: Per writer with something new, the last batch of the evaluation.
        all: False if there is more, which is to be evaluated without waiting for the next tick.
    """

    upto: Mapping[str, int]
    all: bool = True


class Evaluate(Protocol):
    """`rules.detector.Detector.evaluate`."""

    def __call__(self, after: Mapping[str, int], upto: Mapping[str, int], now: datetime) -> Tick:
        """Evaluate all stream rules over the batches in `(after, upto]` of each writer."""
        ...


@dataclass(frozen=True, slots=True)
class Seams:
    """What the loop is connected to. All but `evaluated` block and are called in a worker thread.

    Attributes:
        heads: How far to go, given how far rules have come per writer.
        watermarks: Last batch that rules have seen and alerts know of, per writer; read once, at the start.
        evaluate: The rules, as they are now.
        accept: Takes a tick; stores alerts, messages and watermarks in one transaction. False if another replica was
            faster, and nothing was stored.
        evaluated: Told of each tick and its seconds.
        wake: Called after a tick with signals: messages may be due.
    """

    heads: Callable[[Mapping[str, int]], Heads]
    watermarks: Callable[[], Mapping[str, int]]
    evaluate: Callable[[], Evaluate]
    accept: Callable[[Tick], bool]
    evaluated: Callable[[Tick, float], None]
    wake: Callable[[], None]


class DetectionLoop:
    """Runs the stream rules.

    Args:
        seams: What it is connected to.
        clock: Time.
        tick: Seconds between looks.
    """

    def __init__(self, seams: Seams, clock: Clock, tick: float) -> None:
        self._seams = seams
        self._clock = clock
        self._tick = tick
        self._seen: dict[str, int] = {}
        # One thread, so that the engine keeps one session for it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tocsin-rules")

    @property
    def seen(self) -> Mapping[str, int]:
        """Per writer, the last batch that rules have seen."""
        return self._seen

    async def run(self) -> None:
        """Look at each tick, until cancelled. Started again after a failure, it goes on from the stored state."""
        self._seen = dict(await self._in_thread(self._seams.watermarks))
        while True:
            began = self._clock.monotonic()
            everything = await self.once()
            took = self._clock.monotonic() - began
            # Under heavy load evaluation leaves time to intake, the more the longer it takes, and does more at once:
            # most of its cost is the same for one event and for thousands.
            rest = took * min(max(took, _REST_AT_LEAST), _REST_AT_MOST)
            await self._clock.sleep(max(rest, self._tick - took) if everything else rest / 3)

    async def once(self) -> bool:
        """Evaluate what is new, if anything is. Returns False if there is more to evaluate at once."""
        heads = await self._in_thread(self._seams.heads, self._seen)
        if heads.upto:
            tick, seconds = await self._in_thread(self._evaluate, heads.upto)
            self._seams.evaluated(tick, seconds)
            if tick.signals:
                self._seams.wake()
        return heads.all

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(work, *args, **kwargs))

    def _evaluate(self, upto: Mapping[str, int]) -> tuple[Tick, float]:
        began = self._clock.monotonic()
        tick = self._seams.evaluate()(self._seen, upto, self._clock.now())
        if self._seams.accept(tick):
            self._seen.update(tick.watermarks)
        else:
            self._seen = dict(self._seams.watermarks())
        return tick, self._clock.monotonic() - began
