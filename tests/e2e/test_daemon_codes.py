"""PIN and PUK through sithsctl: the contract that scripts build on, and the card's counters behind it."""

from typing import Any

import pytest
from e2e_household import (
    NEW_PIN,
    PIN,
    PUK,
    READER_0,
    READER_1,
    SIGNATURE_PIN,
    WRONG_PIN,
    WRONG_PUK,
    Answer,
    Household,
    code,
)

from sithsd.simulator import control

# Digits to str.isdigit, but not to a card.
ARABIC_DIGITS = "\N{ARABIC-INDIC DIGIT ONE}" * 6
MALFORMED_PINS = [
    "12345",
    "123456789",
    "12345x",
    "abcdef",
    "",
    " 123456",
    "123 456",
    ARABIC_DIGITS,
    "-12345",
    "1" * 500,
]


def assert_error(  # noqa: PLR0913 - the parts of an error, each of which is promised
    answer: Answer, status: int, name: str, *, tries_left: int | None, retryable: bool = False, role: str | None = None
) -> None:
    """Check an error as `--json` prints it: on stdout alone, with all that is promised of it."""
    assert (answer.status, answer.err) == (status, "")
    error = answer.error
    assert (error["code"], error["triesLeft"], error["retryable"]) == (name, tries_left, retryable)
    if role is not None:
        assert error["role"] == role


def test_status_prints_what_is_promised(house: Household) -> None:
    """`status --json` is the reply of List, with every promised field, named and typed as promised."""
    house.insert("ordinary")
    answer = house.ctl("status", "--json")
    assert (answer.status, answer.err) == (0, "")
    with house.wire() as wire:
        assert wire.call("io.sithsd.Cards.List")["parameters"] == answer.json
    reader, empty = answer.json["readers"]
    assert (empty["name"], empty["state"], empty["card"]) == (READER_1, "empty", None)
    assert (reader["name"], reader["state"]) == (READER_0, "ready")
    card = reader["card"]
    assert card["serial"] == house.serial("ordinary")
    assert (card["profile"], card["environment"], card["kind"]) == ("sim_pkcs15", "sim", "ordinary")
    assert card["levelOfAssurance"] == 3
    assert (len(card["cardNumber"]), card["cardNumber"].isdecimal()) == (19, True)
    assert card["holder"].items() >= {"displayName": "Tolvan Tolvansson", "hsaId": "SE2321000016-SIM1"}.items()
    for state, (role, tries) in zip(card["codes"], [("authentication", 3), ("signature", 3), ("puk", 10)], strict=True):
        assert state.items() >= {"role": role, "triesLeft": tries, "blocked": False}.items()
    for certificate in card["certificates"]:
        assert certificate["purpose"] in {"authentication", "signature"}
        assert certificate["identity"] in {"hsaId", "personalIdentityNumber"}
        assert "Tolvan Tolvansson" in certificate["subject"]
        assert "SIM SITHS e-id Person" in certificate["issuer"]
        assert certificate["notBefore"] < certificate["notAfter"]
        assert certificate["verdict"] == {"status": "unknown", "reasons": ["revocation.notChecked"]}
    assert len({certificate["id"] for certificate in card["certificates"]}) == 4


@pytest.mark.both_drivers
@pytest.mark.parametrize(("role", "right"), [("authentication", PIN), ("signature", SIGNATURE_PIN)])
def test_a_right_pin_is_taken(house: Household, role: str, right: str) -> None:
    """The reply names reader, card and role, and the tries left are full."""
    house.insert("ordinary")
    answer = house.verify(right, role=role)
    assert (answer.status, answer.err) == (0, "")
    assert (
        answer.json.items()
        >= {
            "reader": house.readers[0],
            "cardSerial": house.serial("ordinary"),
            "role": role,
            "triesLeft": 3,
        }.items()
    )
    assert isinstance(answer.json["sequence"], int)
    shown = house.await_reader("ready")
    assert code(shown, role)["verified"] is False


def test_a_card_does_not_stay_unlocked(house: Household) -> None:
    """After a right PIN the card itself, asked anew, counts it as not given."""
    house.insert("ordinary")
    assert house.verify(PIN).status == 0
    with house.wire() as wire:
        codes = wire.call("io.sithsd.Cards.GetCodes")["parameters"]["codes"]
    assert [one["verified"] for one in codes] == [False, False, False]


@pytest.mark.both_drivers
def test_three_wrong_pins_block_and_the_puk_unblocks(house: Household) -> None:
    """3, 2, 1; the last try only by --spend-last-try; blocked; the PUK gives a new value and full tries."""
    house.insert("ordinary")
    first = house.verify(WRONG_PIN)
    assert_error(first, 5, "pin.wrong", tries_left=2, role="authentication")
    where = {"reader": house.readers[0], "cardSerial": house.serial("ordinary"), "statusWord": 0x63C2}
    assert first.error.items() >= where.items()
    assert first.error["sequence"] <= house.await_reader("ready")["sequence"]
    assert_error(house.verify(WRONG_PIN), 5, "pin.wrong", tries_left=1)
    assert_error(house.verify(WRONG_PIN), 7, "pin.lastTry", tries_left=1)
    assert_error(house.verify(PIN), 7, "pin.lastTry", tries_left=1)
    assert house.tries("ordinary") == 1
    assert_error(house.verify(WRONG_PIN, "--spend-last-try"), 5, "pin.wrong", tries_left=0)
    assert code(house.await_reader("ready"))["blocked"] is True
    assert_error(house.verify(PIN, "--spend-last-try"), 6, "pin.blocked", tries_left=0)
    assert (house.tries("ordinary"), house.tries("ordinary", "signature")) == (0, 3)
    answer = house.unblock(PUK, NEW_PIN)
    assert (answer.status, answer.json["role"], answer.json["triesLeft"]) == (0, "authentication", 3)
    state = code(house.await_reader("ready"))
    assert (state["triesLeft"], state["blocked"]) == (3, False)
    assert house.verify(NEW_PIN).status == 0
    assert_error(house.verify(PIN), 5, "pin.wrong", tries_left=2)


@pytest.mark.both_drivers
@pytest.mark.parametrize("name", ["ordinary-t0", "reserve"])
def test_cards_of_the_other_protocol_count_alike(house: Household, name: str) -> None:
    """The same life on T=0 cards, one of them read by the generic profile alone."""
    house.insert(name)
    told = []
    with house.wire("io.sithsd.Codes") as wire:
        for digits, spend in ((WRONG_PIN, False), (WRONG_PIN, False), (WRONG_PIN, False), (WRONG_PIN, True)):
            call = {"role": "authentication", "code": digits, "spendLastTry": spend}
            reply = wire.call("io.sithsd.Codes.Verify", call)["parameters"]
            told.append((reply["code"], reply["triesLeft"]))
        assert told == [("pin.wrong", 2), ("pin.wrong", 1), ("pin.lastTry", 1), ("pin.wrong", 0)]
        assert code(house.await_reader("ready"))["blocked"] is True
        unblock = {"role": "authentication", "puk": PUK, "newCode": NEW_PIN}
        assert wire.call("io.sithsd.Codes.Unblock", unblock)["parameters"]["triesLeft"] == 3
        verify = {"role": "authentication", "code": NEW_PIN}
        assert wire.call("io.sithsd.Codes.Verify", verify)["parameters"]["triesLeft"] == 3
    assert (house.tries(name), house.tries(name, "signature"), house.tries(name, "puk")) == (3, 3, 10)


def test_the_last_try_may_be_right(house: Household) -> None:
    """With --spend-last-try a right PIN is taken at the last try, and the counter is full again."""
    house.insert("ordinary")
    for _ in range(2):
        house.verify(WRONG_PIN)
    answer = house.verify(PIN, "--spend-last-try")
    assert (answer.status, answer.json["triesLeft"]) == (0, 3)
    assert house.tries("ordinary") == 3


def test_a_malformed_pin_never_reaches_the_card(house: Household) -> None:
    """Letters, blanks, other digits than ASCII's or a wrong length: refused without a command that holds a code."""
    model = house.model("ordinary")
    model.insert()
    house.await_reader("ready")
    with house.wire("io.sithsd.Codes") as wire:
        for malformed in MALFORMED_PINS:
            told = wire.call("io.sithsd.Codes.Verify", {"role": "authentication", "code": malformed})
            assert told["error"] == "io.sithsd.Codes.PinMalformed"
            assert (told["parameters"]["code"], told["parameters"]["triesLeft"]) == ("pin.malformed", None)
            assert not malformed or malformed not in str(told)
    for malformed in ("12345", "12345x", "", ARABIC_DIGITS):  # sithsctl has a look of its own first
        assert_error(house.verify(malformed), 7, "pin.malformed", tries_left=None, role="authentication")
    assert (model.codes_sent, house.tries("ordinary")) == (0, 3)


def test_a_malformed_puk_or_new_pin_never_reaches_the_card(house: Household) -> None:
    """The PUK's counter, which can never be raised again, is not touched; a new PIN's refusal names the rule."""
    model = house.model("blocked")
    model.insert()
    house.await_reader("ready")
    with house.wire("io.sithsd.Codes") as wire:
        for name, wrong, rules, puk, new in (
            ("pin.malformed", "puk", [], PUK[:-1], NEW_PIN),
            ("pin.malformed", "puk", [], f"{PUK}9", NEW_PIN),
            ("pin.malformed", "puk", [], "1234567x", NEW_PIN),
            ("pin.refused", "authentication", ["length"], PUK, "19375"),
            ("pin.refused", "authentication", ["digits"], PUK, "abcdef"),
            ("pin.refused", "authentication", ["length"], PUK, "193758264"),
            ("pin.refused", "authentication", ["length"], PUK, ""),
            ("pin.refused", "authentication", ["digits", "length"], PUK, "193x"),
            ("pin.refused", "authentication", ["digits"], PUK, ARABIC_DIGITS[:4]),
        ):
            call = {"role": "authentication", "puk": puk, "newCode": new, "spendLastTry": True, "riskCard": True}
            told = wire.call("io.sithsd.Codes.Unblock", call)["parameters"]
            assert (told["code"], told["role"], told["rules"], told["triesLeft"]) == (name, wrong, rules, None), new
    assert (model.codes_sent, house.tries("blocked", "puk"), house.tries("blocked")) == (0, 10, 0)


def test_a_missing_line_is_a_malformed_code(house: Household) -> None:
    """`unblock` wants two lines; with one, nothing is sent."""
    house.insert("blocked")
    answer = house.ctl("unblock", "--role", "authentication", "--code-fd", "0", "--json", codes=(PUK,))
    assert_error(answer, 7, "pin.malformed", tries_left=None, role="authentication")
    assert house.tries("blocked", "puk") == 10


def test_a_code_is_no_argument(house: Household) -> None:
    """The command line takes no code: it could be seen by every user of the machine."""
    house.insert("ordinary")
    answer = house.ctl("verify", "--role", "authentication", "--json", PIN)
    assert (answer.status, answer.error["code"]) == (2, "request.invalid")
    assert house.tries("ordinary") == 3


def test_a_wrong_puk_counts_and_spares_its_last_tries(house: Household) -> None:
    """Each wrong PUK takes a try, the PIN stays blocked; below the floor of 3 and at the last it needs its own word."""
    house.insert("blocked")
    assert_error(house.unblock(WRONG_PUK, NEW_PIN), 5, "puk.wrong", tries_left=9, role="puk")
    with house.wire("io.sithsd.Codes") as wire:
        for left in range(8, 1, -1):
            call = {"role": "authentication", "puk": WRONG_PUK, "newCode": NEW_PIN}
            assert wire.call("io.sithsd.Codes.Unblock", call)["parameters"]["triesLeft"] == left
    assert_error(house.unblock(PUK, NEW_PIN), 7, "puk.belowFloor", tries_left=2, role="puk")
    assert_error(house.unblock(PUK, NEW_PIN, "--spend-last-try"), 7, "puk.belowFloor", tries_left=2)
    assert house.tries("blocked", "puk") == 2
    assert_error(house.unblock(WRONG_PUK, NEW_PIN, "--risk-card"), 5, "puk.wrong", tries_left=1)
    assert_error(house.unblock(PUK, NEW_PIN), 7, "puk.lastTry", tries_left=1)
    assert_error(house.unblock(PUK, NEW_PIN, "--risk-card"), 7, "puk.lastTry", tries_left=1)
    assert_error(house.unblock(PUK, NEW_PIN, "--spend-last-try"), 7, "puk.belowFloor", tries_left=1)
    assert (house.tries("blocked", "puk"), house.tries("blocked")) == (1, 0)
    answer = house.unblock(PUK, NEW_PIN, "--spend-last-try", "--risk-card")
    assert (answer.status, answer.json["triesLeft"]) == (0, 3)
    assert house.tries("blocked", "puk") == 10


def test_a_dead_puk_is_dead_for_ever(house: Household) -> None:
    """Neither the right PUK nor reinsertion nor a new sithsd-sim nor a new daemon brings it back."""
    house.insert("blocked")
    words = {"spendLastTry": True, "riskCard": True}
    with house.wire("io.sithsd.Codes") as wire:
        call: dict[str, Any] = {"role": "authentication", "puk": WRONG_PUK, "newCode": NEW_PIN, **words}
        told = [wire.call("io.sithsd.Codes.Unblock", call)["parameters"] for _ in range(10)]
    assert [one["triesLeft"] for one in told] == list(range(9, -1, -1))
    both = ("--spend-last-try", "--risk-card")
    assert_error(house.unblock(PUK, NEW_PIN, *both), 6, "puk.blocked", tries_left=0, role="puk")
    assert code(house.await_reader("ready"), "puk")["blocked"] is True
    house.remove()
    shown = house.insert("blocked")
    assert (code(shown, "puk")["triesLeft"], code(shown, "puk")["blocked"]) == (0, True)
    house.order(control.Stop())
    house.stop()
    house.start()
    shown = house.insert("blocked")
    assert (code(shown, "puk")["triesLeft"], code(shown, "puk")["blocked"]) == (0, True)
    assert_error(house.unblock(PUK, NEW_PIN, *both), 6, "puk.blocked", tries_left=0)
    assert_error(house.verify(PIN), 6, "pin.blocked", tries_left=0)


def test_counters_outlive_the_simulator_and_the_daemon(house: Household) -> None:
    """What a card has counted is true after everything was started anew; sithsd-sim's own commands do it."""
    house.sim("insert", "ordinary")
    house.await_reader("ready")
    assert_error(house.verify(WRONG_PIN), 5, "pin.wrong", tries_left=2)
    house.sim("stop")
    house.await_reader("empty")
    house.stop()
    house.start()
    house.sim("insert", "ordinary")
    assert code(house.await_reader("ready"))["triesLeft"] == 2
    listed = house.sim("list", "--json").json["cards"]
    assert [one["name"] for one in listed if one["reader"] == 0] == ["ordinary"]
    assert house.verify(PIN).json["triesLeft"] == 3
    house.sim("remove")
    house.await_reader("empty")


def test_a_pin_never_chosen_is_not_unblocked(house: Household) -> None:
    """To give it a value is an activation, with its checklist: the right PUK is not even sent."""
    model = house.model("inactive")
    model.insert()
    house.await_reader("ready")
    for role in ("authentication", "signature"):
        assert_error(house.verify(NEW_PIN, role=role), 7, "pin.notActivated", tries_left=None, role=role)
        assert_error(house.unblock(PUK, NEW_PIN, role=role), 7, "pin.notActivated", tries_left=None, role=role)
        state = code(house.await_reader("ready"), role)
        assert (state["activated"], state["triesLeft"]) == (False, None)
    assert (model.codes_sent, house.tries("inactive", "puk")) == (0, 10)


def test_a_stream_tells_the_counters_as_they_fall(house: Household) -> None:
    """Whoever monitors sees each change of a counter without asking for it."""
    house.insert("ordinary")
    with house.wire() as stream, house.wire("io.sithsd.Codes") as wire:
        stream.ask("io.sithsd.Cards.Monitor", more=True)
        stream.receive()
        for left in (2, 1):
            refused = wire.call("io.sithsd.Codes.Verify", {"role": "authentication", "code": WRONG_PIN})
            assert refused["error"] == "io.sithsd.Codes.PinWrong"
            told = stream.receive()
            assert told["continues"] is True
            assert told["parameters"]["sequence"] >= refused["parameters"]["sequence"]
            assert code(told["parameters"]["readers"][0])["triesLeft"] == left


def test_codes_and_validity_as_commands(house: Household) -> None:
    """`codes` reads from the card; `validity` and `certificates --pem` answer from what was read before."""
    house.insert("ordinary")
    house.apdus(reset=True)
    codes = house.ctl("codes", "--json")
    assert [one["triesLeft"] for one in codes.json["codes"]] == [3, 3, 10]
    asked = house.apdus(reset=True)
    assert asked > 0
    validity = house.ctl("validity", "--json")
    assert {one["verdict"]["status"] for one in validity.json["certificates"]} == {"unknown"}
    pem = house.ctl("certificates", "--pem")
    assert (validity.status, pem.status) == (0, 0)
    assert pem.out.count("-----BEGIN CERTIFICATE-----") == 4
    assert house.apdus() == 0


def test_status_costs_no_command_to_the_card(house: Household) -> None:
    """What is asked again and again is answered from memory."""
    house.insert("ordinary")
    house.apdus(reset=True)
    with house.wire() as wire:
        for _ in range(100):
            assert len(wire.call("io.sithsd.Cards.List")["parameters"]["readers"]) == 2
    assert house.apdus() == 0
