"""What the daemon shows of each card, and how cards come, go and change places."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from e2e_household import BIN, PIN, SIGNATURE_PIN, WRONG_PIN, Household, code

UNCHECKED = {"status": "unknown", "reasons": ["revocation.notChecked"]}
EXPIRED = {"status": "bad", "reasons": ["date.expired", "revocation.notChecked"]}
NO_ISSUER = {"status": "unknown", "reasons": ["chain.issuerUnknown", "revocation.notChecked"]}
STRANGER = {"status": "bad", "reasons": ["chain.untrusted", "revocation.notChecked"]}
HSA_PAIR = [("authentication", "hsaId"), ("signature", "hsaId")]
BOTH_PAIRS = [*HSA_PAIR, ("authentication", "personalIdentityNumber"), ("signature", "personalIdentityNumber")]
FULL = [("authentication", 3, False), ("signature", 3, False), ("puk", 10, False)]
TOLVAN = ("Tolvan Tolvansson", "SE2321000016-SIM1")

# name: kind, level of assurance, holder, codes (role, tries left, blocked), certificates, their verdict
SHOWN: dict[str, tuple[str, int | None, tuple[str | None, str], list[Any], list[tuple[str, str]], dict[str, Any]]] = {
    "ordinary": ("ordinary", 3, TOLVAN, FULL, BOTH_PAIRS, UNCHECKED),
    "ordinary-t0": ("ordinary", 3, TOLVAN, FULL, BOTH_PAIRS, UNCHECKED),
    "second": ("ordinary", 3, TOLVAN, FULL, [*BOTH_PAIRS, ("issuer", "none"), ("issuer", "none")], UNCHECKED),
    "reserve": ("reserve", 2, ("Reserva Tolvansson", "SE2321000016-SIM2"), FULL, HSA_PAIR, UNCHECKED),
    "desk": ("ordinary", 3, TOLVAN, FULL, BOTH_PAIRS, UNCHECKED),
    "transport": ("ordinary", 3, TOLVAN, FULL, BOTH_PAIRS, UNCHECKED),
    "expired": ("ordinary", 3, TOLVAN, FULL, BOTH_PAIRS, EXPIRED),
    "expiring": ("ordinary", 3, TOLVAN, FULL, BOTH_PAIRS, UNCHECKED),
    "blocked": ("ordinary", 3, TOLVAN, [("authentication", 0, True), *FULL[1:]], BOTH_PAIRS, UNCHECKED),
    "inactive": (
        "ordinary",
        3,
        TOLVAN,
        [("authentication", None, False), ("signature", None, False), FULL[2]],
        BOTH_PAIRS,
        UNCHECKED,
    ),
    "old": (
        "old",
        None,
        ("Gamla Tolvansson", "SE2321000016-SIM3"),
        FULL,
        [*BOTH_PAIRS, ("authentication", "personalIdentityNumber")],
        NO_ISSUER,
    ),
    "protected": ("ordinary", 3, (None, "SE2321000016-SIM4"), FULL, HSA_PAIR, UNCHECKED),
}


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_each_siths_card_is_shown_for_what_it_is(house: Household, name: str) -> None:
    """Kind, world, level, holder, codes, certificates and verdicts are those that the card's fixture promises."""
    kind, level, (display_name, hsa_id), codes, certificates, verdict = SHOWN[name]
    card = house.insert(name)["card"]
    assert (card["kind"], card["environment"], card["levelOfAssurance"]) == (kind, "sim", level)
    assert (card["holder"]["displayName"], card["holder"]["hsaId"]) == (display_name, hsa_id)
    assert [(one["role"], one["triesLeft"], one["blocked"]) for one in card["codes"]] == codes
    assert [(one["purpose"], one["identity"]) for one in card["certificates"]] == certificates
    assert [one["verdict"] for one in card["certificates"]] == [verdict] * len(certificates)
    assert len(card["cardNumber"]) == 19
    assert card["cardNumber"].startswith("9752")


def test_every_fixture_is_looked_at(house: Household) -> None:
    """No card of the shelf is left out of these tests."""
    known = {one["name"] for one in house.sim("list", "--json").json["cards"]}
    assert known == set(SHOWN) | {"foreign", "strange", "broken"}


def test_a_personal_identity_number_is_masked(house: Household) -> None:
    """It is shown in full to nobody who does not ask for it, also not inside of a subject."""
    house.insert("ordinary")
    answer = house.ctl("status", "--json")
    assert "191212121212" not in answer.out
    assert "121212-1212" not in answer.out
    assert answer.json["readers"][0]["card"]["holder"]["personalIdentityNumber"] == "19121212-****"
    unmasked = house.ctl("status", "--json", "--unmasked").json["readers"][0]["card"]
    assert unmasked["holder"]["personalIdentityNumber"] == "191212121212"


def test_a_card_that_is_not_activated_says_so(house: Household) -> None:
    """Its PINs are told as not chosen, and one that is given does not reach the card."""
    shown = house.insert("inactive")
    assert [code(shown, role)["activated"] for role in ("authentication", "signature", "puk")] == [False, False, True]
    answer = house.verify(WRONG_PIN)
    assert (answer.status, answer.error["code"]) == (7, "pin.notActivated")


def test_an_old_card_is_shown_with_its_weaknesses(house: Household) -> None:
    """Retired issuer, Telia certificate and exponent 3 are told, and all five certificates are shown."""
    card = house.insert("old")["card"]
    assert card["notes"] == ["certificate.telia", "certificate.type1"]
    assert [one["weaknesses"] for one in card["certificates"]] == [["key.exponent3"]] * 5


def fingerprints(reader: dict[str, Any]) -> list[str]:
    """Return the fingerprints of the certificates of the card in a reader: what else is told of them may change."""
    return [one["fingerprint"] for one in reader["card"]["certificates"]]


@pytest.fixture
def keeping(house: Household) -> Iterator[Household]:
    """Run a daemon that keeps what it has read of cards, as it does where nothing else is said."""
    for more in ("[cards]\n", ""):
        house.stop()
        house.write_config(more)
        house.start()
        if more:
            yield house


def test_a_card_that_comes_again_costs_six_apdus(keeping: Household) -> None:
    """The same is shown of it as before, the counters as they are now; a card that may leave no trace is read whole."""
    house, costs = keeping, {}
    for name in ("ordinary", "second", "protected"):
        first = house.insert(name)
        house.remove()
        again = house.insert(name)
        costs[name] = house.apdus()
        house.remove()
        for what in ("serial", "holder", "codes", "cardNumber", "kind", "levelOfAssurance", "notes"):
            assert again["card"][what] == first["card"][what]
        assert fingerprints(again) == fingerprints(first)
    assert (costs["ordinary"], costs["second"]) == (6, 6)
    assert costs["protected"] > 6
    house.insert("ordinary")
    assert house.verify(WRONG_PIN).status == 5
    house.remove()
    again = house.insert("ordinary")
    assert (house.apdus(), code(again)["triesLeft"]) == (6, 2)
    house.verify(PIN)


@pytest.mark.parametrize("silently", [[], ["--keep-last-update"]], ids=["told", "silently"])
def test_a_renewed_card_is_shown_with_its_new_certificates(keeping: Household, silently: list[str]) -> None:
    """Between two insertions, whether the desk says so on the card or not; and then it is known again if it did."""
    house = keeping
    old = fingerprints(house.insert("ordinary"))
    house.remove()
    house.sim("renew", "ordinary", *silently)
    new = fingerprints(house.insert("ordinary"))
    assert not set(old) & set(new)
    assert house.apdus() > 6
    house.remove()
    assert fingerprints(house.insert("ordinary")) == new
    assert (house.apdus() == 6) is (not silently)


def test_a_protected_holder_is_shown_by_the_hsa_id_alone(house: Household) -> None:
    """Neither name nor number nor organisation is told of a person whose identity looks protected."""
    card = house.insert("protected")["card"]
    holder = card["holder"]
    assert (holder["protected"], holder["personalIdentityNumber"], holder["organization"]) == (True, None, None)
    assert card["notes"] == ["holder.protectedAssumed"]


@pytest.mark.parametrize(
    ("name", "kind", "verdicts"), [("foreign", "notSiths", [STRANGER] * 3), ("strange", "unknown", [])]
)
def test_a_card_that_is_not_siths_is_named_as_such(house: Household, name: str, kind: str, verdicts: list[Any]) -> None:
    """It is unsupported, neither empty nor busy; its codes are not even asked about, and none is given to it."""
    shown = house.insert(name, state="unsupported")
    assert (shown["reason"], shown["card"]["kind"], shown["card"]["codes"]) == ("card.unsupported", kind, [])
    assert shown["card"]["environment"] == "unknown"
    assert [one["verdict"] for one in shown["card"]["certificates"]] == verdicts
    house.apdus(reset=True)
    answer = house.verify(WRONG_PIN)
    assert (answer.status, answer.error["code"], answer.error["retryable"]) == (8, "card.unsupported", False)
    assert house.apdus() == 0


def test_a_card_with_broken_files_is_unreadable_and_says_where(house: Household) -> None:
    """Malformed content fails closed: no holder, no code, no certificate, and the file is named."""
    shown = house.insert("broken", state="unreadable")
    assert shown["reason"] == "card.unreadable"
    assert "4403" in shown["detail"]
    assert (shown["card"]["holder"], shown["card"]["codes"], shown["card"]["certificates"]) == (None, [], [])
    answer = house.verify(WRONG_PIN)
    assert (answer.status, answer.error["code"]) == (8, "card.unreadable")
    house.remove()
    house.insert("ordinary")


@pytest.mark.both_drivers
def test_a_monitor_tells_insertion_identity_and_removal(house: Household) -> None:
    """`sithsctl monitor --json` prints the state first, then every change, with growing sequence numbers."""
    monitor = house.background([str(BIN / "sithsctl"), "monitor", "--json"], text=True)
    assert monitor.stdout is not None
    told = [json.loads(monitor.stdout.readline())]
    assert told[0]["event"] == "state"
    assert [one["state"] for one in told[0]["readers"]] == ["empty", "empty"]
    for name in ("ordinary", None):
        if name:
            house.insert(name)
        else:
            house.remove()
        wanted = "ready" if name else "empty"
        while told[-1]["readers"][0]["state"] != wanted or len(told) == 1:
            told.append(json.loads(monitor.stdout.readline()))
    assert {one["event"] for one in told[1:]} == {"changed"}
    assert {one["reader"] for one in told[1:]} == {house.readers[0]}
    assert [one["sequence"] for one in told] == sorted({one["sequence"] for one in told})
    ready = next(one for one in told if one["readers"][0]["state"] == "ready")
    assert ready["readers"][0]["card"]["holder"]["displayName"] == "Tolvan Tolvansson"
    assert told[-1]["readers"][0]["card"] is None


def test_a_card_put_in_again_is_read_again(house: Household) -> None:
    """A removed card leaves nothing behind; the same one is shown again when it comes back."""
    first = house.insert("ordinary")["card"]
    house.remove()
    answer = house.verify(WRONG_PIN)
    assert (answer.status, answer.error["code"]) == (4, "card.absent")
    assert house.insert("ordinary")["card"]["serial"] == first["serial"]
    assert house.tries("ordinary") == 3


@pytest.mark.both_drivers
def test_a_swap_shows_the_other_card(house: Household) -> None:
    """After one card was exchanged for another, nothing of the first is shown."""
    house.insert("ordinary")
    house.sim("swap", "reserve")
    shown = house.await_reader("ready", serial=house.serial("reserve"))
    assert shown["card"]["holder"]["hsaId"] == "SE2321000016-SIM2"


@pytest.mark.both_drivers
def test_two_cards_at_once_are_kept_apart(house: Household) -> None:
    """Each reader has its own card; a code without a reader's name goes nowhere, with it to that reader's card."""
    first = house.insert("ordinary")
    other = house.insert("reserve", reader=1)
    assert (first["card"]["kind"], other["card"]["kind"]) == ("ordinary", "reserve")
    refused = house.verify(WRONG_PIN)
    assert (refused.status, refused.error["code"], refused.error["retryable"]) == (4, "reader.ambiguous", False)
    assert (house.tries("ordinary"), house.tries("reserve")) == (3, 3)
    wrong = house.verify(WRONG_PIN, "--reader", house.readers[1])
    assert (wrong.status, wrong.error["code"], wrong.error["triesLeft"]) == (5, "pin.wrong", 2)
    assert (house.tries("ordinary"), house.tries("reserve")) == (3, 2)
    right = house.verify(SIGNATURE_PIN, "--reader", house.readers[0], role="signature")
    assert (right.status, right.json["reader"]) == (0, house.readers[0])
    unknown = house.verify(WRONG_PIN, "--reader", "No Such Reader")
    assert (unknown.status, unknown.error["code"]) == (4, "reader.unknown")
    house.remove(1)
    assert house.verify(SIGNATURE_PIN, role="signature").json["reader"] == house.readers[0]


@pytest.mark.both_drivers
def test_a_swap_between_two_polls_does_not_go_unnoticed(house: Household) -> None:
    """Two cards with the same ATR, exchanged quickly: the second is shown, and gets no code meant for the first."""
    first = house.insert("ordinary")["card"]
    house.swap("second", fast=True)
    with house.wire("io.sithsd.Codes") as wire:
        meant = {"role": "authentication", "code": WRONG_PIN, "cardSerial": first["serial"]}
        refused = wire.call("io.sithsd.Codes.Verify", meant)
    assert refused["parameters"]["code"] in {"card.changed", "card.removed", "card.absent", "card.unreadable"}
    shown = house.await_reader("ready", serial=house.serial("second"))
    assert shown["card"]["atr"] == first["atr"]
    assert (house.tries("ordinary"), house.tries("second")) == (3, 3)


def test_a_swap_that_the_reader_never_sees_is_found_before_a_code_is_sent(house: Household) -> None:
    """The chip behind the contacts is another: card.changed, no code leaves the daemon, then the new card is shown."""
    model = house.model("ordinary")
    model.insert()
    first = house.await_reader("ready")["card"]
    second = house.chip("second")
    model.exchange(second)
    answer = house.verify(WRONG_PIN)
    assert (answer.status, answer.error["code"], answer.error["retryable"]) == (9, "card.changed", False)
    assert model.codes_sent == 0
    assert (house.tries("ordinary"), house.tries("second")) == (3, 3)
    shown = house.await_reader("ready", serial=house.serial("second"))
    assert shown["card"]["serial"] != first["serial"]
    assert house.verify(WRONG_PIN).error["code"] == "pin.wrong"
    assert (house.tries("ordinary"), house.tries("second")) == (3, 2)
