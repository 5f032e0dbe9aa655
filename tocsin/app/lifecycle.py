"""Starts a Tocsin, keeps it going, reloads it, and stops it without losing anything."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from tocsin import __version__
from tocsin.alerting.retention import forget
from tocsin.api.auth import check_exposure
from tocsin.api.http import LimitedHttp
from tocsin.app import wiring
from tocsin.app.reload import changes
from tocsin.app.settings import Settings, check_listen, load
from tocsin.app.wiring import Tocsin
from tocsin.kit.clock import Clock, SystemClock
from tocsin.kit.logs import configure
from tocsin.kit.tasks import supervise
from tocsin.model.alerts import Tick
from tocsin.model.errors import SettingsError, TocsinError
from tocsin.rules.loading import load as load_rules
from tocsin.store.columns.residence import shed_start_up_code
from tocsin.store.lock import hold
from tocsin.web.pages import mount

log = logging.getLogger(__name__)

_SWEEP = 1.0
_WATCH = 5.0
_TIDY = 86400.0
_GRACE = 10


class Process:
    """One running Tocsin.

    Args:
        path: The settings file, or None.
        overrides: `data` and `listen` from the command line.
        clock: The time.
    """

    def __init__(self, path: Path | None, overrides: Mapping[str, str | None], clock: Clock) -> None:
        self._path = path
        self._overrides = overrides
        self._clock = clock
        self._unready = ["starting"]
        settings = load(path, overrides)
        configure(settings.log_level, settings.log_format)
        check_exposure(settings.listen, settings.auth)
        self._socket = _listen(settings.listen)
        self._lock = hold(Path(settings.data))
        base = path.parent if path else Path()
        self.parts: Tocsin = wiring.build(
            settings, clock, base, self.reload, lambda: self._unready, lifespan=self._life
        )
        mount(self.parts.app, self.parts.services)
        self._tasks: list[asyncio.Task[None]] = []
        self._ending = False

    async def serve(self) -> None:
        """Serve until a signal says stop."""
        server = _Server(
            uvicorn.Config(
                self.parts.app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE,
                timeout_keep_alive=75,
                ws="websockets-sansio",
                http=LimitedHttp,
            )
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, server)
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(self._reload_quietly()))
        await server.serve(sockets=[self._socket])

    async def reload(self) -> Sequence[str]:
        """Read settings and rules again and use them. Raises SettingsError, and keeps the old ones, if wrong."""
        parts, current = self.parts, self.parts.current
        try:
            settings = load(self._path, self._overrides)
            http = wiring.make_http(settings)
            receivers = wiring.make_receivers(settings, http)
            routing = wiring.make_routing(settings, receivers)
            book = await asyncio.to_thread(load_rules, settings.rules, parts.base)
            parts.authenticator.replace(settings.auth, settings.web)
        except SettingsError:
            parts.metrics.reloaded("refused")
            raise
        told = changes(current.settings, settings, current.book, book)
        configure(settings.log_level, settings.log_format)
        parts.pipeline.use(routing, wiring.external_url(settings))
        current.settings, current.book, current.receivers, current.routing = settings, book, receivers, routing
        current.detector = wiring.make_detector(parts.columns, settings, book)
        current.http = http
        former, current.sender = current.sender, parts.make_sender(settings, receivers)
        former.stop()
        parts.metrics.reloaded("taken")
        log.info("settings read again", extra={"changes": len(told)})
        return told

    @contextlib.asynccontextmanager
    async def _life(self, _: FastAPI) -> AsyncIterator[None]:
        parts = self.parts
        await asyncio.to_thread(parts.writer.start)
        self._tasks = [
            self._supervised("rules", self._detect),
            self._supervised("sweep", self._sweep),
            self._supervised("watch", self._watch),
            self._supervised("tidy", self._tidy),
            self._supervised("sender", self._send),
            self._supervised("files", parts.collector.run),
        ]
        shed_start_up_code()
        self._unready = []
        self._welcome()
        try:
            yield
        finally:
            await self._end()

    def _supervised(self, name: str, work: object) -> asyncio.Task[None]:
        return asyncio.create_task(
            supervise(name, work, self._clock, self.parts.metrics.task_failed),  # type: ignore[arg-type]
            name=name,
        )

    async def _detect(self) -> None:
        current = self.parts.current
        try:
            await self.parts.loop.run()
        except TocsinError as error:
            current.trouble = str(error)
            raise

    async def _send(self) -> None:
        """Send; a reload stops the sender, and the next one goes on where it left off."""
        current = self.parts.current
        while not self._ending:
            http = current.http
            await current.sender.run()
            if current.http is not http:
                await http.aclose()

    async def _sweep(self) -> None:
        """Resolve what has been quiet, unless quiet only means that rules have not looked."""
        parts = self.parts
        while True:
            await self._clock.sleep(_SWEEP)
            lag = parts.writer.committed - parts.loop.seen.get(parts.writer.name, 0)
            if lag == 0:
                parts.current.trouble = ""
            if not parts.current.trouble:
                await asyncio.to_thread(parts.pipeline.sweep, self._clock.now())

    async def _watch(self) -> None:
        parts = self.parts
        while True:
            now = self._clock.now()
            if signals := parts.watch.signals(now):
                await asyncio.to_thread(parts.pipeline.accept, Tick(tuple(signals), {}, now))
            await self._clock.sleep(_WATCH)

    async def _tidy(self) -> None:
        parts = self.parts
        while True:
            keep = parts.current.settings.alerting.keep
            await asyncio.to_thread(forget, parts.state, keep, self._clock.now())
            await self._clock.sleep(_TIDY)

    async def _end(self) -> None:
        """Take no more, finish what was taken, close."""
        self._unready = ["stopping"]
        parts = self.parts
        await self._cancel("files")
        await asyncio.to_thread(parts.writer.stop)
        await self._cancel("rules")
        with contextlib.suppress(TocsinError):
            while not await parts.loop.once():
                pass
        await self._cancel("sweep", "watch", "tidy")
        await self._finish_sending()
        await parts.current.http.aclose()
        parts.workers.close()
        parts.columns.close()
        parts.state.close()
        self._lock.close()
        log.info("stopped")

    async def _finish_sending(self) -> None:
        """Let the messages that are on their way arrive, within reason; the others wait in the outbox."""
        self._ending = True
        self.parts.current.sender.stop()
        sending = [task for task in self._tasks if task.get_name() == "sender"]
        await asyncio.wait(sending, timeout=_GRACE)
        await self._cancel("sender")

    async def _cancel(self, *names: str) -> None:
        chosen = [task for task in self._tasks if task.get_name() in names]
        for task in chosen:
            task.cancel()
        await asyncio.gather(*chosen, return_exceptions=True)

    def _stop(self, server: _Server) -> None:
        self._unready = ["stopping"]
        if server.should_exit:
            server.force_exit = True
        server.should_exit = True

    async def _reload_quietly(self) -> None:
        try:
            await self.reload()
        except SettingsError as error:
            log.error("the new settings are wrong and not used", extra={"reason": str(error)})  # noqa: TRY400 - the place is in the text

    def _welcome(self) -> None:
        settings, book = self.parts.current.settings, self.parts.current.book
        log.info(
            "ready",
            extra={
                "version": __version__,
                "listen": settings.listen,
                "data": settings.data,
                "rules": len(book.rules) + len(book.correlations),
                "authentication": "tokens" if settings.auth.tokens else "off: only this machine is served",
            },
        )
        for error in book.errors:
            log.error("a rule does not run", extra={"reason": str(error)})


def _listen(listen: str) -> socket.socket:
    """Take the address before anything else is opened. Raises SettingsError."""
    host, port = check_listen(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise SettingsError(f"cannot listen on {listen}: {error.strerror or error}", key="listen") from None


class _Server(uvicorn.Server):
    """Leaves signals to us: a stop is to flush first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


def main(path: Path | None, overrides: Mapping[str, str | None]) -> int:
    """Run until told to stop; return the exit code. Wrong settings are explained on standard error."""
    try:
        process = Process(path, overrides, SystemClock())
        asyncio.run(process.serve())
    except TocsinError as error:
        print(f"tocsin: {error}", file=sys.stderr)
        return 2 if isinstance(error, SettingsError) else 1
    except OSError as error:
        print(f"tocsin: {error}", file=sys.stderr)
        return 1
    return 0


def check(path: Path | None, overrides: Mapping[str, str | None]) -> Settings:
    """Load the settings and everything that they name, without opening a store. Raises SettingsError."""
    settings = load(path, overrides)
    check_exposure(settings.listen, settings.auth)
    http = wiring.make_http(settings)
    receivers = wiring.make_receivers(settings, http)
    asyncio.run(http.aclose())
    wiring.make_routing(settings, receivers)
    return settings
