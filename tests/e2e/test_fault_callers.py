"""A caller who goes away, or a daemon that is killed, in the midst of an operation."""

import signal
import subprocess

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
from e2e_household import CODES, PIN, WRONG_PIN, Household, code


def happened(use: Use, *, wrong: bool) -> bool | None:
    """Return what the counters tell of a code that came to the chip."""
    if use.name == "unblock":
        return not wrong
    return False if wrong else None


@every_use
def test_a_caller_who_goes_before_it_begins(house: Household, use: Use) -> None:
    """While another program has the card: nothing is sent, also later; the row says that it was abandoned."""
    model, witness = put_in(house, use)
    let_go = house.hold()
    with house.wire(CODES) as wire:
        begin(house, wire, use, wrong=True)
        picture(house)  # answered, so the call was taken
    picture(house)  # answered, so it was noticed that the caller went
    let_go()
    (row,) = witness.await_rows(use.name)
    # On a machine that took two seconds for this it was busy before it was abandoned.
    assert row.result in {"abandoned", "reader.busy"}
    assert (row.tries_before, row.tries_after) == (use.full, None)
    assert_locked(house, use, use.full)
    assert (model.codes_sent, witness.notices()) == (0, [])
    assert len(witness.rows()) == 1
    assert_pin(house, use, done=False)
    assert witness.is_whole()


@right_and_wrong
@every_use
def test_a_caller_who_goes_with_the_code_at_the_chip(house: Household, use: Use, wrong: bool) -> None:
    """What has begun is ended: counted once, told in the row and in the picture; nothing is in doubt."""
    stop = Stop()
    model, witness = put_in(house, use, after=stop)
    left = use.left(sent=True, wrong=wrong)
    with house.wire(CODES) as wire:
        begin(house, wire, use, wrong=wrong)
        stop.await_it()
    stop.go.set()
    (row,) = witness.await_rows(use.name)
    wrong_result = "puk.wrong" if use.judged == "puk" else "pin.wrong"
    assert (row.result, row.tries_before, row.tries_after) == (wrong_result if wrong else "done", use.full, left)
    house.await_picture(lambda seen: code(seen["readers"][0], use.judged)["triesLeft"] == left)
    assert (house.tries(use.card, use.judged), model.codes_sent) == (left, 1)
    assert witness.notices() == []
    assert_locked(house, use, left)
    assert_pin(house, use, done=not wrong)
    assert witness.is_whole()


def test_a_script_that_is_killed_in_the_midst(house: Household) -> None:
    """The same by sithsctl, killed with its code at the chip: the one try is counted once."""
    use, stop = USES[0], Stop()
    model, witness = put_in(house, use, after=stop)
    command = [*house.program("sithsctl"), "verify", "--role", "authentication", "--code-fd", "0"]
    client = house.background(command, stderr=subprocess.DEVNULL)
    assert client.stdin is not None
    client.stdin.write(f"{WRONG_PIN}\n".encode())
    client.stdin.close()
    client.stdin = None
    stop.await_it()
    client.kill()
    client.wait()
    stop.go.set()
    (row,) = witness.await_rows("verify")
    assert (row.result, row.tries_after, row.pid) == ("pin.wrong", 2, client.pid)
    assert (house.tries(use.card), model.codes_sent) == (2, 1)
    assert house.verify(PIN).json["triesLeft"] == 3


@right_and_wrong
@every_use
def test_a_daemon_killed_with_the_code_at_the_chip(house: Household, use: Use, wrong: bool) -> None:
    """The caller's connection breaks; the next daemon writes the row "unknown", reads the card, and tells."""
    stop = Stop()
    model, witness = put_in(house, use, after=stop)
    left = use.left(sent=True, wrong=wrong)
    with house.wire(CODES) as wire:
        begin(house, wire, use, wrong=wrong)
        stop.await_it()
        house.kill()
        with pytest.raises(EOFError):
            wire.receive()
    stop.go.set()
    house.start()
    witness.daemon_is_new()
    assert code(house.await_reader("ready"), use.judged)["triesLeft"] == left
    # Only the judged code's counter outlives a daemon: of a PUK that is full again it tells nothing.
    witness.learnt(use, before=use.full, after=left, happened=False if wrong else None)
    witness.the_row(use, "unknown", before=use.full, after=None)
    assert (house.tries(use.card, use.judged), model.codes_sent) == (left, 1)
    assert_locked(house, use, left)
    assert_pin(house, use, done=not wrong)
    assert len(witness.notices()) == 1
    assert witness.is_whole()


@every_use
def test_a_daemon_killed_before_the_code(house: Household, use: Use) -> None:
    """The next daemon does not know either whether it was sent; the counter says that no try went."""
    stop = Stop(lambda command: command[1] == 0x20)
    model, witness = put_in(house, use)
    model.stop_at(stop)
    with house.wire(CODES) as wire:
        begin(house, wire, use, wrong=True)
        stop.await_it()
        house.kill()
    stop.go.set()
    house.start()
    witness.daemon_is_new()
    assert code(house.await_reader("ready"), use.judged)["triesLeft"] == use.full
    witness.learnt(use, before=use.full, after=use.full, happened=None)
    witness.the_row(use, "unknown", before=use.full, after=None)
    assert (house.tries(use.card, use.judged), model.codes_sent) == (use.full, 0)
    assert_pin(house, use, done=False)
    assert witness.is_whole()


def test_a_script_whose_daemon_dies_must_not_repeat_the_call(house: Household) -> None:
    """The call may have used a try: daemon.unavailable, not retryable, exit status 3; `audit verify` says whole."""
    once = Once()

    def dies(command: bytes) -> bool:
        if once(command):
            house.kill()
        return False

    model, witness = put_in(house, USES[0], after=dies)
    answer = house.verify(WRONG_PIN)
    assert (answer.status, answer.error["code"], answer.error["retryable"]) == (3, "daemon.unavailable", False)
    house.start()
    witness.daemon_is_new()
    witness.learnt(USES[0], before=3, after=2, happened=False)
    assert model.codes_sent == 1
    verdict = house.ctl("audit", "verify", "--json")
    assert verdict.status == 0, verdict


def test_a_daemon_that_ends_in_order_answers_first(house: Household) -> None:
    """SIGTERM with the code at the chip, which answers in time: the caller gets the card's word, the row is written."""
    use, stop = USES[0], Stop()
    _, witness = put_in(house, use, after=stop)
    with house.wire(CODES) as wire:
        begin(house, wire, use, wrong=True)
        stop.await_it()
        assert house.daemon is not None
        house.daemon.send_signal(signal.SIGTERM)
        witness.await_log("the service manager does not listen", state="STOPPING=1")
        stop.go.set()
        assert told(wire.receive())["triesLeft"] == 2
    house.stop()
    house.start()
    witness.daemon_is_new()
    witness.the_row(use, "pin.wrong", before=3, after=2)
    assert witness.notices() == []
    assert "code" not in ask(house, use, wrong=False)
    assert witness.is_whole()
