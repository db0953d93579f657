"""Other programs at the same card: they hold it, reset it, use up its tries; and a card that is changed for another."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable

import pytest
from e2e_fault_bench import (
    USES,
    Stop,
    Use,
    ask,
    assert_locked,
    assert_pin,
    begin,
    every_use,
    picture,
    put_in,
    told,
)
from e2e_household import CODES, DEADLINE, PIN, READER_0, WRONG_PIN, Household, code

NOBODY = 65534
VERIFY_CALL = {"role": "authentication", "code": WRONG_PIN}
both_modes = pytest.mark.parametrize("mode", ["shared", "exclusive"])


@pytest.mark.parametrize(("use", "mode"), [*((use, "shared") for use in USES), (USES[0], "exclusive")], ids=str)
def test_a_card_held_by_another_program(house: Household, use: Use, mode: str) -> None:
    """That is reader.busy, with the holder's name and pid; nothing is sent then or later; status goes on."""
    model, witness = put_in(house, use)
    let_go = house.hold(mode=mode)
    error = ask(house, use, wrong=True)  # the holder would keep it for ever
    assert (error["code"], error["retryable"]) == ("reader.busy", True)
    # All programs that use PC/SC may be the holder; on a machine with one, that is the one.
    assert f"card_holder.py (pid {house.holder_pid})" in error["holder"]
    assert picture(house)["readers"][0]["card"]["holder"]["hsaId"].startswith("SE")
    witness.the_row(use, "reader.busy", before=use.full, after=None)
    let_go()
    assert_locked(house, use, use.full)
    assert model.codes_sent == 0
    assert "code" not in ask(house, use, wrong=False)
    assert (model.codes_sent, witness.notices()) == (1, [])
    assert_pin(house, use, done=True)
    assert witness.is_whole()


def test_a_script_is_told_who_holds_the_card(house: Household) -> None:
    """Exit status 9, and the same fields."""
    house.insert("ordinary")
    let_go = house.hold()
    house.apdus(reset=True)
    answer = house.verify(WRONG_PIN)
    assert (answer.status, answer.error["code"], answer.error["retryable"]) == (9, "reader.busy", True)
    assert f"card_holder.py (pid {house.holder_pid})" in answer.error["holder"]
    assert house.apdus() == 0
    let_go()
    assert house.verify(PIN).json["triesLeft"] == 3


def test_a_holder_that_may_not_be_seen(new_house: Callable[..., Household], become: list[str]) -> None:
    """A daemon that is another user than the holder, and may not look at it: the holder is not named."""
    house = new_house(1)
    house.run.mkdir()
    for place in (house.run, house.state, *house.state.rglob("*")):
        os.chown(place, NOBODY, NOBODY)
    house.become = [*become, "--clear-groups"]
    house.start()
    house.insert("ordinary")
    let_go = house.hold()
    error = ask(house, USES[0], wrong=True)
    assert (error["code"], error["holder"]) == ("reader.busy", None)
    let_go()
    assert "code" not in ask(house, USES[0], wrong=False)


@both_modes
def test_a_card_that_is_held_when_the_daemon_comes(house: Household, mode: str) -> None:
    """The reader is shown busy, neither empty nor unsupported, and the card as soon as it is free."""
    house.stop()
    house.order(house.put("ordinary"))
    let_go = house.hold(mode=mode)
    house.start()
    shown = house.await_reader("busy")
    assert shown["reason"] == "reader.busy"
    answer = house.verify(WRONG_PIN)
    assert (answer.status, answer.error["code"]) == (9, "reader.busy")
    let_go()
    assert code(house.await_reader("ready"))["triesLeft"] == 3


def test_a_holder_that_is_killed_does_not_take_the_card_along(house: Household) -> None:
    """Pcscd resets the card of a program that dies inside its transaction; the next call works."""
    house.insert("ordinary")
    house.hold()
    with house.wire(CODES) as wire:
        wire.ask(f"{CODES}.Verify", {**VERIFY_CALL, "code": PIN})
        house.kill_holder()
        reply = wire.receive()
    assert reply["parameters"]["triesLeft"] == 3
    assert "error" not in reply


@both_modes
@every_use
def test_a_card_reset_by_another_program_between_calls(house: Household, use: Use, mode: str) -> None:
    """A reset between two calls leaves the counters what they are; the next call works, and is sent once."""
    model, witness = put_in(house, use)
    house.hold(mode=mode)("reset")
    assert ask(house, use, wrong=True)["triesLeft"] == use.full - 1
    house.hold(mode=mode)("reset")
    assert "code" not in ask(house, use, wrong=False)
    assert (model.codes_sent, witness.notices()) == (2, [])
    assert_pin(house, use, done=True)
    assert witness.is_whole()


WAITING = """
import sys
from smartcard import scard
reader, command = sys.argv[1], list(bytes.fromhex(sys.argv[2]))
_, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
_, card, protocol = scard.SCardConnect(context, reader, scard.SCARD_SHARE_SHARED, protocols)
print("connected", flush=True)
sys.stdin.readline()
code = scard.SCardBeginTransaction(card)
while code == scard.SCARD_W_RESET_CARD:
    scard.SCardReconnect(card, scard.SCARD_SHARE_SHARED, protocols, scard.SCARD_LEAVE_CARD)
    code = scard.SCardBeginTransaction(card)
for one in ([0x00, 0xA4, 0x04, 0x0C, 0x0C, *bytes.fromhex("A000000063504B43532D3135")], command):
    code, answer = scard.SCardTransmit(card, protocol, one)
scard.SCardEndTransaction(card, scard.SCARD_LEAVE_CARD)
scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)
print(bytes(answer).hex(), flush=True)
"""


@every_use
def test_a_program_that_waits_for_the_card_finds_it_locked(house: Household, use: Use) -> None:
    """Whoever gets the card next, right after a code was taken, can do nothing with it: our lock is in our turn."""
    stop = Stop()
    model, witness = put_in(house, use, after=stop)
    neighbour = house.background([sys.executable, "-c", WAITING, READER_0, "00200001"], text=True)
    assert neighbour.stdout is not None
    assert neighbour.stdin is not None
    assert neighbour.stdout.readline() == "connected\n"
    with house.wire(CODES) as wire:
        begin(house, wire, use, wrong=False)
        stop.await_it()
        neighbour.stdin.write("\n")
        neighbour.stdin.flush()
        stop.go.set()
        assert told(wire.receive())["triesLeft"] == 3
    assert neighbour.stdout.readline() == "63c3\n"
    assert (model.codes_sent, witness.notices()) == (1, [])


@every_use
def test_tries_that_another_program_used_up(house: Household, use: Use) -> None:
    """Between prompt and call: nothing is sent, for the person was shown more; notice, log and audit tell of it."""
    model, witness = put_in(house, use)
    padded = {"authentication": "00 20 00 01 08 30 30 30 30 30 30 FF FF"}
    padded["puk"] = "00 2C 00 01 10 30 30 30 30 30 30 30 30 39 31 38 32 37 33 FF FF"
    neighbour = house.background([sys.executable, "-c", WAITING, READER_0, padded[use.judged]], text=True)
    assert neighbour.communicate("\n", timeout=DEADLINE)[0].splitlines()[-1].startswith("63c")
    left = use.full - 1
    assert (house.tries(use.card, use.judged), model.codes_sent) == (left, 1)
    error = ask(house, use, wrong=False, expectedTries=use.full)
    assert (error["code"], error["triesLeft"]) == ("puk.triesChanged" if left > 3 else "pin.triesChanged", left)
    assert model.codes_sent == 1
    (row,) = witness.await_rows("code.triesLostElsewhere")
    assert (row.role, row.tries_before, row.tries_after, row.uid) == (use.judged, use.full, left, None)
    (notice,) = witness.notices()
    assert (notice["code"], notice["role"]) == ("code.triesLostElsewhere", use.judged)
    assert len(witness.logged("code.triesLostElsewhere")) == 1
    assert_locked(house, use, left)
    assert "code" not in ask(house, use, wrong=False, expectedTries=left)
    assert_pin(house, use, done=True)
    assert len(witness.notices()) == 1
    assert witness.is_whole()


@pytest.mark.parametrize("named", [False, True])
@every_use
def test_a_card_changed_for_another_between_two_polls(house: Household, use: Use, named: bool) -> None:
    """The code that was typed for the first card goes to neither; the second one is read and shown."""
    model, witness = put_in(house, use)
    first, second = house.serial(use.card), house.chip("second")
    model.exchange(second)
    more = {"cardSerial": first} if named else {}
    error = ask(house, use, wrong=True, **more)
    assert (error["code"], error["retryable"]) == ("card.changed", False)
    assert error["cardSerial"] == first
    shown = house.await_reader("ready", serial=house.serial("second"))
    assert [one["triesLeft"] for one in shown["card"]["codes"]] == [3, 3, 10]
    if named:
        assert ask(house, use, wrong=True, **more)["code"] == "card.changed"
    assert (model.codes_sent, house.tries(use.card, use.judged), house.tries("second")) == (0, use.full, 3)
    assert witness.notices() == []
    assert witness.is_whole()


def test_a_daemon_ends_while_another_program_holds_the_card(house: Household) -> None:
    """SIGTERM is obeyed though PC/SC calls hang; the exit status is 0."""
    house.insert("ordinary")
    let_go = house.hold()
    with house.wire(CODES) as wire, house.wire() as other:
        wire.ask(f"{CODES}.Verify", VERIFY_CALL)
        other.call("io.sithsd.Cards.List")  # answered, so the daemon has seen what came before
        assert house.daemon is not None
        house.daemon.send_signal(signal.SIGTERM)
        said = wire.receive()["parameters"]
        assert said["code"] in {"reader.busy", "reader.unknown", "daemon.unavailable"}
    house.stop()
    let_go()
    house.start()
    assert code(house.await_reader("ready"))["triesLeft"] == 3


def test_ten_programs_share_a_card_in_turn(house: Household) -> None:
    """Ten clients at once: each is answered, by the card or by reader.busy, and the counter is true at the end."""
    house.insert("ordinary")
    answers = []

    def one(digits: str) -> None:
        with house.wire(CODES) as wire:
            answers.append(wire.call(f"{CODES}.Verify", {"role": "authentication", "code": digits}))

    threads = [threading.Thread(target=one, args=(PIN,)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results = [answer["parameters"].get("code", "done") for answer in answers]
    assert len(results) == 10
    assert set(results) <= {"done", "reader.busy"}
    assert "done" in results
    assert house.tries("ordinary") == 3
    assert json.dumps(answers).count(PIN) == 0
    assert house.await_reader("ready")["name"] == READER_0
