"""Follows log files as they grow and hands what is new to the intake, at least once and, by tokens, only once.

Where a delivery ends is written down before it is handed over. After a crash exactly the same bytes are handed over
again under the same token, so the store knows whether it has them.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.intake.collectors.followed import Followed
from tocsin.intake.collectors.pieces import RECORD_BYTES, read_exactly, take
from tocsin.intake.collectors.positions import Positions
from tocsin.intake.collectors.readers import CompressedReader, Reader
from tocsin.intake.collectors.watching import Watch
from tocsin.intake.settings import FileSettings
from tocsin.kit.backoff import Backoff
from tocsin.kit.clock import Clock
from tocsin.model.errors import InvalidInput, TocsinError, TryLater
from tocsin.store.base import Delivery, Intake

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.5
_ROUND_BYTES = 32 << 20
_ROUND_FILES = 1_000
_SAMPLE = 64 << 10
_PATIENCE = 5.0
"""Seconds that a record waits for its missing pieces."""
GONE_WAIT = 60.0
"""Seconds that a file is read on after its path went: programs write to a renamed log until they are told."""
_BACKOFF = Backoff(first=0.5, cap=30.0)


@dataclass(frozen=True, slots=True)
class Poll:
    """What one look at the files brought.

    Attributes:
        accepted: Deliveries that are on disk now.
        refused: Deliveries that wait to be handed over again.
        more: There is more to read at once.
    """

    accepted: int
    refused: int
    more: bool


@dataclass(slots=True)
class _Waiting:
    """A delivery that was not accepted yet. `again`: monotonic time before which it is not handed over again."""

    file: Followed
    delivery: Delivery
    end: int
    failures: int = 0
    again: float = 0.0


class FileCollector:
    """Follows the files of some groups.

    Args:
        groups: What to follow.
        intake: Where it goes.
        positions: Where it is kept how far files were read.
        clock: For arrival times and waiting.
        cluster: The cluster's name, unless a group says.
    """

    def __init__(
        self, groups: Sequence[FileSettings], intake: Intake, positions: Positions, clock: Clock, *, cluster: str = ""
    ) -> None:
        self._groups = groups
        self._intake = intake
        self._positions = positions
        self._clock = clock
        self._cluster = cluster
        self._watch: Watch | None = None
        self._waiting: dict[int, _Waiting] = {}
        self._turn = 0
        self._more = False
        self._unsaved = False

    @property
    def followed(self) -> int:
        """Files that are followed."""
        return len(self._watch.files) if self._watch else 0

    @property
    def unread(self) -> int:
        """Bytes in them that were not accepted yet (compressed files not counted)."""
        return sum(file.unread for file in list(self._watch.files.values())) if self._watch else 0

    @property
    def troubled(self) -> int:
        """Files that cannot be read."""
        return self._watch.troubled if self._watch else 0

    async def run(self) -> None:
        """Follow the files until cancelled; returns at once if there is nothing to follow."""
        if not self._groups:
            return
        while True:
            began = self._clock.monotonic()
            poll = await self.poll_once()
            if poll.more:
                await self._clock.sleep(0)
            else:
                # With very many files a look takes long; a tenth of one core is what it may cost.
                await self._clock.sleep(max(_POLL_SECONDS, 9 * (self._clock.monotonic() - began)))

    async def poll_once(self) -> Poll:
        """Look at all files once, hand over what is new, and return what came of it."""
        await asyncio.to_thread(self._prepare)
        now = self._clock.monotonic()
        due = [waiting for waiting in self._waiting.values() if waiting.again <= now]
        accepted = sum(await asyncio.gather(*(self._hand_over(waiting) for waiting in due)))
        if accepted and not self._more:
            await asyncio.to_thread(self._save)
        return Poll(accepted, len(self._waiting), self._more and accepted > 0)

    def _prepare(self) -> None:
        if self._watch is None:
            self._watch = Watch(self._groups, self._positions.load())
        now, at = self._clock.monotonic(), self._clock.now().timestamp()
        self._watch.look(now, at)
        self._plan(self._watch, now, at)
        if self._unsaved:
            self._save()

    def _plan(self, watch: Watch, now: float, at: float) -> None:
        """Take the next piece of each file that has one, in turn, up to what one round may hold in memory."""
        files = list(watch.files.values())
        self._turn %= max(1, len(files))
        room = _ROUND_BYTES - sum(len(waiting.delivery.payload) for waiting in self._waiting.values())
        self._more = False
        for number, file in enumerate(files[self._turn :] + files[: self._turn]):
            if id(file) in self._waiting:
                continue
            if room <= 0 or len(self._waiting) >= _ROUND_FILES:
                self._turn += number
                self._more = True
                return
            if not file.finished:
                with watch.guarded(file.path):
                    room -= len(self._next(file, now))
            if file.gone and now - file.moved > GONE_WAIT and id(file) not in self._waiting:
                watch.drop(file, at)
                self._unsaved = True

    def _next(self, file: Followed, now: float) -> bytes:
        """Take the file's next piece, make a delivery of it, and return its bytes; b"" if there is none yet."""
        patient = file.held_since is None or now - file.held_since < _PATIENCE
        last = file.gone and now - file.moved > GONE_WAIT
        if file.stuck == file.size and patient and not last:
            return b""  # As it was when nothing could be taken.
        reader = file.open()
        if reader is None:
            return b""
        payload = self._left_over(file, reader)
        if not payload:
            try:
                payload = self._fresh(file, reader, now, last=last, patient=patient)
            except InvalidInput:
                file.finished = True  # What comes after damage cannot be read, now or later.
                file.close()
                raise
        if payload.strip():
            self._enqueue(file, payload)
        else:
            file.offset += len(payload)  # Blank lines.
            file.pending = file.offset
        return payload

    def _left_over(self, file: Followed, reader: Reader) -> bytes:
        """Return what a former process was handing over, if it did not learn what became of it."""
        if file.pending <= file.offset:
            return b""
        return read_exactly(reader, file.offset, min(file.pending, file.offset + 2 * RECORD_BYTES))

    def _fresh(self, file: Followed, reader: Reader, now: float, *, last: bool, patient: bool) -> bytes:
        name = file.row_format.name if file.row_format else ""
        piece = take(reader, file.offset, name, last=last, patient=patient)
        if piece.payload and file.row_format is None:
            name = file.find_format(reader.read(0, _SAMPLE) if file.offset else piece.payload).name
            piece = take(reader, file.offset, name, last=last, patient=patient)
        self._more |= not piece.at_end
        if piece.at_end and not piece.payload and isinstance(reader, CompressedReader) and reader.ended:
            # Nothing more will come, so a last line needs no end.
            piece = take(reader, file.offset, name, last=True, patient=False)
            file.finished = not piece.payload
            self._unsaved = True
        file.stuck = file.size if piece.at_end and not piece.payload else -1
        file.held_since = (file.held_since or now) if piece.held else None
        return piece.payload

    def _enqueue(self, file: Followed, payload: bytes) -> None:
        file.pending = file.offset + len(payload)
        delivery = Delivery(
            format=file.find_format(payload),
            payload=payload,
            received=self._clock.now(),
            context=file.context(self._cluster),
            token=f"file:{file.origin}:{file.offset}:{file.pending}:{zlib.crc32(payload):08x}",
        )
        self._waiting[id(file)] = _Waiting(file, delivery, file.pending)
        self._unsaved = True

    async def _hand_over(self, waiting: _Waiting) -> int:
        """Submit a delivery; 1 if it is on disk now, else 0, and it will be tried again."""
        try:
            await self._intake.submit(waiting.delivery)
        except TocsinError as error:
            waiting.failures += 1
            asked = error.retry_after if isinstance(error, TryLater) else None
            waiting.again = self._clock.monotonic() + _BACKOFF.delay(waiting.failures, asked)
            log.log(
                logging.DEBUG if isinstance(error, TryLater) else logging.ERROR,
                "what a file brought was not taken; it is kept and tried again",
                extra={"path": waiting.file.path, "failures": waiting.failures, "reason": str(error)},
            )
            return 0
        del self._waiting[id(waiting.file)]
        waiting.file.offset = waiting.end
        self._unsaved = True
        return 1

    def _save(self) -> None:
        if self._watch is None:
            return
        at = self._clock.now().timestamp()
        self._positions.save([*self._watch.remembered(), *(file.position(at) for file in self._watch.files.values())])
        self._unsaved = False
