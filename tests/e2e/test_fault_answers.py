"""A card that answers badly: torn, empty, too long, by an error, late, or not at all."""

import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from e2e_fault_bench import (
    USES,
    Once,
    Stop,
    Use,
    ask,
    assert_locked,
    assert_pin,
    begin,
    every_use,
    picture,
    put_in,
    right_and_wrong,
    told,
)
from e2e_household import CODES, DEADLINE, PIN, READER_1, Household, code
from e2e_model_card import carries_code

from sithsd.simulator.ifd import Tell

VERIFY = USES[0]
SPOILT = {"torn": b"\x90", "empty": b""}


def spoil(answer: bytes | Tell) -> Callable[[bytes, bytes], Any]:
    """Return what gives this answer to the first command with a code, whatever the chip's was."""
    once = Once()
    return lambda command, real: answer if once(command) else real


def happened(use: Use, *, wrong: bool) -> bool | None:
    """Return what the counters tell of a code that came to the chip."""
    if use.name == "unblock":
        return not wrong
    return False if wrong else None


@pytest.mark.parametrize("spoilt", SPOILT.values(), ids=SPOILT)
@right_and_wrong
@every_use
def test_an_answer_that_is_torn_or_empty(house: Household, use: Use, wrong: bool, spoilt: bytes) -> None:
    """card.outcomeUnknown, sent once; the card, which is still in, is reset and read again, and that tells."""
    instead = spoil(spoilt)
    model, witness = put_in(house, use, instead=instead)
    left = use.left(sent=True, wrong=wrong)
    error = ask(house, use, wrong=wrong)
    assert (error["code"], error["retryable"], error["role"]) == ("card.outcomeUnknown", False, use.judged)
    witness.learnt(use, before=use.full, after=left, happened=happened(use, wrong=wrong))
    assert code(house.await_reader("ready"), use.judged)["triesLeft"] == left
    assert (house.tries(use.card, use.judged), model.codes_sent) == (left, 1)
    witness.the_row(use, "card.outcomeUnknown", before=use.full, after=None)
    assert_locked(house, use, left)
    assert_pin(house, use, done=not wrong)
    assert witness.is_whole()


@right_and_wrong
@every_use
def test_an_error_that_says_nothing(house: Household, use: Use, wrong: bool) -> None:
    """6F00, whatever the chip did: card.refused with the status word; the card is read again, and that tells."""
    instead = spoil(bytes.fromhex("6F00"))
    model, witness = put_in(house, use, instead=instead)
    left = use.left(sent=True, wrong=wrong)
    error = ask(house, use, wrong=wrong)
    assert (error["code"], error["retryable"], error["statusWord"]) == ("card.refused", False, 0x6F00)
    witness.learnt(use, before=use.full, after=left, happened=happened(use, wrong=wrong))
    assert code(house.await_reader("ready"), use.judged)["triesLeft"] == left
    assert (house.tries(use.card, use.judged), model.codes_sent) == (left, 1)
    witness.the_row(use, "card.refused", before=use.full, after=None)
    assert_locked(house, use, left)
    assert_pin(house, use, done=not wrong)
    assert witness.is_whole()


@pytest.mark.parametrize("data", [b"", bytes(16)], ids=["alone", "long"])
@every_use
def test_a_success_that_is_none(house: Household, use: Use, data: bytes) -> None:
    """9000 for a code that the chip did not take: its own counter denies it; card.outcomeUnknown, and learnt."""
    instead = spoil(data + b"\x90\x00")
    model, witness = put_in(house, use, instead=instead)
    left = use.left(sent=True, wrong=True)
    error = ask(house, use, wrong=True)
    assert (error["code"], error["retryable"], error["role"]) == ("card.outcomeUnknown", False, use.judged)
    witness.learnt(use, before=use.full, after=left, happened=False)
    assert (house.tries(use.card, use.judged), model.codes_sent) == (left, 1)
    witness.the_row(use, "card.outcomeUnknown", before=use.full, after=None)
    assert code(house.await_reader("ready"), use.judged)["triesLeft"] == left
    assert_locked(house, use, left)
    assert_pin(house, use, done=False)
    assert witness.is_whole()


@every_use
def test_an_answer_that_is_too_long_before_the_code(house: Household, use: Use) -> None:
    """Where the card is proven to be the one that was read: card.unreadable, and no code is sent."""
    ready = threading.Event()

    def reads(command: bytes) -> bool:
        return ready.is_set() and command[1] == 0xB0

    once = Once(reads)
    model, witness = put_in(
        house, use, instead=lambda command, real: real[:-2] + bytes(300) + b"\x90\x00" if once(command) else real
    )
    ready.set()
    error = ask(house, use, wrong=True)
    assert (error["code"], error["retryable"]) == ("card.unreadable", False)
    assert (model.codes_sent, house.tries(use.card, use.judged)) == (0, use.full)
    assert code(house.await_reader("ready"), use.judged)["triesLeft"] == use.full
    witness.the_row(use, "card.unreadable", before=use.full, after=None)
    assert witness.notices() == []
    assert_pin(house, use, done=False)
    assert witness.is_whole()


@pytest.mark.parametrize(("use", "seconds"), [(USES[0], 5.0), (USES[1], 2.5), (USES[2], 2.5)], ids=str)
def test_a_card_that_takes_its_time(house: Household, use: Use, seconds: float) -> None:
    """Longer than anybody waits for a card: it is waited for, done once, and status and other readers go on."""
    late = threading.Event()

    def after(command: bytes) -> bool:
        if carries_code(command) and not late.is_set():
            late.set()
            never.wait(seconds)
        return False

    never = threading.Event()
    house.insert("second", reader=1)
    model, witness = put_in(house, use, after=after)
    with house.wire(CODES) as wire, house.wire(CODES) as other:
        begin(house, wire, use, wrong=False)
        assert late.wait(DEADLINE)
        assert code(picture(house)["readers"][0], use.judged)["triesLeft"] == use.full
        verify = {"reader": READER_1, "role": "authentication", "code": PIN}
        assert told(other.call(f"{CODES}.Verify", verify))["triesLeft"] == 3
        begin(house, other, VERIFY, wrong=True)
        busy = told(other.receive())
        done = told(wire.receive())
    assert (done.get("code"), done["triesLeft"]) == (None, 3)
    assert (busy["code"], busy["retryable"]) in {("reader.busy", True), ("pin.blocked", False)}
    assert model.codes_sent == 1
    rows = [row.result for row in witness.rows() if (row.operation, row.reader) == (use.name, house.readers[0])]
    assert rows.count("done") == 1
    assert witness.notices() == []
    assert_locked(house, use, use.full)
    assert_pin(house, use, done=True)
    assert witness.is_whole()


@right_and_wrong
@every_use
def test_a_card_that_falls_silent(house: Household, use: Use, wrong: bool) -> None:
    """A reader that gives up waiting says so: card.outcomeUnknown; after the reset the card speaks again, and tells."""
    instead = spoil(Tell.NO_ANSWER)
    model, witness = put_in(house, use, instead=instead)
    left = use.left(sent=True, wrong=wrong)
    error = ask(house, use, wrong=wrong)
    assert (error["code"], error["retryable"]) == ("card.outcomeUnknown", False)
    witness.learnt(use, before=use.full, after=left, happened=happened(use, wrong=wrong))
    assert (house.tries(use.card, use.judged), model.codes_sent) == (left, 1)
    assert_locked(house, use, left)
    assert_pin(house, use, done=not wrong)
    assert witness.is_whole()


@every_use
def test_a_mute_card_in_a_patient_reader(house: Household, use: Use) -> None:
    """A call with no end: nothing else waits for it, others are told reader.busy; taking the card out ends it."""
    stop = Stop(out=True)
    house.insert("second", reader=1)
    model, witness = put_in(house, use, after=stop)
    with house.wire(CODES) as wire:
        begin(house, wire, use, wrong=True)
        stop.await_it()
        assert picture(house)["readers"][0]["state"] == "ready"
        with house.wire(CODES) as other:
            verify = {"reader": READER_1, "role": "authentication", "code": PIN}
            assert told(other.call(f"{CODES}.Verify", verify))["triesLeft"] == 3
        busy = ask(house, use, wrong=True)
        assert (busy["code"], busy["retryable"]) == ("reader.busy", True)
        stop.go.set()
        error = told(wire.receive())
    assert error["code"] == "card.outcomeUnknown"
    house.await_reader("empty")
    model.remove()
    model.insert()
    witness.learnt(use, before=use.full, after=use.full - 1, happened=False)
    assert model.codes_sent == 1
    assert_locked(house, use, use.full - 1)
    assert witness.is_whole()


def test_a_caller_does_not_wait_for_ever_for_a_mute_card(house: Household) -> None:
    """After a while the call ends by itself, though the card is as mute as before; taken out and put in, it tells."""
    use, stop = VERIFY, Stop(out=True)
    model, witness = put_in(house, use, after=stop)
    error = ask(house, use, wrong=True)
    assert not stop.go.is_set()
    assert (error["code"], error["retryable"], error["role"]) == ("card.outcomeUnknown", False, use.judged)
    witness.the_row(use, "card.outcomeUnknown", before=use.full, after=None)
    stop.go.set()
    house.await_reader("empty")
    model.remove()
    model.insert()
    witness.learnt(use, before=3, after=2, happened=False)
    assert model.codes_sent == 1
    assert_locked(house, use, 2)
    assert witness.is_whole()


def test_a_daemon_that_is_told_to_end_leaves_a_mute_card(house: Household) -> None:
    """SIGTERM is obeyed in order; the next daemon has the operation's row, and tells what became of it."""
    use, stop = VERIFY, Stop()
    _, witness = put_in(house, use, after=stop)
    with house.wire(CODES) as wire:
        begin(house, wire, use, wrong=True)
        stop.await_it()
        assert house.daemon is not None
        house.daemon.send_signal(signal.SIGTERM)
        assert house.daemon.wait(DEADLINE) == 0
        stop.go.set()
    house.start()
    witness.daemon_is_new()
    witness.learnt(use, before=3, after=2, happened=False)
    witness.the_row(use, "unknown", before=3, after=None)
    assert_locked(house, use, 2)
    assert witness.is_whole()
