"""A card taken out in the midst, a caller gone in the midst, and other programs at the same card."""

import json
import signal
import threading
from collections.abc import Callable

import pytest
from e2e_household import (
    CODES,
    NEW_PIN,
    PIN,
    PUK,
    READER_0,
    WRONG_PIN,
    WRONG_PUK,
    Household,
    code,
)
from e2e_model_card import carries_code

VERIFY_CALL = {"role": "authentication", "code": WRONG_PIN}


def assert_removed(house: Household, call: Callable[[], object]) -> None:
    """Check that a call fails by card.removed, and that the reader is then shown empty."""
    answer = call()
    assert answer.status == 9  # type: ignore[attr-defined]  # an Answer
    error = answer.error  # type: ignore[attr-defined]
    assert (error["code"], error["retryable"]) == ("card.removed", False)
    assert house.await_reader("empty")["card"] is None


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("pin", [WRONG_PIN, PIN])
def test_a_card_pulled_out_of_verify(house: Household, moment: str, pin: str) -> None:
    """card.removed, the code is sent at most once, and the card put in again shows what it truly counted."""
    out = threading.Event()

    def once(command: bytes) -> bool:
        if carries_code(command) and not out.is_set():
            out.set()
            return True
        return False

    model = house.model("ordinary", **{moment: once})
    model.insert()
    house.await_reader("ready")
    assert_removed(house, lambda: house.verify(pin))
    counted = 2 if (moment, pin) == ("after", WRONG_PIN) else 3
    assert (house.tries("ordinary"), model.codes_sent) == (counted, 1 if moment == "after" else 0)
    model.remove()
    model.insert()
    assert code(house.await_reader("ready"))["triesLeft"] == counted
    assert house.verify(PIN).json["triesLeft"] == 3


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("puk", [WRONG_PUK, PUK])
def test_a_card_pulled_out_of_unblock(house: Household, moment: str, puk: str) -> None:
    """card.removed; the PUK is sent at most once, and afterwards the card's own word is shown, unblocked or not."""
    out = threading.Event()

    def once(command: bytes) -> bool:
        if carries_code(command) and not out.is_set():
            out.set()
            return True
        return False

    model = house.model("blocked", **{moment: once})
    model.insert()
    house.await_reader("ready")
    assert_removed(house, lambda: house.unblock(puk, NEW_PIN))
    done = moment == "after"
    counted = 9 if done and puk == WRONG_PUK else 10
    unblocked = done and puk == PUK
    assert (house.tries("blocked", "puk"), model.codes_sent) == (counted, int(done))
    model.remove()
    model.insert()
    shown = house.await_reader("ready")
    assert (code(shown, "puk")["triesLeft"], code(shown)["triesLeft"]) == (counted, 3 if unblocked else 0)


def test_a_card_pulled_out_while_its_counter_is_read(house: Household) -> None:
    """GetCodes ends with card.removed; no code was ever sent."""
    out = threading.Event()

    def gone(command: bytes) -> bool:
        return out.is_set() and command[1] == 0x20

    model = house.model("ordinary", before=gone)
    model.insert()
    house.await_reader("ready")
    out.set()
    answer = house.ctl("codes", "--json")
    assert (answer.status, answer.error["code"]) == (9, "card.removed")
    assert house.await_reader("empty")["card"] is None
    assert model.codes_sent == 0


@pytest.mark.parametrize("nth", [1, 5, 20])
def test_a_card_pulled_out_of_reading(house: Household, nth: int) -> None:
    """Wherever it happens the reader is empty afterwards, and the card put in again is read whole."""
    count = 0

    def gone(_: bytes) -> bool:
        nonlocal count
        count += 1
        return count == nth

    model = house.model("ordinary", before=gone)
    with house.wire() as stream:
        stream.ask("io.sithsd.Cards.Monitor", more=True)
        assert stream.receive()["parameters"]["readers"][0]["state"] == "empty"
        model.insert()
        states = [stream.receive()["parameters"]["readers"][0]["state"]]
        while states[-1] != "empty":
            states.append(stream.receive()["parameters"]["readers"][0]["state"])
    assert set(states) == {"reading", "empty"}
    model.remove()
    model.insert()
    assert len(house.await_reader("ready")["card"]["certificates"]) == 4


def test_a_slow_card_pulled_out_of_reading(house: Household) -> None:
    """The same with sithsd-sim's own card, slow enough that it is surely being read."""
    house.insert("ordinary", delay_ms=200, state="reading")
    with house.wire(CODES) as wire:
        wire.ask(f"{CODES}.Verify", VERIFY_CALL)
        house.remove()
        assert wire.receive()["parameters"]["code"] in {"card.removed", "card.absent", "reader.busy"}
    assert house.tries("ordinary") == 3
    assert len(house.insert("ordinary")["card"]["certificates"]) == 4


def test_a_slow_card_is_waited_for(house: Household) -> None:
    """A card that takes its time for each command is read all the same, and its code is used once."""
    house.insert("ordinary", delay_ms=20)
    assert house.verify(WRONG_PIN).error["triesLeft"] == 2
    assert house.tries("ordinary") == 2


def test_a_caller_who_goes_away_leaves_an_operation_whole(house: Household) -> None:
    """A client that dies in the midst of a call has its one try counted once, and the picture tells the truth."""
    asked, gone = threading.Event(), threading.Event()

    def hold_on(command: bytes) -> bool:
        if carries_code(command) and not gone.is_set():
            asked.set()
            gone.wait(30)
        return False

    model = house.model("ordinary", before=hold_on)
    model.insert()
    house.await_reader("ready")
    client = house.background([*house.program("sithsctl"), "verify", "--role", "authentication", "--code-fd", "0"])
    assert client.stdin is not None
    client.stdin.write(f"{WRONG_PIN}\n".encode())
    client.stdin.close()
    client.stdin = None
    assert asked.wait(30)
    client.kill()
    client.wait()
    gone.set()
    house.await_picture(lambda seen: code(seen["readers"][0])["triesLeft"] == 2)
    assert (house.tries("ordinary"), model.codes_sent) == (2, 1)
    assert house.verify(PIN).json["triesLeft"] == 3


def test_a_daemon_that_dies_in_the_midst_is_told_as_not_to_be_repeated(house: Household) -> None:
    """The call may have used a try: daemon.unavailable, not retryable; a new daemon shows the true counter."""
    asked = threading.Event()

    def hold_on(command: bytes) -> bool:
        if carries_code(command) and not asked.is_set():
            asked.set()
            house.kill()
        return False

    model = house.model("ordinary", after=hold_on)
    model.insert()
    house.await_reader("ready")
    answer = house.verify(WRONG_PIN)
    assert asked.is_set()
    assert (answer.status, answer.error["code"], answer.error["retryable"]) == (3, "daemon.unavailable", False)
    house.start()
    assert code(house.await_reader("ready"))["triesLeft"] == 2
    assert model.codes_sent == 1


@pytest.mark.parametrize("mode", ["shared", "exclusive"])
def test_a_card_held_by_another_program(house: Household, mode: str) -> None:
    """reader.busy in time, retryable; nothing is sent then or later; status goes on; afterwards all works."""
    house.insert("ordinary")
    let_go = house.hold(mode=mode)
    house.apdus(reset=True)
    answer = house.verify(WRONG_PIN)
    assert (answer.status, answer.error["code"], answer.error["retryable"]) == (9, "reader.busy", True)
    assert house.ctl("status", "--json").json["readers"][0]["card"]["holder"]["hsaId"] == "SE2321000016-SIM1"
    let_go()
    right = house.verify(PIN)
    assert (right.status, right.json["triesLeft"]) == (0, 3)
    assert house.tries("ordinary") == 3


@pytest.mark.parametrize("mode", ["shared", "exclusive"])
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


def test_another_program_that_resets_the_card_does_no_harm(house: Household) -> None:
    """A reset between two calls leaves the counters what they are; the next call works."""
    house.insert("ordinary")
    house.hold()("reset")
    assert house.verify(WRONG_PIN).error["triesLeft"] == 2
    house.hold(mode="exclusive")("reset")
    assert house.verify(PIN).json["triesLeft"] == 3


def test_a_daemon_ends_while_another_program_holds_the_card(house: Household) -> None:
    """SIGTERM is obeyed though PC/SC calls hang; the exit status is 0."""
    house.insert("ordinary")
    let_go = house.hold()
    with house.wire(CODES) as wire, house.wire() as other:
        wire.ask(f"{CODES}.Verify", VERIFY_CALL)
        other.call("io.sithsd.Cards.List")  # answered, so the daemon has seen what came before
        assert house.daemon is not None
        house.daemon.send_signal(signal.SIGTERM)
        told = wire.receive()["parameters"]
        assert told["code"] in {"reader.busy", "reader.unknown", "daemon.unavailable"}
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
    told = [answer["parameters"].get("code", "done") for answer in answers]
    assert len(told) == 10
    assert set(told) <= {"done", "reader.busy"}
    assert "done" in told
    assert house.tries("ordinary") == 3
    assert json.dumps(answers).count(PIN) == 0
    assert house.await_reader("ready")["name"] == READER_0
