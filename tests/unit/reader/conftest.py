"""A PC/SC service in memory, for what pcscd can't be made to show at a chosen moment."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pytest

from sithsd.reader import scard
from sithsd.reader.monitor import Monitor, PcscEvent

DEADLINE = 20.0


class FakeService:
    """Readers, and contexts to watch them with, that behave as pcsc-lite 1.9 does."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.words: dict[str, int] = {}
        self.failure: int | None = None
        self.tries = 0
        self.waits = 0
        self.cancels = 0
        self.before_wait: Callable[[], None] = lambda: None
        self.after_list: Callable[[], None] = lambda: None

    def establish(self) -> "FakeContext":
        """Make a context, or fail as told."""
        with self.changed:
            self.tries += 1
            self.changed.notify_all()
            self.check("SCardEstablishContext")
        return FakeContext(self)

    def check(self, call: str) -> None:
        """Fail if the service is to fail."""
        if self.failure is not None:
            raise scard.PcscError(self.failure, call)

    def show(self, reader: str, word: int | None) -> None:
        """Let a reader show a state word, or be gone."""
        with self.changed:
            if word is None:
                del self.words[reader]
            else:
                self.words[reader] = word
            self.changed.notify_all()

    def fail(self, code: int | None) -> None:
        """Let every call fail from now on, waits included; None: work again."""
        with self.changed:
            self.failure = code
            self.changed.notify_all()

    def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is true of this service."""
        with self.changed:
            assert self.changed.wait_for(true, DEADLINE)


class FakeContext:
    """A context of a FakeService."""

    def __init__(self, service: FakeService) -> None:
        self._service = service
        self._waiting = False
        self._cancelled = False

    def list_readers(self) -> tuple[str, ...]:
        """Return the readers."""
        with self._service.changed:
            self._service.check("SCardListReaders")
            names = tuple(self._service.words)
        self._service.after_list()
        return names

    def get_status_change(self, states: Sequence[tuple[str, int]], timeout: int) -> tuple[scard.StatusChange, ...]:
        """Wait for a difference, with the limits that pcsc-lite 1.9 has."""
        service = self._service
        if timeout:
            service.before_wait()
        with service.changed:
            service.check("SCardGetStatusChange")
            if len(states) > 16:
                raise scard.PcscError(scard.INVALID_PARAMETER, "SCardGetStatusChange")
            if any(name not in service.words for name, _ in states if name != scard.PNP_NOTIFICATION):
                raise scard.PcscError(scard.UNKNOWN_READER, "SCardGetStatusChange")
            count = len(service.words)
            deadline = time.monotonic() + timeout / 1000
            self._waiting, self._cancelled = True, False
            service.waits += bool(timeout)
            service.changed.notify_all()
            try:
                while True:
                    looks = tuple(self._look(name, believed, count) for name, believed in states)
                    rest = deadline - time.monotonic()
                    if any(look.changed for look in looks) or rest <= 0:
                        return looks
                    service.changed.wait(min(rest, DEADLINE))
                    service.check("SCardGetStatusChange")
                    if self._cancelled:
                        raise scard.PcscError(scard.CANCELLED, "SCardGetStatusChange")
            finally:
                self._waiting = False

    def _look(self, name: str, believed: int, count: int) -> scard.StatusChange:
        if name == scard.PNP_NOTIFICATION:
            return scard.StatusChange(name, scard.STATE_CHANGED if len(self._service.words) != count else 0, b"")
        word = self._service.words.get(name, scard.STATE_UNKNOWN | scard.STATE_UNAVAILABLE)
        counted = believed >> 16 and word >> 16 != believed >> 16
        flags = (scard.STATE_PRESENT, scard.STATE_EMPTY, scard.STATE_MUTE, scard.STATE_UNAVAILABLE)
        differs = any(word & flag and not believed & flag for flag in flags)
        if believed == scard.STATE_UNAWARE or counted or differs:
            word |= scard.STATE_CHANGED
        return scard.StatusChange(name, word, b"\x3b\x00" if word & scard.STATE_PRESENT else b"")

    def cancel(self) -> None:
        """End a wait that has begun; lost otherwise."""
        with self._service.changed:
            self._service.cancels += 1
            self._cancelled = self._waiting
            self._service.changed.notify_all()

    def release(self) -> None:
        """Close the context."""
        with self._service.changed:
            self._service.check("SCardReleaseContext")


class Watched:
    """A monitor of a FakeService, and what it has told."""

    def __init__(self, service: FakeService, socket: str) -> None:
        self.events: list[PcscEvent] = []
        self.on_event: Callable[[PcscEvent], None] = lambda _: None
        self._changed = threading.Condition()
        self.monitor = Monitor(self._note, socket=socket, establish=service.establish)

    def _note(self, event: PcscEvent) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()
        self.on_event(event)

    def expect(self, *events: PcscEvent) -> None:
        """Wait until these, and no others, were told since the last call."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.events) >= len(events), DEADLINE)
            told = self.events[: len(events)]
            del self.events[: len(events)]
        assert told == list(events)


@pytest.fixture
def service() -> FakeService:
    """Return a PC/SC service without readers."""
    return FakeService()


@pytest.fixture
def watched(service: FakeService, tmp_path: str) -> Iterator[Watched]:
    """Return a monitor of `service`, not yet started; stopped when the test ends."""
    it = Watched(service, tmp_path / "pcscd.comm")
    yield it
    service.before_wait = service.after_list = lambda: None
    with suppress(RuntimeError):
        it.monitor.stop()
    assert not it.monitor._thread.is_alive()
