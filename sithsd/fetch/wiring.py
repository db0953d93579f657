"""Who knows whom in sithsd-fetch: its parts put together, started, and ended in the reverse order."""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from sithsd import __version__
from sithsd.api.rights import group_number
from sithsd.api.server import Server
from sithsd.api.sockets import Access, open_sockets
from sithsd.clock import Clock, SystemClock
from sithsd.fetch.asking import Asker
from sithsd.fetch.backoff import Backoff, Pace
from sithsd.fetch.inquiry import Inquiry
from sithsd.fetch.library import Library
from sithsd.fetch.methods import FetchMethods
from sithsd.fetch.paths import Paths
from sithsd.fetch.places import Places
from sithsd.fetch.prefetch import Prefetch
from sithsd.fetch.store import Store
from sithsd.fetch.tools import Tools
from sithsd.fetch.web import Web
from sithsd.locations import FETCH_SOCKET
from sithsd.service.config import ConfigError, Settings
from sithsd.service.systemd import keep_watchdog, notify
from sithsd.service.trust import judge_by

STORE_FILE = "fetched.sqlite"
_DAEMON_GROUP = "sithsd"
_MEGABYTE = 1024 * 1024
_STOPPING = (signal.SIGTERM, signal.SIGINT)
# What nobody has asked for in such a time is of no use any more; a prefetch of a year is the longest there is.
_FORGOTTEN_AFTER = timedelta(days=400)
_DAY = 24 * 3600.0

_log = structlog.get_logger("sithsd.fetch")


async def serve(settings: Settings, runtime: Path, state: Path, clock: Clock | None = None) -> None:
    """Serve io.sithsd.Fetch until asked to stop.

    Raises ConfigError, CertificateFileError, TablesError, StoreError, SocketError for what can't be used.
    """
    clock = clock or SystemClock()
    judge = judge_by(settings.validity)
    try:
        places = Places(settings.validity)
    except ValueError as error:
        raise ConfigError(f"[validity] {error}") from error
    stopping = _stop_on_signals()
    access = Access(0o660, group_number(_DAEMON_GROUP))
    with open_sockets(runtime, {FETCH_SOCKET: access}) as sockets:
        store = Store(state / STORE_FILE, settings.fetch.store_megabytes * _MEGABYTE)
        set_aside = _told(store, clock)
        library = Library(store)
        async with Web(places.listed) as web:
            chance = random.SystemRandom()
            backoff = Backoff(clock, chance)
            asker = Asker(web, library, backoff, clock)
            tools = Tools(Paths(judge, places, asker, library, clock), places, asker, library, backoff, clock)
            prefetch = Prefetch(tools, Pace(chance), settings.fetch.prefetch_days)
            inquiry = Inquiry(tools, next_check=prefetch.next_check, asked=prefetch.asked)
            library.changed = prefetch.plan
            await tools.paths.open()
            prefetch.begin()
            methods = FetchMethods(inquiry, tools, anchors=len(judge.anchors), set_aside=set_aside)
            server = Server([(methods.interface(), sockets.listening[FETCH_SOCKET])])
            await server.start()
            work = prefetch.run(), keep_watchdog(), forget_daily(library, clock)
            beside = [asyncio.create_task(one) for one in work]
            notify("READY=1")
            _log.info("ready", version=__version__, pid=os.getpid(), anchors=len(judge.anchors))
            try:
                await stopping.wait()
            finally:
                notify("STOPPING=1")
                for task in beside:
                    task.cancel()
                await asyncio.wait(beside)
                await server.stop()  # calls that run are answered: none takes longer than three seconds
                await inquiry.close()
                await asker.close()
                await library.close()
                _log.info("ended")


def _told(store: Store, clock: Clock) -> datetime | None:
    """Say that a damaged store was put aside, and return when."""
    aside = store.set_aside
    if aside is None:
        return None
    _log.error("the store was damaged and is begun anew", aside=str(aside.path), reason=aside.reason)
    return clock.now()


async def forget_daily(
    library: Library, clock: Clock, wait: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Forget at the start, and once a day, what nobody has asked for in a long time, until cancelled."""
    while True:
        since = clock.now() - _FORGOTTEN_AFTER
        await library.drop([entry.key for entry in library.entries if entry.asked_at < since])
        await wait(_DAY)


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOPPING:
        loop.add_signal_handler(number, stopping.set)
    return stopping
