"""The monitor on a real pcscd with virtual readers."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sithsd.reader import scard
from sithsd.reader.events import (
    CardInserted,
    CardMute,
    CardRemoved,
    ReaderAdded,
    ReaderRemoved,
    ServiceDown,
    ServiceUp,
)
from sithsd.simulator.stage import Stage

READER_0, READER_1 = "SITHS-SIM Reader (0) 00 00", "SITHS-SIM Reader (1) 01 00"
DEADLINE = 30.0


@pytest.mark.both_drivers
def test_the_service_and_its_readers_are_told_at_the_start(
    set_stage: Callable[..., Stage], watch: Callable[..., Any]
) -> None:
    """A running service is told first, then each of its readers."""
    stage = set_stage(2)
    first_reader, second_reader = stage.reader_names
    told = watch()
    told.expect(ServiceUp)
    assert {told.expect(ReaderAdded).reader, told.expect(ReaderAdded).reader} == {first_reader, second_reader}
    assert {state.name for state in told.monitor.readers} == {first_reader, second_reader}


@pytest.mark.both_drivers
def test_a_card_comes_and_goes(
    set_stage: Callable[..., Stage], watch: Callable[..., Any], put_card: Callable[..., Any]
) -> None:
    """An insertion is told with the card's ATR, a removal with a later count."""
    stage = set_stage(2)
    reader = stage.reader_names[0]
    told = watch()
    card = put_card(stage)
    inserted = told.expect(CardInserted)
    assert (inserted.reader, inserted.atr) == (reader, bytes.fromhex("3B800181"))
    assert [state.present for state in told.monitor.readers] == [True, False]
    card.remove()
    removed = told.expect(CardRemoved)
    assert removed.reader == reader
    assert removed.event_count > inserted.event_count
    assert not any(state.present for state in told.monitor.readers)


def test_a_card_that_is_in_at_the_start_is_told(
    set_stage: Callable[..., Stage], watch: Callable[..., Any], put_card: Callable[..., Any]
) -> None:
    """A card that was there before the monitor counts as inserted."""
    stage = set_stage(2)
    card = put_card(stage, 1)
    assert card.powered.wait(DEADLINE)
    assert watch().expect(CardInserted).reader == READER_1


@pytest.mark.both_drivers
def test_two_readers_are_told_apart(
    set_stage: Callable[..., Stage], watch: Callable[..., Any], put_card: Callable[..., Any]
) -> None:
    """What happens in one reader says nothing of the other."""
    stage = set_stage(2)
    first_reader, second_reader = stage.reader_names
    told = watch()
    first, second = put_card(stage, 0), put_card(stage, 1)
    assert {told.expect(CardInserted).reader, told.expect(CardInserted).reader} == {first_reader, second_reader}
    first.remove()
    assert told.expect(CardRemoved).reader == first_reader
    assert {state.name: state.present for state in told.monitor.readers} == {first_reader: False, second_reader: True}
    second.remove()
    assert told.expect(CardRemoved).reader == second_reader


@pytest.mark.parametrize("readers", [4, 16])
def test_many_readers(
    set_stage: Callable[..., Stage], watch: Callable[..., Any], put_card: Callable[..., Any], readers: int
) -> None:
    """As many readers as pcscd serves are watched, the last one like the first."""
    stage = set_stage(readers)
    told = watch()
    names = [told.expect(ReaderAdded).reader for _ in range(readers)]
    assert len(set(names)) == readers
    for place in (0, readers - 1):
        card = put_card(stage, place)
        reader = told.expect(CardInserted).reader
        card.remove()
        assert told.expect(CardRemoved).reader == reader


@pytest.mark.both_drivers
def test_a_mute_card_is_no_card_and_no_empty_reader(
    set_stage: Callable[..., Stage], watch: Callable[..., Any], put_card: Callable[..., Any]
) -> None:
    """A card without an answer to reset is told as mute, and its removal as a removal."""
    stage = set_stage(2)
    reader = stage.reader_names[0]
    told = watch()
    card = put_card(stage, mute=True)
    assert told.expect(CardMute).reader == reader
    card.remove()
    assert told.expect(CardRemoved).reader == reader
    assert not any(isinstance(event, CardInserted) for event in told.events)


@pytest.mark.both_drivers
def test_a_swap_that_hides_between_two_looks_is_told(
    set_stage: Callable[..., Stage], watch: Callable[..., Any], put_card: Callable[..., Any]
) -> None:
    """Two cards with the same ATR, swapped while the monitor does not look, are a removal and an insertion."""
    stage = set_stage(2)
    reader = stage.reader_names[0]
    told = watch()
    told.hold(CardInserted)
    first = put_card(stage)
    assert told.held.wait(DEADLINE)
    before = told.expect(CardInserted)
    first.remove()
    _await_counter(reader, before.event_count + 1)
    put_card(stage)
    _await_counter(reader, before.event_count + 2)
    told.go_on.set()
    assert told.expect(CardRemoved).event_count == before.event_count + 2
    assert told.expect(CardInserted).event_count == before.event_count + 2


def test_the_service_may_come_after_the_monitor(
    set_stage: Callable[..., Stage], watch: Callable[..., Any], put_card: Callable[..., Any]
) -> None:
    """An absent service is told once, and its coming is noticed without a poll."""
    stage = set_stage(2, autostart=False)
    told = watch()
    told.expect(ServiceDown)
    stage.start_pcscd()
    told.expect(ServiceUp)
    put_card(stage)
    assert told.expect(CardInserted).reader == READER_0
    assert sum(isinstance(event, ServiceDown) for event in told.events) == 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_service_may_be_restarted_again_and_again(
    set_stage: Callable[..., Stage], watch: Callable[..., Any], put_card: Callable[..., Any], how: signal.Signals
) -> None:
    """After each end of the service its cards, its readers and it are told gone, in that order; then all come back."""
    stage = set_stage(2)
    told = watch()
    for _ in range(4):
        card = put_card(stage)
        told.expect(CardInserted)
        start = len(told.events)
        stage.stop_pcscd(how)
        told.expect(ServiceDown)
        gone = told.events[start:]
        assert gone[0] == CardRemoved(READER_0, gone[0].event_count)
        assert gone[1:] == [ReaderRemoved(READER_0), ReaderRemoved(READER_1), ServiceDown()]
        assert told.monitor.readers == ()
        card.remove()
        stage.start_pcscd()
        told.expect(ServiceUp)


def test_a_socket_that_a_killed_service_left_is_no_service(
    set_stage: Callable[..., Stage], watch: Callable[..., Any]
) -> None:
    """The leftover socket refuses connections; the monitor waits for a new one instead of trying on and on."""
    stage = set_stage(2)
    stage.stop_pcscd(signal.SIGKILL)
    assert stage.socket.is_socket()
    told = watch()
    told.expect(ServiceDown)
    _await_silence(told.monitor._thread.native_id)
    stage.start_pcscd()
    told.expect(ServiceUp)


@pytest.mark.both_drivers
def test_no_wake_ups_when_nothing_happens(
    set_stage: Callable[..., Stage], watch: Callable[..., Any], put_card: Callable[..., Any]
) -> None:
    """With a card in, with none and without a service the thread sleeps in the kernel and is not scheduled once."""
    stage = set_stage(2)
    told = watch()
    put_card(stage)
    told.expect(CardInserted)
    _await_silence(told.monitor._thread.native_id)
    stage.stop_pcscd()
    told.expect(ServiceDown)
    _await_silence(told.monitor._thread.native_id)


def test_no_wake_ups_without_a_reader(set_stage: Callable[..., Stage], watch: Callable[..., Any]) -> None:
    """A service without readers is waited for like any other, not asked on and on."""
    set_stage(0)
    told = watch()
    told.expect(ServiceUp)
    _await_silence(told.monitor._thread.native_id)
    assert told.monitor.readers == ()


@pytest.mark.parametrize("state", ["just started", "idle", "without service", "service lost", "card in"])
def test_stop_ends_the_thread_in_every_state(
    set_stage: Callable[..., Stage], watch: Callable[..., Any], put_card: Callable[..., Any], state: str
) -> None:
    """Whatever the monitor waits for, `stop` ends its thread."""
    stage = set_stage(2, autostart=state != "without service")
    told = watch()
    if state == "idle":
        told.expect(ReaderAdded)
        _await_silence(told.monitor._thread.native_id)
    elif state == "without service":
        told.expect(ServiceDown)
    elif state == "service lost":
        told.expect(ServiceUp)
        stage.stop_pcscd(signal.SIGKILL)
        told.expect(ServiceDown)
    elif state == "card in":
        put_card(stage)
        told.expect(CardInserted)
    assert told.monitor.stop(DEADLINE)
    assert not told.monitor._thread.is_alive()


def test_stop_returns_though_the_service_hangs(set_stage: Callable[..., Stage], watch: Callable[..., Any]) -> None:
    """A service that neither answers nor dies keeps the thread, not its stopper; the thread ends when it goes on."""
    stage = set_stage(2)
    told = watch()
    told.expect(ReaderAdded)
    _await_silence(told.monitor._thread.native_id)
    pcscd = stage.pcscd_pid
    os.kill(pcscd, signal.SIGSTOP)
    try:
        assert told.monitor.stop(0.2) is False
    finally:
        os.kill(pcscd, signal.SIGCONT)
    told.monitor._thread.join(DEADLINE)
    assert not told.monitor._thread.is_alive()


def _await_counter(reader: str, count: int) -> None:
    """Wait until pcscd has counted so many insertions and removals in a reader."""
    context = scard.Context.establish()
    try:
        deadline = time.monotonic() + DEADLINE
        word = scard.STATE_UNAWARE
        while word >> 16 < count:
            assert time.monotonic() < deadline
            (look,) = context.get_status_change([(reader, word)], 1000)
            word = look.word & ~scard.STATE_CHANGED
    finally:
        context.release()


def _await_silence(thread: int) -> None:
    """Wait until a thread was not scheduled for a whole second. Fails if that does not come to pass."""
    deadline = time.monotonic() + DEADLINE
    while True:
        before = _switches(thread)
        time.sleep(1.2)
        if _switches(thread) == before:
            return
        assert time.monotonic() < deadline


def _switches(thread: int) -> int:
    status = Path(f"/proc/self/task/{thread}/status").read_text(encoding="ascii")
    return sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line)
