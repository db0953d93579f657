"""A new card activated: the checklist, both PINs in one operation, and what is said when it stops half-way."""

import json
from pathlib import Path
from typing import Any

import pytest
from e2e_desk import (
    NEW_SIGNATURE_PIN,
    SIGNATURE_TRANSPORT,
    TRANSPORT,
    OpenSC,
    activate,
    call,
    checklist,
    days_ago,
    on_the_wire,
    rows,
    told,
)
from e2e_household import NEW_PIN, PUK, WRONG_PIN, WRONG_PUK, Household, code
from e2e_model_card import RESET_RETRY_COUNTER, carries_code

PRESENT = {"inactive": (PUK,), "transport": (TRANSPORT, SIGNATURE_TRANSPORT)}
BOTH = ["authentication", "signature"]
both_ways = pytest.mark.parametrize("name", PRESENT)


@pytest.fixture
def house(house: Household) -> Household:
    """Return the house, whose daemon keeps nothing of cards: between tests they are as before their activation again.

    A chip that was activated does not become a new one, of which it says that nothing on it was changed.
    """
    if "keep_hours" not in house.config.read_text(encoding="utf-8"):
        house.stop()
        house.write_config("[cards]\nkeep_hours = 0\n")
        house.start()
    return house


def chosen(house: Household) -> list[bool | None]:
    """Return of both PINs whether the daemon says that the holder has chosen them."""
    shown = house.await_reader("ready")
    return [code(shown, role)["activated"] for role in BOTH]


@pytest.mark.both_drivers
@both_ways
def test_a_card_is_activated(house: Household, name: str) -> None:
    """Both PINs in one call, by what the card's profile says; then OpenSC logs in with them, and with nothing else."""
    house.insert(name)
    assert chosen(house) == [False, False]
    guidance = call(house, "GetGuidance")
    assert guidance["activation"] == {"inactive": "puk", "transport": "transport-pin"}[name]
    assert guidance["toActivate"] == BOTH
    answer = activate(house, *PRESENT[name])
    assert (answer.status, answer.err) == (0, "")
    assert (answer.json["done"], answer.json["warnings"]) == (BOTH, [])
    assert answer.json["cardSerial"] == house.serial(name)
    shown = {one["role"]: one for one in answer.json["codes"]}
    assert {role: one["triesLeft"] for role, one in shown.items()} == {"authentication": 3, "signature": 3, "puk": 10}
    assert not any(one["verified"] for one in shown.values())
    house.await_picture(
        lambda seen: [one["activated"] for one in seen["readers"][0]["card"]["codes"][:2]] == [True] * 2
    )
    opensc = OpenSC(house)
    for role, new, old in (
        ("authentication", NEW_PIN, TRANSPORT),
        ("signature", NEW_SIGNATURE_PIN, SIGNATURE_TRANSPORT),
    ):
        assert opensc.accepts(new, role)
        assert not opensc.accepts(old, role)


@both_ways
def test_the_audit_says_what_was_answered(house: Household, name: str) -> None:
    """One row for the whole of it, with the checklist's answers and the PINs that were set."""
    house.insert(name)
    answers = checklist(paymentApplies="ja", receiptDate=days_ago(300), orderDate=days_ago(80))
    assert activate(house, *PRESENT[name], answers=answers).status == 0
    (row,) = rows(house, "--card", house.serial(name), "--last", "1")
    assert (row["operation"], row["role"], row["result"], row["program"]) == ("activate", None, "done", "sithsctl")
    assert row["checklist"] == {
        "holderPresent": True,
        "idDocument": True,
        "orderDate": days_ago(80),
        "responsibilityLetter": True,
        "paymentApplies": True,
        "receiptDate": days_ago(300),
    }
    assert row["more"]["done"] == BOTH
    assert row["more"]["judged"] == {"inactive": "puk", "transport": "signature"}[name]


# What is answered otherwise than enough, the items that are open, and what a person is told of them.
UNFULFILLED: dict[str, tuple[dict[str, str], list[str], list[str]]] = {
    "no": ({"idDocument": "no"}, ["idDocument"], ["A digital one is not accepted.", "Answered no."]),
    "missing": ({"holderPresent": ""}, ["holderPresent"], ["Is the holder here in person", "Not answered."]),
    "old order": ({"orderDate": days_ago(100)}, ["orderDate"], ["An order is valid for 3 months.", days_ago(100)]),
    "to come": ({"orderDate": days_ago(-2)}, ["orderDate"], [f"{days_ago(-2)} is yet to come."]),
    "no date": ({"orderDate": "yes"}, ["orderDate"], ["Not answered."]),
    "no receipt": ({"paymentApplies": "yes"}, ["receiptDate"], ["What date is on the receipt?", "Not answered."]),
    "old receipt": (
        {"paymentApplies": "yes", "receiptDate": days_ago(400)},
        ["receiptDate"],
        ["It may be at most one year old.", days_ago(400)],
    ),
    "two": (
        {"responsibilityLetter": "nej", "idDocument": "nej"},
        ["idDocument", "responsibilityLetter"],
        ["signed by the employer?", "A digital one is not accepted."],
    ),
}


@pytest.mark.parametrize("case", UNFULFILLED)
def test_a_checklist_that_is_not_fulfilled(house: Household, case: str) -> None:
    """The items are named, to people with their questions; no code was read, and the card knows nothing of it."""
    answers, open_items, sentences = UNFULFILLED[case]
    house.insert("inactive")
    told = activate(house, PUK, answers=checklist(**answers))
    assert (told.status, told.error["code"], told.error["rules"]) == (7, "activation.checklist", open_items)
    people = house.ctl("activate", "--code-fd", "0", "--lang", "en", *checklist(**answers), codes=(PUK,))
    assert people.status == 7
    for sentence in sentences:
        assert sentence in people.err
    swedish = house.ctl("activate", "--code-fd", "0", "--lang", "sv", *checklist(**answers), codes=(PUK,))
    assert "Checklistan är inte uppfylld" in swedish.err
    assert chosen(house) == [False, False]
    assert house.tries("inactive", "puk") == 10


def test_the_daemon_looks_at_the_answers_itself(house: Household) -> None:
    """A client that does not ask gets no card activated: what is missing, old, to come or nobody's is refused."""
    model = house.model("inactive")
    model.insert()
    house.await_reader("ready")
    codes = {"newAuthentication": NEW_PIN, "newSignature": NEW_SIGNATURE_PIN, "puk": PUK}
    before = [row["number"] for row in rows(house)]
    for answers, open_items in (
        ([], ["holderPresent", "idDocument", "orderDate", "responsibilityLetter", "paymentApplies"]),
        (on_the_wire(idDocument=False), ["idDocument"]),
        (on_the_wire(orderDate=days_ago(100)), ["orderDate"]),
        (on_the_wire(orderDate=days_ago(-2)), ["orderDate"]),
        (on_the_wire(orderDate=True), ["orderDate"]),
        (on_the_wire(paymentApplies=True), ["receiptDate"]),
        (on_the_wire(paymentApplies=True, receiptDate=days_ago(400)), ["receiptDate"]),
        (on_the_wire(idDocument=None, paymentApplies=None), ["idDocument", "paymentApplies"]),
    ):
        refused = call(house, "Activate", **codes, answers=answers)
        assert (refused["code"], refused["rules"], refused["retryable"]) == ("activation.checklist", open_items, False)
    number = "19121212-1212"
    for answers in (
        [*on_the_wire(), {"id": "documentNumber", "date": days_ago(1)}],
        [*on_the_wire(), {"id": "idDocument", "confirmed": True}],
        on_the_wire(orderDate=number),
        on_the_wire(orderDate="2026-W01-1"),
        [*on_the_wire(orderDate=None), {"id": "orderDate", "date": days_ago(1), "confirmed": True}],
        [*on_the_wire(), {"id": number, "confirmed": True}],
    ):
        refused = call(house, "Activate", **codes, answers=answers)
        assert refused["code"] == "request.invalid"
        assert number not in json.dumps(refused)
    assert (model.codes_sent, house.tries("inactive", "puk")) == (0, 10)
    # The audit tells that it was tried, once for all of this minute, with what was missing and without the answers.
    (told,) = [row for row in rows(house) if row["number"] not in before]
    assert (told["operation"], told["result"], told["checklist"]) == ("activate", "activation.checklist", None)
    assert told["more"]["rules"] == [
        "holderPresent",
        "idDocument",
        "orderDate",
        "responsibilityLetter",
        "paymentApplies",
    ]


def test_an_answer_to_nothing_is_a_slip_of_the_pen(house: Household, tmp_path: Path) -> None:
    """An id that the checklist has not, or an answer that is none, is refused without being repeated."""
    house.insert("inactive")
    number = "19121212-1212"
    for answers in (
        [*checklist(), "--answer", f"documentNumber={days_ago(1)}"],
        checklist(idDocument=number),
        [*checklist(), "--answer", number],
    ):
        refused = activate(house, PUK, answers=answers)
        assert (refused.status, refused.error["code"]) == (2, "request.invalid")
        assert number not in refused.out + refused.err
    file = tmp_path / "answers.json"
    given = {one["id"]: one.get("confirmed", one.get("date")) for one in on_the_wire()}
    file.write_text(json.dumps({**given, "idDocument": False}))
    refused = activate(house, PUK, answers=["--answers", str(file)])
    assert (refused.status, refused.error["rules"]) == (7, ["idDocument"])
    assert activate(house, PUK, answers=["--answers", str(file), "--answer", "idDocument=yes"]).status == 0


@both_ways
def test_a_card_is_activated_once(house: Household, name: str) -> None:
    """The second time is activation.notNeeded, by sithsctl and by the daemon; the codes stay, and no try is used."""
    house.insert(name)
    assert activate(house, *PRESENT[name]).status == 0
    again = activate(house, *PRESENT[name])
    assert (again.status, again.error["code"], again.error["triesLeft"]) == (7, "activation.notNeeded", None)
    present = {"puk": PUK, "transportAuthentication": TRANSPORT, "transportSignature": SIGNATURE_TRANSPORT}
    new = {"newAuthentication": "27364519", "newSignature": "38475612"}
    refused = call(house, "Activate", **present, **new, answers=on_the_wire())
    assert refused["code"] == "activation.notNeeded"
    assert house.verify(NEW_PIN).status == 0
    assert {role: house.tries(name, role) for role in (*BOTH, "puk")} == {
        "authentication": 3,
        "signature": 3,
        "puk": 10,
    }
    for lang, sentence in (("en", "have been chosen already"), ("sv", "redan valda")):
        people = house.ctl("activate", "--code-fd", "0", "--lang", lang, *checklist(), codes=(PUK, NEW_PIN, NEW_PIN))
        assert (people.status, sentence in people.err) == (7, True), people.err


def test_a_wrong_puk_is_sent_once(house: Household) -> None:
    """It costs one try of the PUK, not one for each PIN, and nothing is done."""
    model = house.model("inactive")
    model.insert()
    house.await_reader("ready")
    answer = activate(house, WRONG_PUK)
    assert (answer.status, answer.error["code"], answer.error["triesLeft"]) == (5, "puk.wrong", 9)
    assert "done" not in answer.error
    assert (model.codes_sent, house.tries("inactive", "puk")) == (1, 9)
    assert chosen(house) == [False, False]
    (row,) = rows(house, "--card", house.serial("inactive"), "--last", "1")
    assert told(row) == ("activate", None, "puk.wrong", 10, 9)
    assert row["more"] == {"judged": "puk", "done": []}
    assert activate(house, PUK).json["done"] == BOTH


@pytest.mark.parametrize(
    ("lang", "sentence"),
    [("en", "Done before that: authentication PIN"), ("sv", "Gjort dessförinnan: legitimeringskoden")],
)
def test_a_wrong_transport_pin_stops_it_half_way(house: Household, lang: str, sentence: str) -> None:
    """The first PIN is set, and said to be; the other's transport PIN lost a try; later only that one is asked for."""
    house.insert("transport")
    people = house.ctl(
        "activate", "--code-fd", "0", "--lang", lang, *checklist(),
        codes=(TRANSPORT, WRONG_PIN, NEW_PIN, NEW_SIGNATURE_PIN),
    )  # fmt: skip
    assert people.status == 5
    assert sentence in people.err
    (row,) = rows(house, "--card", house.serial("transport"), "--last", "1")
    assert told(row) == ("activate", None, "pin.wrong", 3, 2)
    assert row["more"] == {"judged": "signature", "done": ["authentication"]}
    house.await_picture(
        lambda seen: (seen["readers"][0]["card"] or {"codes": [{}]})["codes"][0].get("activated") is True
    )
    assert call(house, "GetGuidance")["toActivate"] == ["signature"]
    assert OpenSC(house).accepts(NEW_PIN)
    rest = house.ctl(
        "activate", "--code-fd", "0", "--json", *checklist(), codes=(SIGNATURE_TRANSPORT, NEW_SIGNATURE_PIN)
    )
    assert (rest.status, rest.json["done"]) == (0, ["signature"])
    assert OpenSC(house).accepts(NEW_SIGNATURE_PIN, "signature")


def test_a_card_that_refuses_half_way(house: Household, tmp_path: Path) -> None:
    """A failure of the card at the second PIN: `done` names the first, and nothing more was sent."""
    fixture = tmp_path / "halfway.toml"
    fault = '[[answers]]\nins = "2C"\nnth = 2\nkind = "6F00"\nwhen = "before"\n'
    fixture.write_text(f'title = "half-way"\ncodes = {{ chosen = false }}\n{fault}')
    house.insert(str(fixture))
    answer = activate(house, PUK)
    assert (answer.status, answer.error["code"], answer.error["done"]) == (1, "card.refused", ["authentication"])
    assert answer.error["statusWord"] == 0x6F00
    house.await_picture(lambda seen: [one["activated"] for one in codes_of(seen)] == [True, False, True])
    assert OpenSC(house).accepts(NEW_PIN)
    rest = house.ctl("activate", "--code-fd", "0", "--json", *checklist(), codes=(PUK, NEW_SIGNATURE_PIN))
    assert (rest.status, rest.json["done"]) == (0, ["signature"])


def codes_of(picture: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the codes of the card in the first reader, as far as they were read."""
    return (picture["readers"][0]["card"] or {"codes": []})["codes"]


@pytest.mark.parametrize("happened", [True, False], ids=["after the chip", "before the chip"])
def test_a_card_pulled_half_way(house: Household, happened: bool) -> None:
    """The answer about the second PIN never came: `done` names the first; at the next insertion it is told what was."""
    resets = []

    def second(command: bytes) -> bool:
        if carries_code(command) and command[1] == RESET_RETRY_COUNTER:
            resets.append(None)
            return len(resets) == 2
        return False

    model = house.model("inactive", **{"after" if happened else "before": second})
    model.insert()
    house.await_reader("ready")
    answer = activate(house, PUK)
    assert (answer.status, answer.error["code"]) == (9, "card.outcomeUnknown")
    assert answer.error["done"] == ["authentication"]
    house.await_reader("empty")
    model.remove()
    model.insert()
    shown = house.await_reader("ready")
    assert [code(shown, role)["activated"] for role in BOTH] == [True, happened]
    (notice,) = [
        one for one in house.ctl("status", "--json").json["notices"] if one["cardSerial"] == house.serial("inactive")
    ][-1:]
    assert (notice["code"], notice["happened"]) == ("code.outcomeLearnt", happened)
    assert model.codes_sent == (2 if happened else 1)
    assert house.tries("inactive", "puk") == 10
    activated, learnt = rows(house, "--card", house.serial("inactive"), "--last", "2")
    assert (activated["result"], activated["more"]["done"]) == ("card.outcomeUnknown", ["authentication"])
    assert (learnt["operation"], learnt["result"]) == (
        "code.outcomeLearnt",
        "happened" if happened else "didNotHappen",
    )


def test_new_pins_keep_the_rules_in_an_activation(house: Household) -> None:
    """Before the card is touched; the same PIN for both is only advised against, the transport PIN is an old one."""
    model = house.model("transport")
    model.insert()
    house.await_reader("ready")
    present = {"transportAuthentication": TRANSPORT, "transportSignature": SIGNATURE_TRANSPORT}
    for new, role, rules in (
        ({"newAuthentication": "111111", "newSignature": NEW_PIN}, "authentication", ["allSame"]),
        ({"newAuthentication": NEW_PIN, "newSignature": SIGNATURE_TRANSPORT}, "signature", ["sameAsOld"]),
        ({"newAuthentication": NEW_PIN, "newSignature": "121212"}, "signature", ["personalNumber", "birthDate"]),
    ):
        refused = call(house, "Activate", **present, **new, answers=on_the_wire())
        assert (refused["code"], refused["role"], refused["rules"]) == ("pin.refused", role, rules)
    for missing in (
        {**present, "newAuthentication": NEW_PIN},
        {"transportAuthentication": TRANSPORT, "newAuthentication": NEW_PIN, "newSignature": NEW_SIGNATURE_PIN},
        {"puk": PUK, "newAuthentication": NEW_PIN, "newSignature": NEW_SIGNATURE_PIN},
    ):
        assert call(house, "Activate", **missing, answers=on_the_wire())["code"] == "request.invalid"
    assert model.codes_sent == 0
    done = call(house, "Activate", **present, newAuthentication=NEW_PIN, newSignature=NEW_PIN, answers=on_the_wire())
    assert (done["done"], done["warnings"]) == (BOTH, ["sameAsOther"])


def test_a_blocked_transport_pin_is_unblocked(house: Household) -> None:
    """The PUK gives such a PIN its first own value: it is chosen then, and the activation asks for the other alone."""
    house.insert("transport")
    spend = ("--spend-last-try",)
    said = [activate(house, WRONG_PIN, SIGNATURE_TRANSPORT, more=spend).error for _ in range(3)]
    assert [one["triesLeft"] for one in said] == [2, 1, 0]
    blocked = activate(house, TRANSPORT, SIGNATURE_TRANSPORT, more=spend)
    assert (blocked.status, blocked.error["code"], blocked.error["advice"]) == (6, "pin.blocked", "unblock.withPuk")
    assert house.unblock(PUK, NEW_PIN).status == 0
    house.await_picture(lambda seen: [one["activated"] for one in codes_of(seen)] == [True, False, True])
    assert house.verify(NEW_PIN).status == 0
    assert call(house, "GetGuidance")["toActivate"] == ["signature"]
    rest = house.ctl(
        "activate", "--code-fd", "0", "--json", *checklist(), codes=(SIGNATURE_TRANSPORT, NEW_SIGNATURE_PIN)
    )
    assert (rest.status, rest.json["done"]) == (0, ["signature"])
