"""A PIN changed from its present value to a new one, and the rules that a new one has to keep."""

from collections.abc import Callable
from typing import Any

import pytest
from e2e_desk import NEW_SIGNATURE_PIN, OpenSC, call, change, told
from e2e_desk import rows as audit_rows
from e2e_household import NEW_PIN, PIN, PUK, READER_0, SIGNATURE_PIN, WRONG_PIN, Household, code

# For each case the present code, a new one, the rules that it breaks, and one of them in both languages. The holder of
# the ordinary card has the number 19121212-1212.
BROKEN: dict[str, tuple[str, str, list[str], str, str]] = {
    "digits": (PIN, "91827x", ["digits"], "digits only", "bara siffror"),
    "too short": (PIN, "91827", ["length"], "the right number of digits", "rätt antal siffror"),
    "too long": (PIN, "918273645", ["length"], "the right number of digits", "rätt antal siffror"),
    "same": (NEW_PIN, NEW_PIN, ["sameAsOld"], "not the same as the old one", "inte samma som den gamla"),
    "one digit": (PIN, "777777", ["allSame"], "not one digit all along", "inte en och samma siffra hela vägen"),
    "ascending": (PIN, "567890", ["ascending"], "no ascending run", "ingen stigande följd"),
    "descending": (PIN, "1098765", ["descending"], "no descending run", "ingen fallande följd"),
    "number": (
        PIN,
        "212121",
        ["personalNumber"],
        "no part of the holder's personal identity number",
        "ingen del av innehavarens personnummer",
    ),
    "birth": (PIN, "12121912", ["birthDate"], "not the holder's birth date", "inte innehavarens födelsedatum"),
    "several": (PIN, PIN, ["sameAsOld", "ascending"], "no ascending run", "ingen stigande följd"),
}


@pytest.mark.both_drivers
@pytest.mark.parametrize(
    ("role", "old", "new"),
    [("authentication", PIN, NEW_PIN), ("signature", SIGNATURE_PIN, NEW_SIGNATURE_PIN)],
    ids=["authentication", "signature"],
)
def test_a_pin_is_changed(house: Household, role: str, old: str, new: str) -> None:
    """By its present value, in one call: then the card takes the new one alone, says OpenSC; the other PIN stays."""
    house.insert("ordinary")
    answer = change(house, old, new, role=role)
    assert (answer.status, answer.err) == (0, "")
    where = {"reader": house.readers[0], "cardSerial": house.serial("ordinary")}
    assert answer.json.items() >= {**where, "role": role, "triesLeft": 3, "warnings": []}.items()
    assert code(house.await_reader("ready"), role)["verified"] is False
    (row,) = audit_rows(house, "--last", "1")
    assert told(row) == ("change", role, "done", 3, 3)
    opensc = OpenSC(house)
    assert opensc.accepts(new, role)
    assert not opensc.accepts(old, role)
    other = {"authentication": ("signature", SIGNATURE_PIN), "signature": ("authentication", PIN)}[role]
    assert opensc.accepts(other[1], other[0])


def test_a_wrong_present_pin_costs_a_try_and_changes_nothing(house: Household) -> None:
    """It counts as a wrong PIN does: the last try only by --spend-last-try, then blocked with an advice."""
    house.insert("ordinary")
    for left in (2, 1):
        answer = change(house, WRONG_PIN, NEW_PIN)
        assert (answer.status, answer.error["code"], answer.error["triesLeft"]) == (5, "pin.wrong", left)
    refused = change(house, PIN, NEW_PIN)
    assert (refused.status, refused.error["code"], refused.error["triesLeft"]) == (7, "pin.lastTry", 1)
    assert house.tries("ordinary") == 1
    last = change(house, WRONG_PIN, NEW_PIN, "--spend-last-try")
    assert (last.status, last.error["code"], last.error["triesLeft"]) == (5, "pin.wrong", 0)
    assert last.error["advice"] == "unblock.withPuk"
    blocked = change(house, PIN, NEW_PIN, "--spend-last-try")
    assert (blocked.status, blocked.error["code"], blocked.error["advice"]) == (6, "pin.blocked", "unblock.withPuk")
    found = [told(row)[2:] for row in audit_rows(house, "--last", "5")]
    assert found == [
        ("pin.wrong", 3, 2),
        ("pin.wrong", 2, 1),
        ("pin.lastTry", 1, 1),
        ("pin.wrong", 1, 0),
        ("pin.blocked", 0, 0),
    ]
    assert house.unblock(PUK, NEW_PIN).status == 0
    assert change(house, NEW_PIN, PIN[::-1] + "8").status == 0


@pytest.mark.parametrize("case", BROKEN)
def test_each_rule_refuses_by_its_name(house: Household, case: str) -> None:
    """Before the card is touched, to scripts by the rule's name, to people in a sentence of their language."""
    old, new, rules, english, swedish = BROKEN[case]
    house.insert("ordinary")
    house.apdus(reset=True)
    told = call(house, "Change", role="signature", code=old, newCode=new)
    assert (told["code"], told["role"], told["rules"], told["retryable"]) == ("pin.refused", "signature", rules, False)
    said = {
        lang: house.ctl("change", "--role", "signature", "--code-fd", "0", "--lang", lang, codes=(old, new))
        for lang in ("en", "sv")
    }
    assert {lang: (one.status, one.out) for lang, one in said.items()} == {"en": (7, ""), "sv": (7, "")}
    assert "The new signature PIN breaks a rule." in said["en"].err
    assert f"Rule: {english}" in said["en"].err
    assert "bryter mot en regel" in said["sv"].err
    assert f"Regel: {swedish}" in said["sv"].err
    assert all(given not in one.err for one in said.values() for given in (old, new) if given != PIN)
    assert (house.apdus(), house.tries("ordinary", "signature")) == (0, 3)


def test_what_a_script_is_told_of_a_refusal(house: Household) -> None:
    """`--json` has the rules, and exit status 7: nothing was sent."""
    house.insert("ordinary")
    answer = change(house, PIN, "777777")
    assert (answer.status, answer.err) == (7, "")
    assert (answer.error["code"], answer.error["rules"], answer.error["triesLeft"]) == (
        "pin.refused",
        ["allSame"],
        None,
    )
    unblock = house.unblock(PUK, "191212")
    assert (unblock.status, unblock.error["rules"]) == (7, ["personalNumber", "birthDate"])


def test_a_site_decides_about_rules(new_house: Callable[..., Household]) -> None:
    """What its policy only warns of is done, with a warning in both languages; what it switched off goes unsaid."""
    house = new_house(1)
    house.write_config()
    house.write_policy('[new_code]\nmin_length = 7\n[new_code.levels]\nallSame = "warn"\ndescending = "off"\n')
    house.start()
    house.insert("ordinary")
    short = change(house, PIN, NEW_PIN)
    assert (short.status, short.error["rules"]) == (7, ["length"])
    warned = change(house, PIN, "7777777")
    assert (warned.status, warned.json["warnings"]) == (0, ["allSame"])
    off = change(house, "7777777", "7654321")
    assert (off.status, off.json["warnings"]) == (0, [])
    for lang, sentence, old, new in (
        ("en", "Done, but against the advice: not one digit all along.", "7654321", "3333333"),
        ("sv", "Klart, men mot rekommendationen: inte en och samma siffra hela vägen.", "3333333", "2222222"),
    ):
        given = ("change", "--role", "authentication", "--code-fd", "0", "--lang", lang)
        people = house.ctl(*given, codes=(old, new))
        assert (people.status, sentence in people.out) == (0, True), people


def test_guidance_has_all_that_a_client_needs_to_ask(house: Household) -> None:
    """The counters now, the rules with their levels, the lengths, the checklist, and what may be done."""
    house.insert("ordinary")
    assert house.verify(WRONG_PIN).status == 5
    told: dict[str, Any] = call(house, "GetGuidance")
    assert {one["role"]: one["triesLeft"] for one in told["codes"]} == {"authentication": 2, "signature": 3, "puk": 10}
    assert {one["rule"]: one["level"] for one in told["rules"]} == {
        **dict.fromkeys(["digits", "length", "sameAsOld", "allSame", "ascending", "descending"], "refuse"),
        **dict.fromkeys(["personalNumber", "birthDate"], "refuse"),
        "sameAsOther": "warn",
    }
    assert (told["minLength"], told["maxLength"], told["pukFloor"]) == (6, 8, 3)
    assert (told["activation"], told["toActivate"]) == ("puk", [])
    assert (told["kind"], told["unblocking"], told["mayUnblock"]) == ("ordinary", "holder", True)
    assert [one["id"] for one in told["checklist"]][:2] == ["holderPresent", "idDocument"]
    assert told["personalNumbers"] == ["191212121212"]
    assert (told["padVerify"], told["padModify"]) == (False, False)
    assert (told["reader"], told["cardSerial"]) == (READER_0, house.serial("ordinary"))
