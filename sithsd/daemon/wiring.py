"""Who knows whom: the parts of the daemon put together, started, and ended in the reverse order."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from sithsd import __version__
from sithsd.api.methods import Cards, Codes
from sithsd.api.rights import Rights
from sithsd.api.server import Server
from sithsd.api.sockets import Sockets, open_sockets, usual_access
from sithsd.card import profile
from sithsd.card.registry import Registry
from sithsd.clock import Clock, SystemClock
from sithsd.daemon.config import Settings
from sithsd.daemon.systemd import keep_watchdog, notify
from sithsd.locations import CARDS_SOCKET, CODES_SOCKET
from sithsd.reader.monitor import Monitor, PcscEvent
from sithsd.reader.trace import log_exchange
from sithsd.reader.worker import ReaderWorker
from sithsd.session.board import Board
from sithsd.session.readers import Readers
from sithsd.session.slot import Tools, Worker
from sithsd.validity.judge import Judge

_SURVEY_SECONDS = 2.0
_STOPPING = (signal.SIGTERM, signal.SIGINT)


async def serve(settings: Settings, runtime: Path, state: Path, clock: Clock | None = None) -> None:
    """Run the daemon until it is asked to stop.

    `state` may hold the folders `anchors` and `issuers` with certificate files, which are used beside those that the
    settings name. Raises ProfileError, CertificateFileError, SocketError for what can't be used.
    """
    started = time.monotonic()
    log = structlog.get_logger("sithsd.daemon")
    clock = clock or SystemClock()
    rights = Rights.here(settings.rights.group)
    site = profile.load_site_folder(Path(settings.drivers.site))
    registry = Registry(profile.in_order(profile.load_folder(profile.shipped_folder()), site))
    validity = settings.validity
    judge = Judge.from_settings(
        msgspec.structs.replace(
            validity,
            anchors=(*validity.anchors, *_files(state / "anchors")),
            issuers=(*validity.issuers, *_files(state / "issuers")),
        )
    )
    board = Board()
    readers = Readers(Tools(registry, judge, clock, board), _start_worker)
    # Before there are sockets: a signal that comes in between must not leave them behind.
    stopping = _stop_on_signals()
    with open_sockets(runtime, usual_access(rights)) as sockets:
        server = _server(sockets, Cards(board, readers, rights, judge, clock), Codes(readers, rights))
        watching = Watching(readers)
        watching.start()
        await watching.survey()
        await server.start()
        watchdog = asyncio.create_task(keep_watchdog())
        notify("READY=1")
        log.info("ready", version=__version__, pid=os.getpid(), seconds=round(time.monotonic() - started, 3))
        try:
            await stopping.wait()
        finally:
            notify("STOPPING=1")
            watchdog.cancel()
            with suppress(asyncio.CancelledError):
                await watchdog
            await server.stop()
            await watching.stop()
            await readers.close()
            log.info("ended")


class Watching:
    """The monitor's thread, its events brought into the loop's thread in their order."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._loop = asyncio.get_running_loop()
        self._surveyed = asyncio.Event()
        self._monitor = Monitor(self._on_event, on_survey=self._on_survey)

    def start(self) -> None:
        """Begin to watch."""
        self._monitor.start()

    async def survey(self) -> None:
        """Wait until the readers that there are have been found, so that the first client is not told of none.

        Not for long: a service that does not answer keeps no client waiting.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._surveyed.wait(), _SURVEY_SECONDS)

    async def stop(self) -> None:
        """End the watch; its thread is waited for."""
        await asyncio.to_thread(self._monitor.stop)

    def _on_survey(self) -> None:
        self._loop.call_soon_threadsafe(self._surveyed.set)

    def _on_event(self, event: PcscEvent) -> None:
        self._loop.call_soon_threadsafe(self._readers.on_event, event)


def _server(sockets: Sockets, cards: Cards, codes: Codes) -> Server:
    return Server(
        [
            (cards.interface(), sockets.listening[CARDS_SOCKET]),
            (codes.interface(), sockets.listening[CODES_SOCKET]),
        ]
    )


def _start_worker(reader: str) -> Worker:
    worker = ReaderWorker(reader, trace=log_exchange)
    worker.start()
    return worker


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOPPING:
        loop.add_signal_handler(number, stopping.set)
    return stopping


def _files(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.glob("*") if path.suffix in {".pem", ".cer", ".crt", ".der"})
