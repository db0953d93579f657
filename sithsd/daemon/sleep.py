"""Suspend and resume: logind's PrepareForSleep (org.freedesktop.login1(5)), with a lock so that work may end first.

A machine that sleeps takes the power from its readers, and a card may be another one when it wakes. So logind is asked
to delay the sleep until what is under way has ended; the lock is a file descriptor, and closing it lets go.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from jeepney import HeaderFields, Message, MessageType, new_method_call
from jeepney.fds import FileDescriptor

from sithsd.bus import BUS, Bus, BusError, RefusedError
from sithsd.logind import MANAGER, NAME

_MATCH: Final = f"type='signal',sender='{NAME}',interface='{MANAGER.interface}',member='PrepareForSleep'"
# logind waits for 5 s by default (InhibitDelayMaxSec= of logind.conf(5)); then it sleeps, whoever holds a lock.
_SECONDS_TO_END: Final = 4.0

_log = structlog.get_logger()

Callback = Callable[[], Awaitable[None] | None]


class SleepWatch:
    """Calls `on_sleep` before the machine sleeps and `on_wake` after, as long as `run` runs.

    Both may be plain functions or give something to await. `on_sleep` has 4 seconds, then it is cancelled; each one
    is called again only after the other. `address` is a D-Bus address, by default that of the system bus.
    """

    def __init__(self, on_sleep: Callback, on_wake: Callback, address: str | None = None) -> None:
        self._on_sleep = on_sleep
        self._on_wake = on_wake
        self._address = address
        self._owner: str | None = None
        self._lock: FileDescriptor | None = None
        self._asleep = False
        self.watching: Final = asyncio.Event()
        """Set once signals are subscribed to; never without a bus."""

    async def run(self) -> None:
        """Watch until cancelled. Without a bus, or when it is lost, that is logged and the watch ends.

        A logind that is absent, or restarted, is waited for. Raises what the callbacks raise.
        """
        try:
            bus = await Bus.connect(self._address)
        except BusError as error:
            _log.warning("suspend is not noticed until the next start: no system bus", error=str(error))
            return
        try:
            await self._subscribe(bus)
            self.watching.set()
            while True:
                await self._take(bus, await bus.signal())
        except BusError as error:
            _log.warning("suspend is not noticed until the next start: the system bus is lost", error=str(error))
        except RefusedError as error:
            _log.warning("suspend is not noticed until the next start: the system bus refuses", error=str(error))
        finally:
            self._let_go()
            bus.close()
        await self._wake()  # nobody is left to say so

    async def _subscribe(self, bus: Bus) -> None:
        self._owner = await bus.follow(NAME)
        await bus.call(new_method_call(BUS, "AddMatch", "s", (_MATCH,)))
        if self._owner is None:
            _log.warning("suspend is not noticed: logind does not run")
        else:
            await self._hold(bus)

    async def _take(self, bus: Bus, message: Message) -> None:
        fields = message.header.fields
        if message.header.message_type is not MessageType.signal:
            return
        # Any user of the bus may send a signal to us alone; the sender's name is the bus's word.
        sender = fields.get(HeaderFields.sender)
        match fields.get(HeaderFields.member), message.body:
            case "NameOwnerChanged", (str(name), str(), str(owner)) if sender == BUS.bus_name and name == NAME:
                await self._follow(bus, owner or None)
            case "PrepareForSleep", (bool(begins),) if self._owner is not None and sender == self._owner:
                if begins:
                    await self._sleep()
                else:
                    await self._wake()
                    await self._hold(bus)

    async def _follow(self, bus: Bus, owner: str | None) -> None:
        """Take note of a logind that came or went; with it went its locks."""
        self._owner = owner
        self._let_go()
        if owner is None:
            _log.info("logind ended")
            return
        await self._wake()  # if the one before said that the machine sleeps, this one would not say that it woke
        await self._hold(bus)

    async def _hold(self, bus: Bus) -> None:
        """Take the lock. Without one the machine still tells of its sleep, but does not wait."""
        if self._lock is not None:
            return
        arguments = ("sleep", "sithsd", "An operation on a card is brought to its end", "delay")
        try:
            lock, *_ = await bus.call(new_method_call(MANAGER, "Inhibit", "ssss", arguments))
        except RefusedError as error:
            _log.warning("the machine will not wait for operations when it sleeps", error=str(error))
            return
        if isinstance(lock, FileDescriptor):
            self._lock = lock

    def _let_go(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    async def _sleep(self) -> None:
        if self._asleep:
            return
        self._asleep = True
        _log.info("the machine is about to sleep")
        try:
            async with asyncio.timeout(_SECONDS_TO_END):
                await _called(self._on_sleep)
        except TimeoutError:
            _log.warning("an operation did not end before the machine's sleep")
        finally:
            self._let_go()

    async def _wake(self) -> None:
        if not self._asleep:
            return
        self._asleep = False
        _log.info("the machine is awake")
        await _called(self._on_wake)


async def _called(callback: Callback) -> None:
    result = callback()
    if inspect.isawaitable(result):
        await result
