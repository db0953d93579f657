"""Watching the readers: one thread with a PC/SC context of its own that waits, and tells what happens.

While nothing happens nothing runs: the thread waits in SCardGetStatusChange without a time-out while the PC/SC service
is there, and on the filesystem while it is not (`sithsd.reader.presence`).

What is believed about the readers comes from looks (calls that answer at once), never from the wait, and no wait begins
before a look that brought nothing new: PC/SC leaves out the counter of events as long as it is zero, so a card swapped
while an event was being told would be missed by the wait alone.
"""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from sithsd.locations import pcscd_socket
from sithsd.reader import scard
from sithsd.reader.events import (
    CardInserted,
    CardMute,
    CardRemoved,
    PcscEvent,
    ReaderAdded,
    ReaderRemoved,
    ReaderState,
    ServiceDown,
    ServiceUp,
)
from sithsd.reader.presence import ServicePresence
from sithsd.reader.table import ReaderTable

__all__ = [
    "CardInserted",
    "CardMute",
    "CardRemoved",
    "Monitor",
    "PcscEvent",
    "ReaderAdded",
    "ReaderRemoved",
    "ReaderState",
    "ServiceDown",
    "ServiceUp",
]

_log = structlog.get_logger()

# After a change of the reader list the next wait ends after this time, for one more look: pcsc-lite before 2.0 loses
# a reader that comes between the look and the wait, and readers like to come several at once.
_SETTLE_MILLISECONDS: Final = 1000

# Rests between the tries to reach the service after a sign of it: the socket is bound a moment before it listens.
_RESTS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64)
# The rest after those, when the service is there but refuses us, which no event will tell the end of.
_REFUSED_SECONDS: Final = 30.0

_CANCEL_SECONDS: Final = 0.02
_SPURIOUS_SECONDS: Final = 0.05


class Monitor:
    """Tells `on_event` what happens to the PC/SC service, its readers and their cards, one event after the other.

    `on_event` is called in the monitor's thread and has to return quickly; an exception in it is logged. Each reader is
    added before its cards come, each card is removed before the next one comes, each reader is removed before the
    service is down. `on_survey` is called, likewise, when all has been told that was there when the service was
    reached, and when the service is not to be reached. `socket` is the file that the service listens on, `establish`
    makes a PC/SC context.
    """

    def __init__(
        self,
        on_event: Callable[[PcscEvent], None],
        *,
        on_survey: Callable[[], None] = lambda: None,
        socket: Path | None = None,
        establish: Callable[[], scard.Context] = scard.Context.establish,
    ) -> None:
        self._on_event = on_event
        self._on_survey = on_survey
        self._socket = socket or pcscd_socket()
        self._establish = establish
        self._table = ReaderTable(self._tell)
        # A daemon thread: it hangs in a PC/SC call for as long as the service neither answers nor dies.
        self._thread = threading.Thread(target=self._run, name="pcsc-monitor", daemon=True)
        self._stopping = threading.Event()
        self._lock = threading.Lock()  # of the two that `stop` uses too
        self._wake: int | None = None
        self._context: scard.Context | None = None
        self._service_up: bool | None = None
        self._failures = 0
        self._settled = False

    @property
    def readers(self) -> tuple[ReaderState, ...]:
        """What each reader showed at the last look; may be read by any thread."""
        return self._table.states

    def start(self) -> None:
        """Begin to watch. A monitor is started once."""
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread.start()

    def stop(self, deadline: float = 5.0) -> bool:
        """End the watch; True once the thread has ended. In either case nothing is told any more.

        False after `deadline` seconds: the PC/SC service hangs, and the thread will end when that does. May be called
        again, and before `start`; not from `on_event`.
        """
        self._stopping.set()
        with self._lock:
            if self._wake is not None:
                os.eventfd_write(self._wake, 1)
        if not self._thread.is_alive():
            return True
        # SCardCancel talks to the service too and may hang with it, so it gets a thread of its own to hang in.
        threading.Thread(target=self._cancel, name="pcsc-monitor-cancel", daemon=True).start()
        self._thread.join(deadline)
        if self._thread.is_alive():
            _log.warning("the PC/SC service does not answer; its monitor is left behind")
        return not self._thread.is_alive()

    def _cancel(self) -> None:
        # A cancel that comes before the wait begins is lost, so it is repeated until the thread has ended.
        while self._thread.is_alive():
            with self._lock:
                context = self._context
            if context is not None:
                with suppress(scard.PcscError):  # no service, or released just now: the wait is over anyway
                    context.cancel()
            self._thread.join(_CANCEL_SECONDS)

    def _run(self) -> None:
        try:
            while (context := self._reach_service()) is not None:
                self._attend(context)
        finally:
            with self._lock:
                if self._wake is not None:
                    os.close(self._wake)
                    self._wake = None

    def _reach_service(self) -> scard.Context | None:
        """Wait for the service as long as it takes; None when asked to stop."""
        assert self._wake is not None  # noqa: S101 - `start` made it, and only this thread closes it
        with ServicePresence(self._socket, self._wake) as presence:
            rest = self._next_rest(scard.COMM_ERROR) if self._failures else 0.0
            while True:
                if rest != 0 and presence.wait(rest):
                    self._failures = 0
                if self._stopping.is_set():
                    return None
                presence.renew()
                try:
                    return self._establish()
                except scard.PcscError as error:
                    self._tell_service(up=False, reason=error)
                    rest = self._next_rest(error.code)

    def _next_rest(self, code: int) -> float | None:
        self._failures += 1
        if self._failures <= len(_RESTS):
            return _RESTS[self._failures - 1]
        return None if code == scard.NO_SERVICE else _REFUSED_SECONDS

    def _attend(self, context: scard.Context) -> None:
        """Tell what happens until the service is gone or the monitor is stopped."""
        with self._lock:
            self._context = context
        self._tell_service(up=True)
        try:
            self._watch(context)
        except scard.PcscError as error:
            self._failures += 1
            self._table.clear()
            self._tell_service(up=False, reason=error)
        finally:
            with self._lock:
                self._context = None
            with suppress(scard.PcscError):  # of a service that is gone; the library forgets the context all the same
                context.release()

    def _watch(self, context: scard.Context) -> None:
        self._settled = False
        woken = surveyed = False
        while not self._stopping.is_set():
            notification = self._look(context)
            if notification is None:
                woken = False
                continue
            if not surveyed:
                surveyed = True
                self._tell_survey()
            if woken:  # for nothing: a service that does so shall not do it at its own pace
                self._stopping.wait(_SPURIOUS_SECONDS)
            self._failures = 0  # the service does what it should: the next loss of it is a new one
            woken = self._wait(context, notification)
            self._settled |= not woken

    def _look(self, context: scard.Context) -> tuple[str, int] | None:
        """Look at everything and tell what is new; None if there was something, else PnP's pseudo-reader to wait for.

        Its state word carries the count of changes to the list (since pcsc-lite 2.0), taken before the list is.
        """
        (pnp,) = context.get_status_change([(scard.PNP_NOTIFICATION, scard.STATE_UNAWARE)], 0)
        names = context.list_readers()
        news = self._table.note_list(names)
        if news:
            self._settled = False
        if names:
            try:
                looks = context.get_status_change([(name, scard.STATE_UNAWARE) for name in names], 0)
            except scard.PcscError as error:
                if error.code == scard.UNKNOWN_READER:
                    return None
                raise
            for look in looks:
                news |= self._table.note_look(look)
        return None if news else (pnp.reader, pnp.word & ~scard.STATE_CHANGED)

    def _wait(self, context: scard.Context, notification: tuple[str, int]) -> bool:
        """Wait until something may have changed (True) or the list has had its time to settle (False)."""
        readers = self._table.believed
        timeout = scard.INFINITE if self._settled else _SETTLE_MILLISECONDS
        try:
            return any(change.changed for change in context.get_status_change([*readers, notification], timeout))
        except scard.PcscError as error:
            if error.code == scard.INVALID_PARAMETER and readers:
                # pcsc-lite before 2.0 takes 16 names, and has no more readers: none can come, one that goes wakes us.
                return any(change.changed for change in context.get_status_change(readers, timeout))
            if error.code in {scard.UNKNOWN_READER, scard.CANCELLED}:
                return True
            raise

    def _tell_service(self, *, up: bool, reason: scard.PcscError | None = None) -> None:
        if up is self._service_up:
            return
        self._service_up = up
        _log.info("PC/SC service", up=up, reason=None if reason is None else str(reason))
        self._tell(ServiceUp() if up else ServiceDown())
        if not up:
            self._tell_survey()

    def _tell_survey(self) -> None:
        if not self._stopping.is_set():
            self._on_survey()

    def _tell(self, event: PcscEvent) -> None:
        if self._stopping.is_set():
            return
        try:
            self._on_event(event)
        except Exception:  # noqa: BLE001 - whatever a listener does wrong, the readers don't go unwatched; it is logged
            _log.exception("a listener failed", event_told=event)
