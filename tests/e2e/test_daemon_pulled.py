"""A card taken out in the midst of things: what is told, what the chip counted, and what is told later."""

import threading

import pytest
from e2e_fault_bench import (
    USES,
    Once,
    Use,
    Witness,
    ask,
    assert_locked,
    assert_pin,
    every_use,
    on_vpcd,
    put_in,
    right_and_wrong,
    told,
)
from e2e_household import CODES, WRONG_PIN, Household, code
from e2e_model_card import carries_code

VERIFY_CALL = {"role": "authentication", "code": WRONG_PIN}


def outcome(use: Use, *, sent: bool, wrong: bool) -> bool | None:
    """Return what the counters tell of a call: nothing where a right code, or none, leaves them all as they were."""
    if use.name == "unblock":
        return sent and not wrong
    return False if sent and wrong else None


@every_use
def test_a_card_that_is_out_already(house: Household, use: Use) -> None:
    """card.absent; there is no row of an operation that could not begin."""
    model, witness = put_in(house, use)
    model.remove()
    house.await_reader("empty")
    error = ask(house, use, wrong=True)
    assert (error["code"], error["retryable"]) == ("card.absent", False)
    assert (model.codes_sent, house.tries(use.card, use.judged)) == (0, use.full)
    assert witness.rows() == []


@every_use
def test_a_card_pulled_out_before_its_code(house: Household, use: Use) -> None:
    """While its counter is read: card.removed, no code was sent, and there is nothing to be learnt later."""
    ready = threading.Event()

    def asks(command: bytes) -> bool:
        return ready.is_set() and command[1] == 0x20 and not carries_code(command)

    model, witness = put_in(house, use, before=Once(asks))
    ready.set()
    error = ask(house, use, wrong=True)
    assert (error["code"], error["retryable"]) == ("card.removed", False)
    assert house.await_reader("empty")["card"] is None
    assert (model.codes_sent, house.tries(use.card, use.judged)) == (0, use.full)
    model.remove()
    model.insert()
    assert code(house.await_reader("ready"), use.judged)["triesLeft"] == use.full
    witness.the_row(use, "card.removed", before=use.full, after=None)
    assert witness.notices() == []
    assert_locked(house, use, use.full)
    assert_pin(house, use, done=False)
    assert witness.is_whole()


@pytest.mark.parametrize("moment", ["before", "after"])
@right_and_wrong
@every_use
def test_a_card_pulled_out_with_its_code(house: Household, use: Use, wrong: bool, moment: str) -> None:
    """Before the chip had the code or after: card.outcomeUnknown, sent at most once; put in again, it tells."""
    pulled_out_with_its_code(house, use, wrong=wrong, moment=moment)


@on_vpcd
@every_use
def test_the_same_on_vpcd(house: Household, use: Use) -> None:
    """The reader driver that nobody here wrote says less of a removal; the daemon says the same."""
    pulled_out_with_its_code(house, use, wrong=True, moment="after")


def pulled_out_with_its_code(house: Household, use: Use, *, wrong: bool, moment: str) -> None:
    """Take the card out when its code is on the way, or when its answer is; put it in again."""
    model, witness = put_in(house, use, **{moment: Once()})
    sent = moment == "after"
    left = use.left(sent=sent, wrong=wrong)
    error = ask(house, use, wrong=wrong)
    assert (error["code"], error["retryable"], error["role"]) == ("card.outcomeUnknown", False, use.judged)
    assert error["triesLeft"] is None
    assert house.await_reader("empty")["card"] is None
    assert (house.tries(use.card, use.judged), model.codes_sent) == (left, int(sent))
    witness.the_row(use, "card.outcomeUnknown", before=use.full, after=None)
    assert witness.notices() == []
    model.remove()
    model.insert()
    assert code(house.await_reader("ready"), use.judged)["triesLeft"] == left
    witness.learnt(use, before=use.full, after=left, happened=outcome(use, sent=sent, wrong=wrong))
    assert_locked(house, use, left)
    assert model.codes_sent == int(sent)
    assert_pin(house, use, done=sent and not wrong)
    assert len(witness.notices()) == 1
    assert witness.is_whole()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", ["verify", "change"])
def test_a_counter_that_was_not_full_tells_more(house: Household, name: str, moment: str) -> None:
    """After one wrong PIN: all tries are back, so it was done; or they are not, so it was not."""
    use = Use(name, "ordinary", "authentication", 2)
    lost, spent = Once(), threading.Event()
    model, _ = put_in(house, use, **{moment: lambda command: spent.is_set() and lost(command)})
    assert ask(house, use, wrong=True)["triesLeft"] == 2
    spent.set()
    witness = Witness(house)
    assert ask(house, use, wrong=False)["code"] == "card.outcomeUnknown"
    house.await_reader("empty")
    model.remove()
    model.insert()
    done = moment == "after"
    witness.learnt(use, before=2, after=3 if done else 2, happened=done)
    assert_locked(house, use, 3 if done else 2)
    assert_pin(house, use, done=done)
    assert witness.is_whole()


def test_a_script_is_told_that_nobody_knows(house: Household) -> None:
    """For a script it is exit status 9 and card.outcomeUnknown; its next status tells what became of it."""
    use = USES[0]
    model, witness = put_in(house, use, after=Once())
    answer = house.verify(WRONG_PIN)
    assert (answer.status, answer.error["code"], answer.error["retryable"]) == (9, "card.outcomeUnknown", False)
    house.await_reader("empty")
    model.remove()
    model.insert()
    witness.learnt(use, before=3, after=2, happened=False)
    assert house.ctl("status", "--json").json["notices"][-1:] == witness.notices()
    verdict = house.ctl("audit", "verify", "--json")
    assert verdict.status == 0, verdict


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
        error = told(wire.receive())
        # For a moment pcscd may say of a card that is going that it does not answer to a reset.
        assert error["code"] in {"card.removed", "card.absent", "reader.busy", "card.unreadable"}
    assert house.tries("ordinary") == 3
    assert len(house.insert("ordinary")["card"]["certificates"]) == 4


def test_a_slow_card_is_waited_for(house: Household) -> None:
    """A card that takes its time for each command is read all the same, and its code is used once."""
    house.insert("ordinary", delay_ms=20)
    assert house.verify(WRONG_PIN).error["triesLeft"] == 2
    assert house.tries("ordinary") == 2
