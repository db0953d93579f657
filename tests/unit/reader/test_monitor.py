"""The monitor against a service in memory: what must not depend on luck."""

import threading
from typing import Any

import pytest

from sithsd.reader import scard
from sithsd.reader.events import (
    CardInserted,
    CardRemoved,
    ReaderAdded,
    ReaderRemoved,
    ServiceDown,
    ServiceUp,
)

EMPTY, PRESENT = scard.STATE_EMPTY, scard.STATE_PRESENT
DEADLINE = 20.0


def counted(count: int, flags: int) -> int:
    """Return the state word of a reader that has counted so many events."""
    return count << 16 | flags


def test_stop_needs_no_luck(service: Any, watched: Any) -> None:
    """A cancel that comes before the wait begins is lost; `stop` ends the monitor all the same."""
    about_to_wait, cancelled = threading.Event(), threading.Event()

    def linger() -> None:
        if service.waits == 1:  # the list has settled, this wait has no end
            about_to_wait.set()
            cancelled.wait(DEADLINE)

    service.before_wait = linger
    service.show("A", EMPTY)
    watched.monitor.start()
    assert about_to_wait.wait(DEADLINE)
    stopper = threading.Thread(target=watched.monitor.stop, args=(DEADLINE,))
    stopper.start()
    service.until(lambda: service.cancels >= 1)  # lost: nobody waits yet
    cancelled.set()
    stopper.join(DEADLINE / 2)
    assert not watched.monitor._thread.is_alive()


def test_stop_before_the_start_and_twice(watched: Any) -> None:
    """`stop` is right at any time, and a monitor that is started after it ends at once."""
    assert watched.monitor.stop()
    watched.monitor.start()
    watched.monitor._thread.join(DEADLINE)
    assert watched.monitor.stop()
    assert watched.monitor.stop()
    assert watched.events == []


def test_nothing_is_told_after_stop(service: Any, watched: Any) -> None:
    """What happens while the monitor is being stopped is kept to itself."""
    told = threading.Event()

    def stop_at_the_first_reader(event: object) -> None:
        if isinstance(event, ReaderAdded):
            watched.monitor._stopping.set()
            told.set()

    watched.on_event = stop_at_the_first_reader
    service.show("A", counted(1, PRESENT))
    service.show("B", counted(1, PRESENT))
    watched.monitor.start()
    assert told.wait(DEADLINE)
    assert watched.monitor.stop()
    assert watched.events == [ServiceUp(), ReaderAdded("A")]


def test_a_swap_during_an_event_with_the_counter_at_zero(service: Any, watched: Any) -> None:
    """PC/SC does not compare a counter of zero, so the wait alone would miss this swap."""

    def swap(event: object) -> None:
        if isinstance(event, CardInserted) and event.event_count == 0:
            service.show("A", counted(1, EMPTY))
            service.show("A", counted(2, PRESENT))

    watched.on_event = swap
    service.show("A", counted(0, PRESENT))
    watched.monitor.start()
    watched.expect(ServiceUp(), ReaderAdded("A"), CardInserted("A", b"\x3b\x00", 0))
    watched.expect(CardRemoved("A", 2), CardInserted("A", b"\x3b\x00", 2))


def test_a_swap_while_the_counter_wraps(service: Any, watched: Any) -> None:
    """The counter has 16 bits: from 65535 it goes on at 0."""
    service.show("A", counted(0xFFFF, PRESENT))
    watched.monitor.start()
    watched.expect(ServiceUp(), ReaderAdded("A"), CardInserted("A", b"\x3b\x00", 0xFFFF))
    service.show("A", counted(1, PRESENT))
    watched.expect(CardRemoved("A", 1), CardInserted("A", b"\x3b\x00", 1))


def test_a_reader_that_comes_between_the_list_and_the_wait(service: Any, watched: Any) -> None:
    """pcsc-lite 1.9 counts the readers when the wait begins, and loses this one; the second look finds it."""
    service.before_wait = lambda: service.words.setdefault("B", EMPTY)
    service.show("A", EMPTY)
    watched.monitor.start()
    watched.expect(ServiceUp(), ReaderAdded("A"), ReaderAdded("B"))


def test_a_reader_that_goes_between_the_list_and_the_look(service: Any, watched: Any) -> None:
    """A name that is not known any more is no reason to believe the service gone."""

    def unplug() -> None:
        service.after_list = lambda: None
        service.show("A", None)

    service.show("A", EMPTY)
    service.show("B", EMPTY)
    service.after_list = unplug
    watched.monitor.start()
    watched.expect(ServiceUp(), ReaderAdded("A"), ReaderAdded("B"), ReaderRemoved("A"))


def test_a_reader_goes_with_its_card(service: Any, watched: Any) -> None:
    """The card is told removed before its reader is."""
    service.show("A", counted(3, PRESENT))
    watched.monitor.start()
    watched.expect(ServiceUp(), ReaderAdded("A"), CardInserted("A", b"\x3b\x00", 3))
    service.show("A", None)
    watched.expect(CardRemoved("A", 3), ReaderRemoved("A"))


def test_sixteen_readers_leave_no_room_for_the_pseudo_reader(service: Any, watched: Any) -> None:
    """A seventeenth name is refused; the sixteen are watched without it, and one that goes is noticed."""
    names = [f"reader {number}" for number in range(16)]
    for name in names:
        service.show(name, EMPTY)
    watched.monitor.start()
    watched.expect(ServiceUp(), *(ReaderAdded(name) for name in names))
    service.until(lambda: service.waits >= 1)
    service.show(names[7], None)
    watched.expect(ReaderRemoved(names[7]))
    service.show(names[0], counted(1, PRESENT))
    watched.expect(CardInserted(names[0], b"\x3b\x00", 1))


@pytest.mark.parametrize("code", [scard.NO_SERVICE, scard.COMM_ERROR, scard.SERVICE_STOPPED, scard.INTERNAL_ERROR])
def test_a_service_that_fails_in_any_way_is_down(service: Any, watched: Any, code: int) -> None:
    """Whatever a wait fails with: card, reader and service are told gone; a service that answers again is up."""
    service.show("A", counted(1, PRESENT))
    watched.monitor.start()
    watched.expect(ServiceUp(), ReaderAdded("A"), CardInserted("A", b"\x3b\x00", 1))
    service.until(lambda: service.waits >= 1)
    service.fail(code)
    watched.expect(CardRemoved("A", 1), ReaderRemoved("A"), ServiceDown())
    service.fail(None)
    watched.expect(ServiceUp(), ReaderAdded("A"), CardInserted("A", b"\x3b\x00", 1))


def test_an_absent_service_is_tried_a_few_times_per_sign_of_it(service: Any, watched: Any) -> None:
    """Without a sign on the filesystem there is no further try; a file made in the socket's place is one."""
    service.fail(scard.NO_SERVICE)
    watched.monitor.start()
    watched.expect(ServiceDown())
    service.until(lambda: service.tries == 8)
    service.fail(None)
    assert service.tries == 8
    watched.monitor._socket.touch()
    watched.expect(ServiceUp())


def test_an_error_of_the_listener_does_not_end_the_watch(service: Any, watched: Any) -> None:
    """The monitor goes on after an event whose listener failed."""

    def fail(event: object) -> None:
        if event == ReaderAdded("A"):
            raise RuntimeError("made up")

    watched.on_event = fail
    service.show("A", counted(1, PRESENT))
    watched.monitor.start()
    watched.expect(ServiceUp(), ReaderAdded("A"), CardInserted("A", b"\x3b\x00", 1))


def test_a_reader_that_shows_nothing_yet_is_not_asked_on_and_on(service: Any, watched: Any) -> None:
    """A state word of zero would be answered at once, for ever; the wait begins with another one."""
    service.show("A", 0)
    watched.monitor.start()
    watched.expect(ServiceUp(), ReaderAdded("A"))
    service.until(lambda: service.waits == 2)  # one to settle, one without end
    service.show("A", counted(1, PRESENT))
    watched.expect(CardInserted("A", b"\x3b\x00", 1))
    assert service.waits <= 3


def test_the_survey_comes_after_all_that_is_there(service: Any, watched: Any) -> None:
    """Whoever waits for the survey knows every reader and card that was there when the service was reached."""
    surveyed = threading.Event()
    seen: list[object] = []

    def survey() -> None:
        seen.extend(watched.events)
        surveyed.set()

    watched.monitor._on_survey = survey
    service.show("A", counted(1, PRESENT))
    service.show("B", EMPTY)
    watched.monitor.start()
    assert surveyed.wait(DEADLINE)
    kinds = [type(event) for event in seen]
    assert kinds[0] is ServiceUp
    assert sorted(kind.__name__ for kind in kinds[1:]) == ["CardInserted", "ReaderAdded", "ReaderAdded"]


def test_the_survey_does_not_wait_for_an_absent_service(service: Any, watched: Any) -> None:
    """Without a service there is nothing to survey, and that is told at once."""
    surveyed = threading.Event()
    watched.monitor._on_survey = surveyed.set
    service.fail(scard.NO_SERVICE)
    watched.monitor.start()
    assert surveyed.wait(DEADLINE)
    assert watched.events == [ServiceDown()]
