"""activate: the checklist first, then all codes, in one call; by script and at a terminal."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sithsd.cli.code_entry import read_code
from sithsd.cli.commands import activate
from sithsd.secret import Secret
from tests.unit.cli.conftest import (
    READER,
    SERIAL,
    Desk,
    FakeDaemon,
    Hangup,
    Outcome,
    Refusal,
    activate_reply,
    card,
    code,
    guidance,
    listing,
    reader,
)

Run = Callable[..., Outcome]
Start = Callable[..., Desk]
PUK = "86420975"
FIRST = "739146"
SECOND = "60493715"
NEW_CARD = [code("authentication", activated=False), code("signature", activated=False), code("puk", 10)]
BOTH = ["authentication", "signature"]
ANSWERS = ("--answer", "present=yes", "--answer", "pays=yes", "--answer", "receipt=2026-11-01")
ON_THE_WIRE = [
    {"id": "present", "confirmed": True, "date": None},
    {"id": "pays", "confirmed": True, "date": None},
    {"id": "receipt", "confirmed": None, "date": "2026-11-01"},
]


@pytest.fixture
def new(daemon: FakeDaemon) -> FakeDaemon:
    """Script a new card that is activated by its PUK."""
    daemon.script |= {
        "List": [listing(reader(card()))],
        "GetGuidance": [guidance(*NEW_CARD, toActivate=BOTH)],
        "Activate": [activate_reply(*BOTH)],
    }
    return daemon


def by_transport(**more: Any) -> dict[str, Any]:
    """Return the guidance of a card with transport PINs."""
    codes = [code("authentication", 3, activated=False), code("signature", 2, activated=False), code("puk", 10)]
    return guidance(*codes, **{"activation": "transport-pin", "toActivate": BOTH, **more})


def test_by_the_puk(new: FakeDaemon, sithsctl: Run, lines: Callable[..., str]) -> None:
    """PUK, new authentication PIN, new signature PIN: one call, with the answers and what the card's counters were."""
    outcome = sithsctl("activate", *ANSWERS, "--code-fd", lines(PUK, FIRST, SECOND))
    assert outcome.out == "Done. The card is activated. Chosen:\n- Authentication PIN\n- Signature PIN\n"
    assert new.calls("Activate") == [
        {
            "puk": PUK,
            "newAuthentication": FIRST,
            "newSignature": SECOND,
            "answers": ON_THE_WIRE,
            "reader": READER,
            "cardSerial": SERIAL,
            "expected": [{"role": "puk", "triesLeft": 10}],
        }
    ]


def test_by_transport_pins(new: FakeDaemon, sithsctl: Run, lines: Callable[..., str]) -> None:
    """Both transport PINs, then both new ones; no PUK."""
    new.script["GetGuidance"] = [by_transport()]
    outcome = sithsctl("activate", *ANSWERS, "--code-fd", lines("1111", "2222", FIRST, SECOND), "--json")
    assert (outcome.status, outcome.json["done"]) == (0, BOTH)
    (call,) = new.calls("Activate")
    assert (call["transportAuthentication"], call["transportSignature"]) == ("1111", "2222")
    assert (call["newAuthentication"], call["newSignature"]) == (FIRST, SECOND)
    assert "puk" not in call
    assert call["expected"] == [
        {"role": "authentication", "triesLeft": 3},
        {"role": "signature", "triesLeft": 2},
    ]


@pytest.mark.parametrize(("role", "field"), [("authentication", "newAuthentication"), ("signature", "newSignature")])
def test_only_what_is_left(new: FakeDaemon, sithsctl: Run, lines: Callable[..., str], role: str, field: str) -> None:
    """Where one PIN was chosen at an earlier attempt, only the other is asked for."""
    new.script["GetGuidance"] = [guidance(*NEW_CARD, toActivate=[role])]
    assert sithsctl("activate", *ANSWERS, "--code-fd", lines(PUK, FIRST)).status == 0
    (call,) = new.calls("Activate")
    assert call[field] == FIRST
    assert len([name for name in call if name.startswith("new")]) == 1


def test_answers_from_a_file(new: FakeDaemon, sithsctl: Run, lines: Callable[..., str], tmp_path: Path) -> None:
    """A file of answers does, and what hangs on a denied question is not sent."""
    path = tmp_path / "answers.json"
    path.write_text(json.dumps({"present": True, "pays": False, "receipt": "2001-01-01"}))
    assert sithsctl("activate", "--answers", str(path), "--code-fd", lines(PUK, FIRST, SECOND)).status == 0
    (call,) = new.calls("Activate")
    assert [answer["id"] for answer in call["answers"]] == ["present", "pays"]


@pytest.mark.parametrize(
    ("answers", "names"),
    [
        ((), ["present", "pays"]),
        (("--answer", "present=no", "--answer", "pays=no"), ["present"]),
        (("--answer", "present=yes", "--answer", "pays=yes", "--answer", "receipt=2025-11-21"), ["receipt"]),
    ],
)
def test_an_open_checklist_stops_it(
    new: FakeDaemon, sithsctl: Run, lines: Callable[..., str], answers: tuple[str, ...], names: list[str]
) -> None:
    """Without the answers no code is read and the daemon is not asked; the items are named."""
    descriptor = lines(PUK, FIRST, SECOND)
    outcome = sithsctl("activate", *answers, "--code-fd", descriptor, "--json")
    assert (outcome.status, outcome.json["error"]["code"]) == (7, "activation.checklist")
    assert outcome.json["error"]["rules"] == names
    assert os.read(int(descriptor), 8) == PUK.encode()
    assert new.calls("Activate") == []


@pytest.mark.parametrize(
    ("more", "name", "status"),
    [
        ({"toActivate": []}, "activation.notNeeded", 7),
        ({"toActivate": BOTH, "activation": "unknown"}, "pin.unsupported", 8),
        ({"toActivate": BOTH, "activation": "newer-way"}, "pin.unsupported", 8),
        ({"toActivate": BOTH, "mayUnblock": False, "unblocking": "desk"}, "unblock.deskOnly", 7),
        ({"toActivate": BOTH, "checklist": [{"id": "a", "kind": "essay", "sv": "?", "en": "?"}]}, "internal", 10),
    ],
)
def test_a_card_that_can_not_be_activated(  # noqa: PLR0913, PLR0917 - a table
    new: FakeDaemon,
    sithsctl: Run,
    lines: Callable[..., str],
    desk: Start,
    more: dict[str, Any],
    name: str,
    status: int,
) -> None:
    """It is told before a question is asked or a code read, to a script and to a person."""
    new.script["GetGuidance"] = [guidance(*NEW_CARD, **more)]
    outcome = sithsctl("activate", *ANSWERS, "--code-fd", lines(PUK, FIRST, SECOND), "--json")
    assert (outcome.status, outcome.json["error"]["code"]) == (status, name)
    session = desk("activate", "--json")
    assert session.end() == status
    assert f'"code": "{name}"' in session.seen
    assert "yes or no" not in session.seen
    assert new.calls("Activate") == []


def test_an_answer_to_no_item_is_told(new: FakeDaemon, sithsctl: Run, lines: Callable[..., str]) -> None:
    """A misspelt id is a mistake in the command line, and what was written is not repeated."""
    outcome = sithsctl("activate", *ANSWERS, "--answer", f"p{FIRST}=yes", "--code-fd", lines(PUK, FIRST, SECOND))
    assert outcome.status == 2
    assert FIRST not in outcome.out + outcome.err
    assert "receipt" in outcome.err
    assert new.calls("Activate") == []


def test_what_was_done_before_a_failure_is_told(new: FakeDaemon, sithsctl: Run, lines: Callable[..., str]) -> None:
    """When the card fails half-way, the person knows which PIN holds already."""
    new.script["Activate"] = [Refusal("card.removed", {"done": ["authentication"], "role": "signature"})]
    outcome = sithsctl("activate", *ANSWERS, "--code-fd", lines(PUK, FIRST, SECOND))
    assert outcome.status == 9
    assert "Done before that: authentication PIN." in outcome.err
    outcome = sithsctl("activate", *ANSWERS, "--code-fd", lines(PUK, FIRST, SECOND), "--json")
    assert outcome.json["error"]["done"] == ["authentication"]


def test_codes_are_wiped_after_use(
    new: FakeDaemon, sithsctl: Run, lines: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the command is over the buffers of all three codes hold zeros, also when the daemon refused."""
    held: list[bytearray] = []

    def reading(descriptor: int, role: str) -> Secret:
        secret = read_code(descriptor, role)
        held.append(secret.reveal())
        return secret

    monkeypatch.setattr(activate, "read_code", reading)
    for answer in (activate_reply(*BOTH), Refusal("puk.wrong")):
        new.script["Activate"] = [answer]
        sithsctl("activate", *ANSWERS, "--code-fd", lines(PUK, FIRST, SECOND))
    assert held == [bytearray(8), bytearray(6), bytearray(8)] * 2
    assert [call["puk"] for call in new.calls("Activate")] == [PUK, PUK]


def test_a_daemon_lost_before_any_code_is_just_lost(new: FakeDaemon, sithsctl: Run, lines: Callable[..., str]) -> None:
    """Asking what is needed uses no try: nobody is told that one may be gone."""
    new.script["GetGuidance"] = [Hangup()]
    outcome = sithsctl("activate", *ANSWERS, "--code-fd", lines(PUK, FIRST, SECOND))
    assert outcome.status == 3
    assert "a try may have been used" not in " ".join(outcome.err.split())
    new.script["GetGuidance"] = [guidance(*NEW_CARD, toActivate=BOTH)]
    new.script["Activate"] = [Hangup()]
    outcome = sithsctl("activate", *ANSWERS, "--code-fd", lines(PUK, FIRST, SECOND))
    assert outcome.status == 3
    assert "a try may have been used" in " ".join(outcome.err.split())


def answer_checklist(session: Desk) -> None:
    """Answer the three items of the made-up list, with a slip at the date."""
    session.answer("Is the holder here?\n  yes or no:", "yes")
    session.answer("Is the card paid for?\n  yes or no:", "ja")
    session.answer("The receipt's date?\n  date (YYYY-MM-DD):", "last week")
    session.answer("last week\n  date (YYYY-MM-DD):", "2026-11-01")


def test_guided_at_a_terminal(new: FakeDaemon, desk: Start) -> None:
    """Whose card, the tries, the checklist, the PUK, each new PIN twice under its rules: then one call."""
    recent = {**guidance()["checklist"][2], "maxAgeMonths": 1200}
    new.script["GetGuidance"][0]["checklist"] = [*guidance()["checklist"][:2], recent]
    session = desk("activate")
    answer_checklist(session)
    session.answer("PUK (8 digits, not shown):", PUK)
    session.answer("New authentication PIN (6-8 digits, not shown):", FIRST)
    session.answer("The new authentication PIN once more:", FIRST)
    session.wait_for("New signature PIN (6-8 digits, not shown):")
    session.wait_for("not the same as the other PIN (advised)")
    session.press(f"{SECOND}\n".encode())
    session.answer("The new signature PIN once more:", SECOND)
    assert session.end() == 0
    for text in ("Tolvan Tolvansson", "Authentication PIN: not chosen yet", "PUK: 10 tries left", "is activated"):
        assert text in session.seen
    for part in (PUK, FIRST, SECOND):
        assert part.encode() not in session.raw
    (call,) = new.calls("Activate")
    assert (call["puk"], call["newAuthentication"], call["newSignature"]) == (PUK, FIRST, SECOND)
    assert call["answers"] == ON_THE_WIRE
    assert "riskCard" not in call


def test_an_answer_that_is_not_enough_ends_it_at_once(new: FakeDaemon, desk: Start) -> None:
    """After a no nobody is asked on, let alone for a code."""
    session = desk("activate", lang="sv")
    session.answer("Är innehavaren här?\n  ja eller nej:", "nej")
    assert session.end() == 7
    told = " ".join(session.seen.replace("sithsctl: ", "").split())
    assert "Checklistan är inte uppfylld" in told
    assert "Är innehavaren här? Besvarad med nej." in told
    assert "Betalas kortet?" not in told
    assert new.calls("Activate") == []


def test_what_was_typed_before_a_question_is_no_answer(new: FakeDaemon, desk: Start) -> None:
    """Nobody confirms what has not been asked yet: keys pressed too early are thrown away."""
    session = desk("activate")
    session.press(b"yes\nyes\nyes\n")
    session.answer("Is the holder here?\n  yes or no:", "no")
    assert session.end() == 7
    assert "paid for" not in session.seen
    assert new.calls("Activate") == []


def test_answers_of_the_command_line_are_not_asked_for(new: FakeDaemon, desk: Start) -> None:
    """What is answered already is not asked; the rest is."""
    session = desk("activate", "--answer", "pays=no")
    session.answer("Is the holder here?\n  yes or no:", "y")
    session.wait_for("PUK (8 digits, not shown):")
    assert "paid for" not in session.seen
    session.press(b"\x03")
    assert session.end() == 130
    assert new.calls("Activate") == []


@pytest.mark.parametrize("word", ["", "try", "risk"])
def test_a_puk_with_few_tries_needs_its_word(new: FakeDaemon, desk: Start, word: str) -> None:
    """Below the floor the person has to say that the card may be lost; only then is the PUK asked for."""
    few = [*NEW_CARD[:2], code("puk", 2)]
    new.script["GetGuidance"] = [guidance(*few, toActivate=["signature"], checklist=[])]
    session = desk("activate")
    session.answer("Type the word risk to go on, or press Enter to stop:", word)
    if word != "risk":
        assert session.end() == 7
        assert new.calls("Activate") == []
        return
    session.answer("PUK (8 digits, not shown):", PUK)
    session.answer("New signature PIN (6-8 digits, not shown):", FIRST)
    session.answer("once more:", FIRST)
    assert session.end() == 0
    (call,) = new.calls("Activate")
    assert call["riskCard"] is True
    assert "spendLastTry" not in call
    assert call["expected"] == [{"role": "puk", "triesLeft": 2}]


def test_a_used_up_puk_is_told_before_it_is_asked_for(new: FakeDaemon, desk: Start) -> None:
    """Nobody types a code that can't work."""
    new.script["GetGuidance"] = [guidance(*NEW_CARD[:2], code("puk", 0), toActivate=BOTH, checklist=[])]
    session = desk("activate", "--json")
    assert session.end() == 6
    assert '"code": "puk.blocked"' in session.seen
    assert "not shown" not in session.seen


@pytest.mark.parametrize(("serial", "asked"), [(SERIAL, 1), ("FFFF", 2)])
def test_another_card_is_another_holder(new: FakeDaemon, desk: Start, serial: str, asked: int) -> None:
    """After card.changed all codes are asked anew; the checklist too, if it is really another card."""
    more = {"toActivate": ["signature"], "checklist": guidance()["checklist"][:1]}
    new.script |= {
        "List": [listing(reader(card())), listing(reader(card(serial=serial)))],
        "GetGuidance": [guidance(*NEW_CARD, **more), guidance(*NEW_CARD, serial=serial, **more)],
        "Activate": [Refusal("card.changed"), activate_reply("signature")],
    }
    session = desk("activate", TERM="dumb")
    for turn in (1, 2):
        if turn <= asked:
            session.wait_for("yes or no:", turn)
            session.press(b"yes\n")
        for prompt, text in (("PUK (8 digits", PUK), ("New signature PIN (", FIRST), ("once more:", FIRST)):
            session.wait_for(prompt, turn)
            session.press(f"{text}\n".encode())
    assert session.end() == 0
    assert session.seen.count("Is the holder here?") == asked
    assert [call["cardSerial"] for call in new.calls("Activate")] == [SERIAL, serial]
