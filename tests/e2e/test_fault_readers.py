"""A reader that is unplugged, and a pcscd that is killed, in each phase of an operation; and back."""

import signal
import threading
from collections.abc import Callable, Iterator

import pytest
from e2e_fault_bench import (
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
from e2e_household import CODES, PIN, READER_1, Household, code
from e2e_model_card import carries_code


@pytest.fixture(autouse=True)
def pcscd_again(house: Household) -> Iterator[None]:
    """Start pcscd again after a test that ended too early to do so."""
    yield
    if house.stage.pcscd_pid is None:
        house.stage.stop_pcscd()
        house.stage.start_pcscd()


def happened(use: Use, *, wrong: bool) -> bool | None:
    """Return what the counters tell of a code that came to the chip."""
    if use.name == "unblock":
        return not wrong
    return False if wrong else None


def from_now(ready: threading.Event, is_it: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
    """Return `is_it`, which is false until `ready`."""
    return lambda command: ready.is_set() and is_it(command)


def asks_counter(command: bytes) -> bool:
    """Tell whether a command asks for a counter."""
    return command[1] == 0x20 and not carries_code(command)


@every_use
def test_a_reader_that_is_unplugged_already(house: Household, use: Use) -> None:
    """That is reader.unknown, nothing is sent; plugged in again the card is there as it was."""
    model, witness = put_in(house, use)
    house.unplug()
    error = ask(house, use, wrong=True)
    assert (error["code"], error["retryable"]) == ("reader.unknown", False)
    house.plug()
    assert code(house.await_reader("ready"), use.judged)["triesLeft"] == use.full
    assert (model.codes_sent, witness.rows(), witness.notices()) == (0, [], [])
    assert_pin(house, use, done=False)


@every_use
def test_a_reader_unplugged_before_the_code(house: Household, use: Use) -> None:
    """While the counter is read: an error that says so, no code was sent, nothing is to be learnt later."""
    ready = threading.Event()
    stop = Stop(from_now(ready, asks_counter))
    model, witness = put_in(house, use, before=stop)
    ready.set()
    with house.wire(CODES) as wire:
        begin(house, wire, use, wrong=True)
        stop.await_it()
        house.unplug()
        stop.go.set()
        error = told(wire.receive())
    assert (error["code"], error["retryable"]) == ("card.removed", False)
    house.plug()
    assert code(house.await_reader("ready"), use.judged)["triesLeft"] == use.full
    assert (model.codes_sent, witness.notices()) == (0, [])
    witness.the_row(use, "card.removed", before=use.full, after=None)
    assert_pin(house, use, done=False)
    assert witness.is_whole()


@right_and_wrong
@every_use
def test_a_reader_unplugged_with_the_code_at_the_chip(house: Household, use: Use, wrong: bool) -> None:
    """card.outcomeUnknown; the other reader goes on; plugged in again the card tells."""
    stop = Stop()
    house.insert("second", reader=1)
    model, witness = put_in(house, use, after=stop)
    left = use.left(sent=True, wrong=wrong)
    with house.wire(CODES) as wire, house.wire(CODES) as other:
        begin(house, wire, use, wrong=wrong)
        stop.await_it()
        house.unplug()
        verify = {"reader": READER_1, "role": "authentication", "code": PIN}
        assert told(other.call(f"{CODES}.Verify", verify))["triesLeft"] == 3
        stop.go.set()
        error = told(wire.receive())
    assert (error["code"], error["retryable"], error["role"]) == ("card.outcomeUnknown", False, use.judged)
    assert witness.notices() == []
    house.plug()
    assert code(house.await_reader("ready"), use.judged)["triesLeft"] == left
    witness.learnt(use, before=use.full, after=left, happened=happened(use, wrong=wrong))
    assert (house.tries(use.card, use.judged), model.codes_sent) == (left, 1)
    assert_locked(house, use, left)
    assert_pin(house, use, done=not wrong)
    assert witness.is_whole()


def killed(house: Household) -> None:
    """Kill pcscd, and wait until the daemon shows that it is gone."""
    house.stage.stop_pcscd(signal.SIGKILL)
    house.await_picture(lambda seen: not seen["service"])


@every_use
def test_pcscd_killed_while_nothing_goes_on(house: Household, use: Use) -> None:
    """pcsc.unavailable, which may be tried again; with a new pcscd the card is read again and all goes on."""
    model, witness = put_in(house, use)
    killed(house)
    error = ask(house, use, wrong=False)
    assert (error["code"], error["retryable"]) == ("pcsc.unavailable", True)
    assert picture(house)["readers"] == []
    house.stage.start_pcscd()
    house.await_reader("ready")
    assert (model.codes_sent, witness.rows(), witness.notices()) == (0, [], [])
    assert "code" not in ask(house, use, wrong=False)
    assert model.codes_sent == 1
    assert_locked(house, use, use.full)
    assert_pin(house, use, done=True)


def test_pcscd_killed_while_a_card_is_read(house: Household) -> None:
    """No reader is shown meanwhile, and then the card, whole."""
    stop = Stop(lambda command: command[1] == 0xB0)
    model = house.model("ordinary", before=stop)
    model.insert()
    stop.await_it()
    killed(house)
    stop.go.set()
    house.stage.start_pcscd()
    shown = house.await_reader("ready")
    assert len(shown["card"]["certificates"]) == 4
    assert [one["triesLeft"] for one in shown["card"]["codes"]] == [3, 3, 10]


@every_use
def test_pcscd_killed_before_the_code(house: Household, use: Use) -> None:
    """While the counter is read: pcsc.unavailable, and no code was sent."""
    ready = threading.Event()
    stop = Stop(from_now(ready, asks_counter))
    model, witness = put_in(house, use, before=stop)
    ready.set()
    with house.wire(CODES) as wire:
        begin(house, wire, use, wrong=True)
        stop.await_it()
        killed(house)
        error = told(wire.receive())
    stop.go.set()
    assert (error["code"], error["retryable"]) == ("pcsc.unavailable", True)
    house.stage.start_pcscd()
    assert code(house.await_reader("ready"), use.judged)["triesLeft"] == use.full
    assert (model.codes_sent, witness.notices()) == (0, [])
    witness.the_row(use, "pcsc.unavailable", before=use.full, after=None)
    assert_pin(house, use, done=False)
    assert witness.is_whole()


@right_and_wrong
@every_use
def test_pcscd_killed_with_the_code_at_the_chip(house: Household, use: Use, wrong: bool) -> None:
    """card.outcomeUnknown; with a new pcscd the card is read again, and tells."""
    stop = Stop()
    model, witness = put_in(house, use, after=stop)
    left = use.left(sent=True, wrong=wrong)
    with house.wire(CODES) as wire:
        begin(house, wire, use, wrong=wrong)
        stop.await_it()
        killed(house)
        error = told(wire.receive())
    stop.go.set()
    assert (error["code"], error["retryable"], error["role"]) == ("card.outcomeUnknown", False, use.judged)
    witness.the_row(use, "card.outcomeUnknown", before=use.full, after=None)
    house.stage.start_pcscd()
    assert code(house.await_reader("ready"), use.judged)["triesLeft"] == left
    witness.learnt(use, before=use.full, after=left, happened=happened(use, wrong=wrong))
    assert (house.tries(use.card, use.judged), model.codes_sent) == (left, 1)
    assert_locked(house, use, left)
    assert_pin(house, use, done=not wrong)
    assert witness.is_whole()


@right_and_wrong
@every_use
def test_pcscd_killed_after_the_code(house: Household, use: Use, wrong: bool) -> None:
    """The card's word was heard: the caller gets it, whatever became of the rest; nothing is in doubt later."""
    sent = Once()
    stop = Stop(lambda command: sent.was.is_set() and not carries_code(command))
    model, witness = put_in(house, use, before=stop, after=lambda command: sent(command) and False)
    left = use.left(sent=True, wrong=wrong)
    with house.wire(CODES) as wire:
        begin(house, wire, use, wrong=wrong)
        if wrong:
            reply = told(wire.receive())
            killed(house)
        else:
            stop.await_it()
            killed(house)
            reply = told(wire.receive())
    stop.go.set()
    if wrong:
        assert (reply["code"], reply["triesLeft"]) == ("puk.wrong" if use.judged == "puk" else "pin.wrong", left)
        witness.the_row(use, reply["code"], before=use.full, after=left)
    else:
        assert ("code" not in reply, reply["triesLeft"]) == (True, 3)
        witness.the_row(use, "done", before=use.full, after=use.full if use.judged == "authentication" else None)
    house.stage.start_pcscd()
    assert code(house.await_reader("ready"), use.judged)["triesLeft"] == left
    assert (house.tries(use.card, use.judged), model.codes_sent) == (left, 1)
    assert witness.notices() == []
    assert_locked(house, use, left)
    assert_pin(house, use, done=not wrong)
    assert witness.is_whole()
