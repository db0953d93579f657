"""Revocation, whole: a card, the daemon without a network, sithsd-fetch with one, and the authorities that revoke.

The daemon runs under the rule that kills it at any other socket than a Unix socket, as in all of these tests.
"""

from collections.abc import Callable
from typing import Any

import pytest
from e2e_desk import at_terminal
from e2e_household import CARDS, PIN, SIGNATURE_PIN, Household

HSA = ("--identity", "hsaId", "--code-fd", "0", "--json")
ANYHOW = ("--require", "goodOrRevocationUnchecked")


@pytest.fixture
def house(new_house: Callable[..., Household]) -> Household:
    """Return a house with a daemon that has nobody to ask yet."""
    house = new_house(1)
    house.start()
    return house


def validity(house: Household, *more: str) -> set[tuple[str, ...]]:
    """Ask sithsctl; return each different verdict, as its status and reasons."""
    told = [one["verdict"] for one in house.ctl("validity", "--json", *more).json["certificates"]]
    return {(one["status"], *one["reasons"]) for one in told}


def evidence(house: Household) -> list[dict[str, Any]]:
    """Return what is known of the first certificate's revocation."""
    found: list[dict[str, Any]] = house.ctl("validity", "--json").json["certificates"][0]["evidence"]
    return found


def log_in(house: Household, *more: str) -> tuple[int, str | None]:
    """Have the card prove itself; return the exit status, and the error's name."""
    answer = house.ctl("authenticate", *HSA, *more, codes=(PIN,))
    return answer.status, answer.json["error"]["code"] if answer.status else None


def assert_refused(house: Household, reasons: list[str], advice: str) -> None:
    """Find that a log-in is refused unless less is required, that a signature is not, and that no try is lost.

    A person at a terminal is told what to do, before a PIN is asked for.
    """
    answer = house.ctl("authenticate", *HSA, codes=(PIN,))
    assert (answer.status, answer.error["code"], answer.error["rules"]) == (7, "certificate.bad", reasons)
    status, shown = at_terminal(house, command=("authenticate", "--identity", "hsaId"))
    assert status == 7
    assert advice in " ".join(shown.decode().split())
    assert "not shown" not in shown.decode()
    assert log_in(house, "--require", "good") == (7, "certificate.bad")
    assert log_in(house, *ANYHOW) == (0, None)
    letter = ("--digest", "ab" * 32, "--description", "A letter")
    assert house.ctl("sign", *letter, *HSA, codes=(SIGNATURE_PIN,)).status == 0
    assert (house.tries("ordinary"), house.tries("ordinary", "signature")) == (3, 3)


def alive(house: Household) -> bool:
    """Tell whether the daemon runs, with the rule upon it, and has no fault."""
    assert house.daemon is not None
    faults = [line for line in house.log_lines() if line["level"] in {"error", "critical"}]
    return house.daemon.poll() is None and not faults


def test_a_good_card(house: Household) -> None:
    """It is shown at once, and good as soon as its issuer has answered; a log-in that requires good is let in."""
    house.serve_issuers()
    house.start_fetch()
    house.insert("ordinary")
    house.await_verdict("good")
    leaf, issuer = evidence(house)
    assert (leaf["status"], leaf["failure"], leaf["staleHours"]) == ("good", None, None)
    assert leaf["url"].startswith("http://127.0.0.1:")
    assert leaf["nextCheck"] is not None
    assert issuer["status"] == "good"
    assert "CN=SIM SITHS e-id Person" in issuer["subject"]
    assert log_in(house, "--require", "good") == (0, None)
    assert log_in(house) == (0, None)
    checks = {one["name"]: one["finding"] for one in house.ctl("doctor", "--json").json["checks"]}
    assert (checks["doctor.fetch"], checks["doctor.revocation"]) == ("good", "good")
    assert house.verify(PIN).status == 0
    # A card that is put in again has its evidence at once, without anybody being asked.
    house.remove()
    house.stop_fetch()
    house.insert("ordinary")
    assert validity(house) == {("good",)}
    assert alive(house)


def test_revoked_while_it_is_in(house: Household) -> None:
    """With the next answer of its issuer those who listen are told, and nothing more is proven with it."""
    house.serve_issuers()
    house.start_fetch()
    house.insert("ordinary")
    house.await_verdict("good")
    with house.wire() as wire:
        wire.ask(f"{CARDS}.Monitor", more=True)
        house.sim("revoke", "ordinary", "--reason", "keyCompromise")
        # Somebody has the issuer asked before the daemon would, by a sithsd-fetch that has not just asked it.
        house.stop_fetch()
        house.start_fetch()
        assert validity(house, "--fresh") == {("bad", "revocation.revoked")}
        while True:
            reply = wire.receive()["parameters"]
            certificates = reply["readers"][0]["card"]["certificates"]
            if {one["verdict"]["status"] for one in certificates} == {"bad"}:
                break
    assert (reply["event"], reply["reader"]) == ("changed", house.readers[0])
    for one in certificates:
        assert one["verdict"]["reasons"][0] == "revocation.revoked"
        assert one["evidence"][0]["revocationReason"] == "keyCompromise"
        assert one["evidence"][0]["revokedAt"]
    house.apdus(reset=True)
    assert log_in(house) == (7, "certificate.bad")
    assert house.apdus() == 0
    assert house.tries("ordinary") == 3
    assert "revoked since" in " ".join(house.ctl("validity").out.split())
    assert log_in(house, "--accept-bad") == (0, None)
    assert alive(house)


def test_nobody_to_ask_and_then_somebody(house: Household) -> None:
    """Without sithsd-fetch nothing is checked, and everything else works; when it is there one question is enough."""
    house.serve_issuers()
    house.insert("ordinary")
    assert validity(house) == {("unknown", "revocation.notChecked")}
    assert_refused(house, ["revocation.notChecked"], "sudo systemctl start sithsd-fetch.socket")
    house.start_fetch()
    assert validity(house) == {("good",)}
    assert log_in(house) == (0, None)
    house.await_verdict("good")
    house.stop_fetch()
    assert validity(house) == {("good",)}
    house.start_fetch()
    house.sim("revoke", "ordinary")
    assert validity(house, "--fresh") == {("bad", "revocation.revoked")}
    house.await_verdict("bad", "revocation.revoked")
    assert alive(house)


def test_no_network(house: Household) -> None:
    """Where nobody answers that is the reason, told in time; the card is read, and its codes are used as ever."""
    house.start_fetch()
    house.insert("ordinary")
    (found,) = validity(house)
    assert (found[0], found[1]) == ("unknown", "revocation.unreachable")
    assert house.verify(PIN).status == 0
    assert_refused(house, list(found[1:]), "Connect the computer to the network")
    assert "no network, or no answer" in " ".join(house.ctl("validity").out.split())
    assert alive(house)


def test_answers_that_prove_nothing(house: Household) -> None:
    """A wrong signer's good answer is none: unknown, with the reason, and no reason to let anybody in."""
    house.serve_issuers()
    house.sim("spoil", "wrong-signer")
    house.start_fetch()
    house.insert("ordinary")
    (found,) = validity(house)
    assert (found[0], found[1]) == ("unknown", "revocation.invalid")
    assert log_in(house) == log_in(house, *ANYHOW) == (7, "certificate.bad")
    assert house.tries("ordinary") == 3
    assert alive(house)
