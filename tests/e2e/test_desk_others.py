"""Other programs at the same card: tries that they burn between the prompt and the call, and another card meanwhile."""

from typing import Any

import pytest
from e2e_desk import (
    NEW_SIGNATURE_PIN,
    SIGNATURE_TRANSPORT,
    TRANSPORT,
    OpenSC,
    activate,
    at_terminal,
    call,
    on_the_wire,
    rows,
    told,
)
from e2e_household import NEW_PIN, PIN, PUK, WRONG_PIN, WRONG_PUK, Household, code


def shown_tries(house: Household, role: str) -> int:
    """Return what a person is shown of a code's tries before it is asked for."""
    return next(one["triesLeft"] for one in call(house, "GetGuidance")["codes"] if one["role"] == role)


def lost_elsewhere(house: Household) -> list[dict[str, Any]]:
    """Return what the daemon's notices say of tries that others used."""
    notices = house.ctl("status", "--json").json["notices"]
    return [one for one in notices if one["code"] == "code.triesLostElsewhere"]


def logged(house: Household) -> list[dict[str, Any]]:
    """Return what the log says of the same."""
    return [line for line in house.log_lines() if line["event"] == "code.triesLostElsewhere"]


def test_a_try_burnt_between_the_prompt_and_the_call(house: Household) -> None:
    """OpenSC's wrong PIN changes what the person was shown: nothing is sent, and it is told everywhere, once."""
    house.insert("ordinary")
    serial = house.serial("ordinary")
    before, before_log = len(lost_elsewhere(house)), len(logged(house))
    expected = shown_tries(house, "authentication")
    assert expected == 3
    with house.wire() as stream:
        stream.ask("io.sithsd.Cards.Monitor", more=True)
        stream.receive()
        assert not OpenSC(house).accepts(WRONG_PIN)
        answer = house.verify(PIN, "--expected-tries", "3", "--card-serial", serial)
        assert (answer.status, answer.error["code"], answer.error["triesLeft"]) == (7, "pin.triesChanged", 2)
        notice: dict[str, Any] = {}
        while not notice:
            reply = stream.receive()["parameters"]
            notice = next((one for one in reply["notices"] if one["code"] == "code.triesLostElsewhere"), {})
    expected_notice = {"cardSerial": serial, "role": "authentication", "triesBefore": 3, "triesAfter": 2}
    assert notice.items() >= expected_notice.items()
    assert house.tries("ordinary") == 2
    assert code(house.await_reader("ready"))["triesLeft"] == 2
    assert lost_elsewhere(house)[before:] == [notice]
    (line,) = logged(house)[before_log:]
    assert (line["card"], line["tries_before"], line["tries_after"], line["level"]) == (serial, 3, 2, "warning")
    seen = {row["operation"]: told(row) for row in rows(house, "--last", "2")}
    assert seen == {
        "verify": ("verify", "authentication", "pin.triesChanged", 2, 2),
        "code.triesLostElsewhere": ("code.triesLostElsewhere", "authentication", "happened", 3, 2),
    }
    for lang, sentence in (
        ("en", "tries were used, not through sithsd; before: 3, left: 2."),
        ("sv", "försök har använts, men inte genom sithsd; före: 3, kvar: 2."),
    ):
        assert sentence in " ".join(house.ctl("status", "--lang", lang).out.split())
    again = house.verify(PIN, "--expected-tries", "2", "--card-serial", serial)
    assert (again.status, again.json["triesLeft"]) == (0, 3)
    assert len(lost_elsewhere(house)) == before + 1


def test_a_person_is_asked_again(house: Household) -> None:
    """At a terminal what was typed for three tries is thrown away when two are left, and the person is told."""
    house.insert("ordinary")

    def burnt_meanwhile() -> str:
        assert not OpenSC(house).accepts(WRONG_PIN)
        return WRONG_PIN  # would cost the second try

    status, shown = at_terminal(
        house,
        ("Authentication PIN (6-8 digits, not shown):", burnt_meanwhile),
        ("Authentication PIN (6-8 digits, not shown):", PIN),
        command=("verify", "--role", "authentication"),
    )
    said = " ".join(shown.decode().split())
    assert status == 0, said
    assert "Somebody else used a try of the authentication PIN meanwhile." in said
    assert said.index("3 tries left") < said.index("Somebody else") < said.index("2 tries left")
    assert [told(row)[2:] for row in rows(house, "--last", "3") if row["operation"] == "verify"] == [
        ("pin.triesChanged", 2, 2),
        ("done", 2, 3),
    ]


def test_a_person_is_shown_the_other_card(house: Household) -> None:
    """A card exchanged while the person types: nothing is sent, the other card is shown, and its code is asked for."""
    house.insert("ordinary")

    def exchanged_meanwhile() -> str:
        house.swap("second")
        house.await_reader("ready", serial=house.serial("second"))
        return WRONG_PIN

    status, shown = at_terminal(
        house,
        ("Authentication PIN (6-8 digits, not shown):", exchanged_meanwhile),
        ("Authentication PIN (6-8 digits, not shown):", PIN),
        command=("verify", "--role", "authentication"),
    )
    said = " ".join(shown.decode().split())
    assert status == 0, said
    assert "It is not the same card as before, so nothing was sent to it." in said
    assert (house.tries("ordinary"), house.tries("second")) == (3, 3)


@pytest.mark.parametrize("method", ["Change", "Unblock", "Activate"])
def test_no_code_typed_for_another_state_is_used(house: Household, method: str) -> None:
    """Every operation takes the tries that the person was shown; with others the codes are thrown away."""
    name = {"Change": "ordinary", "Unblock": "blocked", "Activate": "transport"}[method]
    model = house.model(name)
    model.insert()
    house.await_reader("ready")
    serial = house.serial(name)
    calls: dict[str, dict[str, Any]] = {
        "Change": {"role": "authentication", "code": PIN, "newCode": NEW_PIN, "expectedTries": 2},
        "Unblock": {"role": "authentication", "puk": PUK, "newCode": NEW_PIN, "expectedTries": 9},
        "Activate": {
            "newAuthentication": NEW_PIN,
            "newSignature": NEW_SIGNATURE_PIN,
            "transportAuthentication": TRANSPORT,
            "transportSignature": SIGNATURE_TRANSPORT,
            "answers": on_the_wire(),
            # The second code's number is wrong: the first one must not be sent either.
            "expected": [{"role": "authentication", "triesLeft": 3}, {"role": "signature", "triesLeft": 2}],
        },
    }
    refused = call(house, method, **calls[method], cardSerial=serial)
    name_of = {"Change": "pin.triesChanged", "Unblock": "puk.triesChanged", "Activate": "pin.triesChanged"}
    assert refused["code"] == name_of[method]
    assert refused["role"] == {"Change": "authentication", "Unblock": "puk", "Activate": "signature"}[method]
    assert refused["done"] == []
    other = call(house, method, **calls[method], cardSerial="0011223344556677")
    assert (other["code"], other["cardSerial"]) == ("card.changed", serial)
    assert model.codes_sent == 0


def test_another_card_than_the_one_prompted_for(house: Household) -> None:
    """The card was exchanged while the person typed: what was typed for the first is not given to the second."""
    house.insert("ordinary")
    first = call(house, "GetGuidance")["cardSerial"]
    house.swap("second")
    house.await_reader("ready", serial=house.serial("second"))
    answer = house.verify(WRONG_PIN, "--card-serial", first, "--expected-tries", "3")
    assert (answer.status, answer.error["code"]) == (9, "card.changed")
    assert answer.error["cardSerial"] == house.serial("second")
    assert (house.tries("ordinary"), house.tries("second")) == (3, 3)


def test_a_puk_that_others_burn(house: Household) -> None:
    """The PUK's lost tries are noticed as the PINs' are, and its right one gets them back."""
    house.insert("blocked")
    before = len(lost_elsewhere(house))
    assert shown_tries(house, "puk") == 10
    opensc = OpenSC(house)
    assert not opensc.unblocks(WRONG_PUK, NEW_PIN)
    assert not opensc.unblocks(WRONG_PUK, NEW_PIN)
    refused = call(house, "Unblock", role="authentication", puk=PUK, newCode=NEW_PIN, expectedTries=10)
    assert (refused["code"], refused["triesLeft"]) == ("puk.triesChanged", 8)
    (notice,) = lost_elsewhere(house)[before:]
    assert (notice["role"], notice["triesBefore"], notice["triesAfter"]) == ("puk", 10, 8)
    assert house.tries("blocked", "puk") == 8
    assert house.unblock(PUK, NEW_PIN, "--expected-tries", "8").status == 0
    assert house.tries("blocked", "puk") == 10


def test_tries_lost_while_the_card_was_out(house: Household) -> None:
    """A card that went elsewhere and came back with fewer tries is noticed when it is read, nothing being asked."""
    house.insert("ordinary")
    before = len(lost_elsewhere(house))
    assert not OpenSC(house).accepts(WRONG_PIN)
    house.remove()
    shown = house.insert("ordinary")
    assert code(shown)["triesLeft"] == 2
    (notice,) = lost_elsewhere(house)[before:]
    assert (notice["triesBefore"], notice["triesAfter"], notice["role"]) == (3, 2, "authentication")
    # Our own wrong codes are no news.
    assert house.verify(WRONG_PIN).error["triesLeft"] == 1
    house.remove()
    house.insert("ordinary")
    assert lost_elsewhere(house)[before:] == [notice]


def test_a_card_that_somebody_else_activated(house: Household) -> None:
    """What is known of a card gives way to the card: its holder's PINs were chosen by another program meanwhile."""
    house.insert("transport")
    opensc = OpenSC(house)
    assert opensc.changes(TRANSPORT, NEW_PIN)
    assert opensc.changes(SIGNATURE_TRANSPORT, NEW_SIGNATURE_PIN, "signature")
    answer = activate(house, TRANSPORT, SIGNATURE_TRANSPORT)
    assert (answer.status, answer.error["code"]) == (7, "activation.notNeeded")
    house.await_picture(lambda seen: seen["readers"][0]["state"] == "ready" and code(seen["readers"][0])["activated"])
    assert house.verify(NEW_PIN).status == 0
    assert (house.tries("transport"), house.tries("transport", "signature")) == (3, 3)
