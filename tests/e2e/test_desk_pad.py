"""Codes entered at the reader's own PIN pad: the daemon never has them, and an entry that fails costs no try."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from e2e_desk import OpenSC, at_pad, call, memory_holds, rows, told
from e2e_household import PIN, PUK, READER_0, SIGNATURE_PIN, WRONG_PIN, WRONG_PUK, Answer, Household, code
from e2e_model_card import ModelCard

VERIFY = ("verify", "--role", "authentication")
CHANGE = ("change", "--role", "authentication")
UNBLOCK = ("unblock", "--role", "authentication")
# A structure for a pad has one range of lengths for all its entries: with a PUK of 8 digits the new PIN has 8 too.
NEW_PIN = "91827364"
# For each operation: the card, the code that has tries to lose, its tries, and the keys of a right entry.
OPERATIONS: dict[str, tuple[tuple[str, ...], str, str, int, tuple[str, ...]]] = {
    "verify": (VERIFY, "ordinary", "authentication", 3, (PIN, "ok")),
    "change": (CHANGE, "ordinary", "authentication", 3, (PIN, "ok", NEW_PIN, "ok", NEW_PIN, "ok")),
    "unblock": (UNBLOCK, "blocked", "puk", 10, (PUK, "ok", NEW_PIN, "ok", NEW_PIN, "ok")),
}
# How an entry ends before anything goes to the card: the keys, and the error.
ENDS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "verify cancelled": ("verify", ("12", "cancel"), "pinpad.cancelled"),
    "verify timed out": ("verify", ("12", "timeout"), "pinpad.timeout"),
    "verify too short": ("verify", ("12345", "ok"), "pinpad.malformed"),
    "verify too long": ("verify", ("123456789", "ok"), "pinpad.malformed"),
    "change cancelled": ("change", (PIN, "ok", NEW_PIN, "cancel"), "pinpad.cancelled"),
    "change timed out": ("change", (PIN, "ok", "timeout"), "pinpad.timeout"),
    "change mismatched": ("change", (PIN, "ok", NEW_PIN, "ok", "91827346", "ok"), "pinpad.mismatch"),
    "change too short": ("change", (PIN, "ok", "91827", "ok"), "pinpad.malformed"),
    "unblock cancelled": ("unblock", (PUK, "cancel"), "pinpad.cancelled"),
    "unblock timed out": ("unblock", ("timeout",), "pinpad.timeout"),
    "unblock mismatched": ("unblock", (PUK, "ok", NEW_PIN, "ok", "91827346", "ok"), "pinpad.mismatch"),
    "unblock too short": ("unblock", (PUK, "ok", "918273", "ok"), "pinpad.malformed"),
    "unblock PUK too short": ("unblock", ("1234567", "ok"), "pinpad.malformed"),
}


@pytest.fixture
def padded(house: Household) -> Household:
    """Return the house with a PIN pad at the first reader."""
    house.fit_pad()
    return house


def press(house: Household, command: tuple[str, ...], *keys: str) -> Answer:
    """Run sithsctl with --pin-pad, press keys, and return its answer."""
    answer = at_pad(house, *command)
    house.press(*keys)
    return answer()


def put_in(house: Household, name: str, **hooks: Callable[[bytes], bool]) -> ModelCard:
    """Put in a card on which every command that holds a code is counted."""
    model = house.model(name, **hooks)
    model.insert()
    house.await_reader("ready")
    return model


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_entry_does_what_a_typed_code_does(padded: Household, operation: str) -> None:
    """Done and written down alike, and OpenSC takes the code that was chosen at the keys."""
    command, name, judged, tries, keys = OPERATIONS[operation]
    padded.insert(name)
    guidance = call(padded, "GetGuidance")
    assert (guidance["padVerify"], guidance["padModify"]) == (True, True)
    answer = press(padded, command, *keys)
    assert (answer.status, answer.err) == (0, "")
    assert answer.json.items() >= {"reader": READER_0, "role": "authentication", "triesLeft": 3}.items()
    (row,) = rows(padded, "--last", "1")
    assert told(row) == (operation, "authentication", "done", tries, tries)
    assert code(padded.await_reader("ready"))["verified"] is False
    assert padded.tries(name, judged) == tries
    assert OpenSC(padded).accepts(PIN if operation == "verify" else NEW_PIN)


def test_a_code_goes_from_the_keys_to_the_card(padded: Household, tmp_path: Path) -> None:
    """No digit of what is entered is in the daemon's memory, log or files, nor with who asked for it."""
    pin, puk, first, second, wrong = "73915468", "40718263", "82604713", "26417935", "58203917"
    fixture = tmp_path / "keys.toml"
    fixture.write_text(f'title = "keys"\ncodes = {{ authentication = "{pin}", puk = "{puk}" }}\n')
    padded.insert(str(fixture))
    said = [
        press(padded, VERIFY, wrong, "ok"),
        press(padded, VERIFY, pin, "ok"),
        press(padded, CHANGE, pin, "ok", first, "ok", first, "ok"),
        press(padded, UNBLOCK, puk, "ok", second, "ok", second, "ok"),
        press(padded, VERIFY, second, "ok"),
    ]
    assert [one.status for one in said] == [5, 0, 0, 0, 0]
    codes = (pin, puk, first, second, wrong)
    assert padded.daemon is not None
    assert memory_holds(padded.daemon.pid, *codes) == []
    assert memory_holds(padded.daemon.pid, READER_0) == [READER_0]  # what is there is found
    written = padded.log.read_bytes() + (padded.state / "audit.sqlite").read_bytes()
    written += "".join(one.out + one.err for one in said).encode()
    assert not [one for one in codes if one.encode() in written]


@pytest.mark.parametrize("case", ENDS)
def test_an_entry_that_ends_at_the_pad_costs_nothing(padded: Household, case: str) -> None:
    """A named error, nothing at the card, all tries left; and the same again, rightly entered, is done."""
    operation, keys, name = ENDS[case]
    command, card, judged, tries, right = OPERATIONS[operation]
    model = put_in(padded, card)
    answer = press(padded, command, *keys)
    assert (answer.status, answer.err) == (7, "")
    assert (answer.error["code"], answer.error["retryable"]) == (name, False)
    assert (model.codes_sent, padded.tries(card, judged)) == (0, tries)
    (row,) = rows(padded, "--last", "1")
    assert told(row)[:4] == (operation, "authentication", name, tries)
    assert row["triesAfter"] in {None, tries}
    assert press(padded, command, *right).status == 0
    assert model.codes_sent == 1


@pytest.mark.parametrize(
    ("operation", "keys", "name"),
    [
        ("verify", (WRONG_PIN, "ok"), "pin.wrong"),
        ("change", (WRONG_PIN, "ok", NEW_PIN, "ok", NEW_PIN, "ok"), "pin.wrong"),
        ("unblock", (WRONG_PUK, "ok", NEW_PIN, "ok", NEW_PIN, "ok"), "puk.wrong"),
    ],
    ids=["verify", "change", "unblock"],
)
def test_a_wrong_code_counts_once(padded: Household, operation: str, keys: tuple[str, ...], name: str) -> None:
    """As if it had been typed: one try, named, with the tries left."""
    command, card, judged, tries, _ = OPERATIONS[operation]
    model = put_in(padded, card)
    answer = press(padded, command, *keys)
    assert (answer.status, answer.error["code"], answer.error["triesLeft"]) == (5, name, tries - 1)
    assert (model.codes_sent, padded.tries(card, judged)) == (1, tries - 1)
    (row,) = rows(padded, "--last", "1")
    assert told(row)[2:] == (name, tries, tries - 1)


def test_the_guard_stands_before_the_pad_too(padded: Household) -> None:
    """At the last try the pad does not even ask, but for a person's word; other tries than shown, likewise."""
    padded.insert("ordinary")
    for _ in range(2):
        padded.verify(WRONG_PIN)
    refused = at_pad(padded, *VERIFY)()
    assert (refused.status, refused.error["code"], refused.error["triesLeft"]) == (7, "pin.lastTry", 1)
    refused = at_pad(padded, *VERIFY, "--spend-last-try", "--expected-tries", "3")()
    assert (refused.status, refused.error["code"]) == (7, "pin.triesChanged")
    assert padded.tries("ordinary") == 1
    assert press(padded, (*VERIFY, "--spend-last-try"), PIN, "ok").json["triesLeft"] == 3


def test_the_card_taken_out_while_the_person_types(padded: Household) -> None:
    """It ends at once: nobody here knows what the pad had sent. The card put in again tells that no try went."""
    model = put_in(padded, "ordinary")
    answer = at_pad(padded, *VERIFY)
    padded.press("12")
    model.remove()
    ended = answer()
    assert (ended.status, ended.error["code"], ended.error["triesLeft"]) == (9, "card.outcomeUnknown", None)
    padded.await_reader("empty")
    assert (model.codes_sent, padded.tries("ordinary")) == (0, 3)
    model.insert()
    assert code(padded.await_reader("ready"))["triesLeft"] == 3
    notice = padded.ctl("status", "--json").json["notices"][-1]
    learnt = {"code": "code.outcomeLearnt", "triesBefore": 3, "triesAfter": 3, "happened": None}
    assert notice.items() >= learnt.items()
    assert press(padded, VERIFY, PIN, "ok").status == 0


def test_others_are_served_while_the_person_types(padded: Household) -> None:
    """Status comes from memory; who wants the card is told that it is in use, and is not kept waiting for ever."""
    padded.insert("ordinary")
    answer = at_pad(padded, *VERIFY)
    padded.press("12")
    assert padded.ctl("status", "--json").json["readers"][0]["state"] == "ready"
    busy = padded.verify(WRONG_PIN)
    assert (busy.status, busy.error["code"], busy.error["retryable"]) == (9, "reader.busy", True)
    padded.press("clear", PIN, "ok")
    assert answer().status == 0
    assert padded.verify(SIGNATURE_PIN, role="signature").status == 0
    assert padded.tries("ordinary") == 3


def test_a_client_gone_while_the_person_types(padded: Household) -> None:
    """What has begun goes on to its row: the entry counts, whoever has stopped to wait for it."""
    padded.insert("ordinary")
    with padded.wire("io.sithsd.Codes") as wire:
        wire.ask("io.sithsd.Codes.Verify", {"role": "authentication", "pinPad": True})
        padded.press("0")
    padded.press("00000", "ok")
    shown = padded.await_picture(lambda seen: code(seen["readers"][0])["triesLeft"] == 2)
    assert shown["readers"][0]["state"] == "ready"
    (row,) = rows(padded, "--last", "1")
    assert told(row) == ("verify", "authentication", "pin.wrong", 3, 2)


def test_a_reader_without_a_pad(house: Household) -> None:
    """Pinpad.absent, in both languages; the card is not asked for a code."""
    model = put_in(house, "ordinary")
    for command in (VERIFY, CHANGE):
        answer = at_pad(house, *command)()
        assert (answer.status, answer.error["code"]) == (7, "pinpad.absent")
    given = {"role": "authentication", "puk": PUK, "newCode": NEW_PIN, "pinPad": True}
    assert call(house, "Unblock", **given)["code"] == "request.invalid"
    assert call(house, "Unblock", role="authentication", pinPad=True)["code"] == "pinpad.absent"
    assert call(house, "GetGuidance")["padVerify"] is False
    assert model.codes_sent == 0


@pytest.fixture
def forbidding(new_house: Callable[..., Household]) -> Household:
    """Return a house with a pad, whose policy does not want it used."""
    house = new_house(1, pads=[0])
    house.write_config()
    house.write_policy("[pin_pad]\nenabled = false\n")
    house.start()
    return house


def test_a_site_may_do_without_pads(forbidding: Household) -> None:
    """With pin_pad.enabled = false a pad that is there is not used, nor offered."""
    forbidding.insert("ordinary")
    guidance: dict[str, Any] = call(forbidding, "GetGuidance")
    assert (guidance["padVerify"], guidance["padModify"]) == (False, False)
    forbidding.apdus(reset=True)
    for command in (VERIFY, CHANGE, UNBLOCK):
        answer = at_pad(forbidding, *command)()
        assert (answer.status, answer.error["code"]) == (7, "pinpad.absent")
    assert forbidding.apdus() == 0
    assert forbidding.verify(PIN).status == 0
