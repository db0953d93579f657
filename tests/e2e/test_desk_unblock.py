"""A blocked PIN unblocked by the PUK: by whom, with which cards, and what a person is told to do when it can't be."""

import grp
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e_desk import OpenSC, activate, another, call, checklist, rows, told
from e2e_household import NEW_PIN, PIN, PUK, SIGNATURE_PIN, WRONG_PIN, WRONG_PUK, Household, code

DESK_GROUP, HOLDERS_GROUP = "games", "users"  # groups that every Debian has
BOTH_WORDS = ("--spend-last-try", "--risk-card")
DESK_ATR = "3B F7 18 00 00 81 31 FE 45 37 58 4D 79 45 49 44 F7"
UNBLOCK = ("unblock", "--role", "authentication", "--code-fd", "0")

# What there is to do when the PUK is dead, and when it is not at hand, by kind of card.
ADVICE = {
    "reserve": (
        "reserve.newCard",
        "The codes of a reserve card can't be ordered again: see a desk operator for a new reserve card.",
        "Reservkortets koder går inte att beställa på nytt: gå till en ID-administratör för ett nytt reservkort.",
        "reserve.newCard",
    ),
    "ordinary": (
        "card.orderNew",
        "Order a new card, and have the certificates of this one revoked.",
        "Beställ ett nytt kort och låt spärra certifikaten på det här.",
        "letter.reorder",
    ),
    "desk": (
        "card.orderNew",
        "Order a new card, and have the certificates of this one revoked.",
        "Beställ ett nytt kort och låt spärra certifikaten på det här.",
        "unblock.atDesk",
    ),
}


@pytest.mark.parametrize(
    ("role", "old", "other", "other_pin"),
    [("authentication", PIN, "signature", SIGNATURE_PIN), ("signature", SIGNATURE_PIN, "authentication", PIN)],
    ids=["authentication", "signature"],
)
def test_each_pin_is_unblocked_by_the_one_puk(
    house: Household, role: str, old: str, other: str, other_pin: str
) -> None:
    """The blocked PIN gets a new value and all its tries, says OpenSC; the other one keeps its own."""
    house.insert("ordinary")
    for _ in range(3):
        house.verify(WRONG_PIN, "--spend-last-try", role=role)
    assert code(house.await_reader("ready"), role)["blocked"] is True
    answer = house.unblock(PUK, NEW_PIN, role=role)
    assert (answer.status, answer.json["role"], answer.json["triesLeft"]) == (0, role, 3)
    (row,) = rows(house, "--last", "1")
    assert told(row) == ("unblock", role, "done", 10, 10)
    assert row["more"] == {"judged": "puk"}
    opensc = OpenSC(house)
    assert opensc.accepts(NEW_PIN, role)
    assert opensc.accepts(other_pin, other)
    assert not opensc.accepts(old, role)


@pytest.mark.parametrize("name", ADVICE)
def test_what_there_is_to_do_when_the_puk_is_dead(house: Household, name: str) -> None:
    """By kind of card, to scripts by name and to people in both languages; before, when the PUK is dear, likewise."""
    advice, english, swedish, while_it_lives = ADVICE[name]
    house.insert(name)
    words = {"spendLastTry": True, "riskCard": True}
    given = {"role": "authentication", "puk": WRONG_PUK, "newCode": NEW_PIN}
    said = [call(house, "Unblock", **given, **words) for _ in range(8)]
    said += [call(house, "Unblock", **given), *(call(house, "Unblock", **given, **words) for _ in range(2))]
    assert [(one["code"], one["triesLeft"]) for one in said] == [
        *(("puk.wrong", left) for left in range(9, 1, -1)),
        ("puk.belowFloor", 2),
        ("puk.wrong", 1),
        ("puk.wrong", 0),
    ]
    assert [one["advice"] for one in said] == [while_it_lives] * 10 + [advice]
    dead = house.unblock(PUK, NEW_PIN, *BOTH_WORDS)
    assert (dead.status, dead.error["code"], dead.error["advice"]) == (6, "puk.blocked", advice)
    for lang, sentence in (("en", english), ("sv", swedish)):
        people = house.ctl(*UNBLOCK, *BOTH_WORDS, "--lang", lang, codes=(PUK, NEW_PIN))
        assert (people.status, people.out) == (6, "")
        assert sentence in people.err
    assert (house.tries(name, "puk"), house.tries(name)) == (0, 3)


@pytest.mark.parametrize(
    ("name", "advice", "english", "swedish"),
    [
        ("ordinary", "unblock.withPuk", "Unblock it with the PUK from the code letter", "Är brevet borta"),
        ("reserve", "reserve.withPuk", "If you have the PUK of this reserve card", "Har du reservkortets PUK-kod"),
        ("desk", "unblock.atDesk", "Go to a desk operator with the card", "Gå till en ID-administratör"),
    ],
    ids=["ordinary", "reserve", "desk"],
)
def test_what_there_is_to_do_when_a_pin_is_blocked(
    house: Household, name: str, advice: str, english: str, swedish: str
) -> None:
    """Already the answer to the wrong PIN that blocked it says so, and every later one."""
    house.insert(name)
    said = [house.verify(WRONG_PIN, "--spend-last-try").error for _ in range(4)]
    assert [one["code"] for one in said] == ["pin.wrong"] * 3 + ["pin.blocked"]
    assert [one.get("advice") for one in said] == [None, None, advice, advice]
    for lang, sentence in (("en", english), ("sv", swedish)):
        people = house.ctl("verify", "--role", "authentication", "--code-fd", "0", "--lang", lang, codes=(PIN,))
        assert (people.status, sentence in people.err) == (6, True), people.err


def test_who_may_unblock_which_card(new_house: Callable[..., Household], become: list[str], tmp_path: Path) -> None:
    """A holder uses the own card, and unblocks one that holders may; one that a desk unblocks needs a desk operator."""
    house = new_house(1)
    house.write_rights(
        codes=["root", f"group:{DESK_GROUP}", f"group:{HOLDERS_GROUP}"], desk=["root", f"group:{DESK_GROUP}"]
    )
    desk, holders = (grp.getgrnam(name).gr_gid for name in (DESK_GROUP, HOLDERS_GROUP))
    house.start()
    run = another(house, become)
    house.insert("desk")
    for _ in range(3):
        house.verify(WRONG_PIN, "--spend-last-try")
    house.apdus(reset=True)
    refused = run(*UNBLOCK, "--json", codes=(PUK, NEW_PIN), group=holders)
    assert (refused.status, refused.error["code"], refused.error["advice"]) == (7, "unblock.deskOnly", "unblock.atDesk")
    for lang, sentence, advice in (
        ("en", "A card of this kind is unblocked by a desk operator only.", "Go to a desk operator"),
        ("sv", "Inget skickades till kortet.", "Gå till en ID-administratör"),
    ):
        people = run(*UNBLOCK, "--lang", lang, codes=(PUK, NEW_PIN), group=holders)
        assert people.status == 7
        assert sentence in people.err
        assert advice in people.err
    denied = run(*UNBLOCK, "--json", codes=(PUK, NEW_PIN))
    assert (denied.status, denied.error["code"]) == (7, "request.denied")
    assert (house.apdus(), house.tries("desk", "puk")) == (0, 10)
    operator = run(*UNBLOCK, "--json", codes=(PUK, NEW_PIN), group=desk)
    assert (operator.status, operator.json["triesLeft"]) == (0, 3)
    verified = run("verify", *UNBLOCK[1:], "--json", codes=(NEW_PIN,), group=holders)
    assert verified.status == 0
    changed = run("change", *UNBLOCK[1:], "--json", codes=(NEW_PIN, "27364519"), group=holders)
    assert changed.status == 0
    assert house.unblock(PUK, NEW_PIN).status == 0  # root
    house.remove()
    house.insert("blocked")
    own = run(*UNBLOCK, "--json", codes=(PUK, NEW_PIN), group=holders)
    assert (own.status, own.json["triesLeft"]) == (0, 3)
    (row,) = rows(house, "--last", "1")
    assert (told(row), row["uid"]) == (("unblock", "authentication", "done", 10, 10), 65534)
    house.remove()
    fixture = tmp_path / "newdesk.toml"
    fixture.write_text(f'title = "new desk card"\ncodes = {{ chosen = false }}\nchip = {{ atr = "{DESK_ATR}" }}\n')
    house.insert(str(fixture))
    given = ("activate", "--code-fd", "0", "--json", *checklist())
    refused = run(*given, codes=(PUK, NEW_PIN, "40718263"), group=holders)
    assert (refused.status, refused.error["code"]) == (7, "unblock.deskOnly")
    assert activate(house, PUK).json["done"] == ["authentication", "signature"]
