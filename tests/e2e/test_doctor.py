"""`sithsctl doctor` on a real pcscd: what it finds when a link of the chain is broken; and it disturbs nothing."""

import base64
import json
import os
import platform
import signal
import stat
import sys
from collections.abc import Callable
from typing import Any

import pytest
from e2e_desk import OpenSC, another
from e2e_household import CARDS, PIN, PUK, SIGNATURE_PIN, WRONG_PIN, Answer, Household
from e2e_ifd_card import IfdCard

NOBODY = 65534


def findings(answer: Answer) -> dict[str, str]:
    """Return what each check found, by the check's name."""
    return {one["name"].removeprefix("doctor."): one["finding"] for one in answer.json["checks"]}


def facts(answer: Answer, name: str) -> dict[str, Any]:
    """Return the facts of one check."""
    told: dict[str, Any] = next(one["facts"] for one in answer.json["checks"] if one["name"] == f"doctor.{name}")
    return told


def broken(answer: Answer) -> tuple[int, str | None]:
    """Return the exit status, and which check and finding decided what to do next."""
    step = answer.json["next"]
    return answer.status, None if step is None else f"{step['check'].removeprefix('doctor.')}.{step['finding']}"


def doctor(house: Household, *more: str) -> Answer:
    """Ask the doctor as a script does."""
    return house.ctl("doctor", "--json", *more)


@pytest.mark.both_drivers
def test_a_healthy_card(house: Household) -> None:
    """A log-in could work: status 0. No code is sent, no try used; only what `codes` asks the card is asked."""
    sent: list[bytes] = []
    model = house.model("ordinary", before=lambda command: bool(sent.append(bytes(command))))
    model.insert()
    house.await_reader("ready")
    sent.clear()
    house.ctl("codes", "--json")
    looked = [*sent]
    sent.clear()
    answer = doctor(house)
    assert (answer.status, answer.err, answer.json["possible"]) == (0, "", True)
    assert sent == looked
    assert (model.codes_sent, house.tries("ordinary")) == (0, 3)
    told = findings(answer)
    for name in ("daemon", "version", "pcscd", "rights", "busy", "card", "profile", "codes", "certificates", "notices"):
        assert told[name] == "good", name
    assert (told["reader"], told["protocol"], told["chain"]) == ("withoutPad", "rateUntold", "sim")
    assert told["clock"] in {"good", "unsynchronised", "untold"}
    assert told["revocation"] == "notChecked"
    assert facts(answer, "profile")["profile"] == "sim_pkcs15"
    assert facts(answer, "protocol")["offeredRate"] == {"factor": 372, "divider": 12}
    assert house.stage.pcscd_pid in facts(answer, "pcscd")["pids"]


@pytest.mark.parametrize(
    ("told", "finding"),
    [({0x80203: 372, 0x80204: 12, 0x80201: 2}, "good"), ({0x80203: 372, 0x80204: 1}, "slower")],
    ids=["fast", "slow"],
)
def test_the_rate_that_the_reader_tells(house: Household, told: dict[int, int], finding: str) -> None:
    """What reader and card agreed on is compared with the card's offer, where the driver tells it."""
    files = {house.stage.readers.place(0) / f"attribute-{tag:08X}": value for tag, value in told.items()}
    for path, value in files.items():
        path.write_bytes(value.to_bytes(8, "little"))
    try:
        house.insert("ordinary")
        answer = doctor(house)
    finally:
        for path in files:
            path.unlink()
    assert (answer.status, findings(answer)["protocol"]) == (0, finding)
    assert facts(answer, "protocol")["rate"] == {"factor": 372, "divider": told[0x80204]}


def test_a_reader_with_a_pad(house: Household) -> None:
    """It is told that the reader has a PIN pad."""
    house.fit_pad()
    house.insert("ordinary-t0")
    answer = doctor(house)
    assert findings(answer)["reader"] == "withPad"
    assert facts(answer, "protocol")["protocol"] == 0


@pytest.mark.parametrize(
    ("card", "state", "decided"),
    [
        ("blocked", "ready", (6, "codes.blocked")),
        ("inactive", "ready", (7, "codes.notActivated")),
        ("expired", "ready", (7, "certificates.expired")),
        ("expiring", "ready", (0, "certificates.endsSoon")),
        ("foreign", "unsupported", (8, "card.foreign")),
        ("strange", "unsupported", (8, "card.unsupported")),
        ("broken", "unreadable", (8, "card.unreadable")),
    ],
)
def test_a_card_that_is_not_in_order(house: Household, card: str, state: str, decided: tuple[int, str]) -> None:
    """The status is that of a command which meets the same; what to do next is about the card's own trouble."""
    house.insert(card, state=state)
    assert broken(doctor(house)) == decided


def test_profiles_that_were_passed_over(house: Household) -> None:
    """For a card that none fits, each profile is told with its reason."""
    house.insert("strange", state="unsupported")
    answer = doctor(house)
    passed = {one["profile"]: (one["statusWord"], one["obstacle"]) for one in facts(answer, "profile")["passedOver"]}
    assert passed["pkcs15_generic"] == ("6A82", None)
    assert passed["sim_pkcs15"] == (None, None)
    # A module that is not installed on this machine is told as what stands in the way of its profile.
    in_the_way = [why for _, why in passed.values() if why is not None]
    assert findings(answer)["profile"] == ("hindered" if in_the_way else "none")


def test_the_last_try(house: Household) -> None:
    """It is read from the card as it is now, and not spent."""
    house.insert("ordinary")
    for _ in range(2):
        assert house.verify(WRONG_PIN).status == 5
    assert broken(doctor(house)) == (7, "codes.lastTry")
    assert house.tries("ordinary") == 1


def test_no_card_and_no_reader(house: Household) -> None:
    """An empty reader asks for a card, no reader for a reader."""
    assert broken(doctor(house)) == (4, "card.absent")
    house.unplug(0)
    house.unplug(1)
    answer = doctor(house)
    assert broken(answer) == (4, "reader.none")
    assert findings(answer)["card"] == "skipped"


def test_two_cards(house: Household) -> None:
    """Which reader is meant is asked, never guessed; a name that none has is told as such."""
    house.insert("ordinary")
    house.insert("blocked", reader=1)
    assert broken(doctor(house)) == (4, "reader.ambiguous")
    assert broken(doctor(house, "--reader", house.readers[1])) == (6, "codes.blocked")
    assert broken(doctor(house, "--reader", "No such reader")) == (4, "reader.unknown")


def test_a_mute_card(house: Household) -> None:
    """A card that does not answer to a reset is told as in, and mute."""
    card = IfdCard(house.stage, 0, mute=True)
    card.insert()
    try:
        house.await_reader("mute")
        assert broken(doctor(house)) == (8, "card.mute")
    finally:
        card.remove()


def test_a_card_that_another_program_holds(house: Household) -> None:
    """Who may hold it is named, as far as the daemon can see; what was seen of the card before is told."""
    house.insert("ordinary")
    let_go = house.hold()
    answer = doctor(house)
    let_go()
    # Which programs are found in the time that there is for it hangs on how many there are on the machine.
    holder = facts(answer, "busy")["holder"]
    assert broken(answer) == (9, "busy.held" if holder is None else "busy.heldBy")
    if holder is not None:
        assert holder.removeprefix("perhaps ").removeprefix("one of ") in answer.json["next"]["sentence"]
    assert findings(answer)["codes"] == "good"
    assert facts(answer, "codes")["askedNow"] is False


def test_another_user(house: Household, become: list[str]) -> None:
    """Who has no right to log in is told so, by the own number; everything else is looked at all the same."""
    house.insert("ordinary")
    answer = another(house, become)("doctor", "--json")
    assert broken(answer) == (7, "rights.denied")
    assert facts(answer, "rights")["uid"] == NOBODY
    told = findings(answer)
    assert (told["daemon"], told["card"], told["codes"], told["chain"]) == ("good", "good", "good", "sim")


def test_a_folder_that_may_not_be_entered(house: Household, become: list[str]) -> None:
    """A user who may not even come to the sockets is told that, not that the daemon is down."""
    house.run.chmod(0o700)
    try:
        answer = another(house, [part for part in become if "caps" not in part])("doctor", "--json")
    finally:
        house.run.chmod(0o755)
    assert broken(answer) == (7, "daemon.denied")


def test_tries_that_another_program_used(house: Household) -> None:
    """OpenSC gave a wrong PIN: what comes to light when the doctor looks is in the same report."""
    house.insert("ordinary")
    assert not OpenSC(house).accepts(WRONG_PIN)
    answer = doctor(house)
    assert broken(answer) == (0, "notices.triesLost")
    assert facts(answer, "codes")["triesLeft"] == 2


@pytest.fixture
def own_house(new_house: Callable[..., Household]) -> Household:
    """Return a house of one reader, whose daemon has not been started."""
    return new_house(1)


def test_no_daemon(own_house: Household) -> None:
    """One that was never started, and one that was killed; with pcscd down too, the daemon comes first."""
    assert broken(doctor(own_house)) == (3, "daemon.absent")
    own_house.start()
    own_house.kill()
    answer = doctor(own_house)
    assert broken(answer) == (3, "daemon.notListening")
    assert findings(answer)["pcscd"] == "notAsked"
    own_house.stage.stop_pcscd()
    answer = doctor(own_house)
    assert broken(answer) == (3, "daemon.notListening")
    assert findings(answer)["pcscd"] == "absent"
    assert not [one for one in answer.json["checks"] if one["result"] == "good"]


@pytest.mark.parametrize(
    ("how", "finding"), [(signal.SIGTERM, "absent"), (signal.SIGKILL, "notListening")], ids=["ended", "killed"]
)
def test_no_pcscd(house: Household, how: signal.Signals, finding: str) -> None:
    """The reader service is the link that is broken, whether it went in order or not."""
    house.insert("ordinary")
    house.stage.stop_pcscd(how)
    try:
        house.await_picture(lambda seen: not seen["service"])
        assert broken(doctor(house)) == (3, f"pcscd.{finding}")
    finally:
        house.stage.start_pcscd()
    house.await_picture(lambda seen: seen["service"])


def test_pcscd_elsewhere(house: Household) -> None:
    """A daemon and a person that look for pcscd in two places are told of both."""
    house.stage.stop_pcscd()
    try:
        house.await_picture(lambda seen: not seen["service"])
        answer = house.ctl("doctor", "--json", PCSCLITE_CSOCK_NAME=str(house.run / CARDS))  # something that listens
        assert broken(answer) == (3, "pcscd.elsewhere")
        assert facts(answer, "pcscd")["daemonSocket"] == str(house.stage.socket)
    finally:
        house.stage.start_pcscd()
    house.await_picture(lambda seen: seen["service"])


CLOCKED = """
import asyncio, sys
from datetime import datetime
from pathlib import Path
from sithsd.clock import FixedClock
from sithsd.service import config
from sithsd.daemon.wiring import serve
run, state, settings, now = sys.argv[1:]
asyncio.run(serve(config.load(Path(settings)), Path(run), Path(state), FixedClock(datetime.fromisoformat(now))))
"""


def test_a_clock_that_is_wrong(own_house: Household) -> None:
    """The clock is what is to be mended, not the certificates that look wrong by it."""
    house, now = own_house, "2020-01-01T00:00:00+00:00"
    given = [str(house.run), str(house.state), str(house.config), now]
    house.command = lambda: [sys.executable, "-c", CLOCKED, *given]
    house.start()
    house.insert("expired")
    answer = doctor(house)
    assert broken(answer) == (1, "clock.implausible")
    assert facts(answer, "clock")["now"].startswith(now[:19])


CANARIES = (
    *("Tolvan", "Tolvansson", "SE2321000016-SIM1", "191212121212", "1212-1212", "121212"),
    *(PIN, SIGNATURE_PIN, PUK, "917355"),
)


def hidden(word: str) -> set[bytes]:
    """Return a word as it may hide: plain, in hexadecimal, in base64 wherever it begins."""
    raw = word.encode()
    shifted = {
        base64.b64encode(b"\0" * shift + raw)[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6] for shift in range(3)
    }
    return {raw, raw.hex().encode(), raw.hex().upper().encode(), *shifted}


def test_a_bundle_names_nobody_and_holds_no_code(house: Household) -> None:
    """After a life with codes: neither holder, card, reader's serial number, user, machine nor code is in the file."""
    inside = house.insert("ordinary")["card"]
    assert house.verify(PIN).status == 0
    assert house.verify("917355").status == 5
    path = house.folder / "report.json"
    answer = doctor(house, "--bundle", str(path))
    assert (answer.status, answer.json["bundle"]["path"]) == (0, str(path))
    assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_uid) == (0o600, os.geteuid())
    content = path.read_bytes()
    told = json.loads(content)
    assert told["contents"] == answer.json["bundle"]["contents"]
    words = [*CANARIES, inside["serial"], inside["cardNumber"], inside["holder"]["hsaId"]]
    words += [inside["holder"]["displayName"], *(one["serialNumber"] for one in inside["certificates"])]
    words += [part for part in (platform.node(), str(house.folder)) if len(part) > 3]
    for word in words:
        for form in hidden(word):
            assert form not in content, word
    assert told["versions"]["sithsd"]
    assert "validity.anchors" in told["settings"]
    assert "policy.budget.wrong_codes_per_user" in told["settings"]
    assert "log.level" in told["settings"]
    assert "policy.puk.floor" not in told["settings"]
    again = house.ctl("doctor", "--bundle", str(path))
    assert (again.status, again.out) == (2, "")
    assert path.read_bytes() == content


def test_the_search_of_that_test_finds_what_is_there() -> None:
    """Each form of each canary is found where it stands, so that finding none means something."""
    for word in CANARIES:
        for shift in range(3):
            text = base64.b64encode(b"x" * shift + word.encode() + b"yyyy")
            assert any(form in text for form in hidden(word)), (word, shift)


def test_a_person_at_a_terminal(house: Household) -> None:
    """In Swedish on a screen of 80 by 24: every link, and one thing to do, last."""
    house.insert("blocked")
    answer = house.ctl("doctor", "--lang", "sv", COLUMNS="80")
    lines = answer.out.splitlines()
    assert (answer.status, answer.err) == (6, "")
    assert len(lines) <= 24
    assert all(len(line) <= 80 for line in lines)
    assert any(line.startswith("FEL") and "legitimeringskoden är låst" in line for line in lines)
    assert any(line.startswith("Gör så här nu: Lås upp koden med PUK-koden") for line in lines)
