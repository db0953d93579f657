"""Codes asked for on a real terminal: nothing typed is shown, and nothing is sent without a clear word."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from sithsd.cli.failure import CommandError
from sithsd.cli.readers import chosen
from sithsd.cli.replies import ListReply, read
from tests.unit.cli.conftest import (
    PATIENCE,
    READER,
    SERIAL,
    Desk,
    FakeDaemon,
    Refusal,
    Stream,
    card,
    code,
    code_reply,
    codes_reply,
    guidance,
    listing,
    reader,
)

Start = Callable[..., Desk]
CANARY = "739146"
PUK = "86420975"


@pytest.fixture
def inserted(daemon: FakeDaemon) -> FakeDaemon:
    """Script an ordinary card that accepts everything."""
    daemon.script |= {
        "List": [listing(reader(card()), reader(None, "Other"))],
        "GetCodes": [codes_reply(code("authentication"), code("signature"), code("puk", 10))],
        "GetGuidance": [guidance(code("authentication"), code("signature"), code("puk", 10))],
        "Verify": [code_reply()],
        "Change": [code_reply()],
        "Unblock": [code_reply()],
    }
    return daemon


def states(daemon: FakeDaemon, *codes: dict[str, Any]) -> None:
    """Script the card's codes."""
    daemon.script["GetCodes"] = [codes_reply(*codes)]
    daemon.script["GetGuidance"] = [guidance(*codes)]


def test_verify_shows_the_card_and_hides_the_code(inserted: FakeDaemon, desk: Start) -> None:
    """The person sees whose card it is and the tries left, types unseen, and the call names that very card."""
    session = desk("verify", "--role", "authentication", lang="sv", columns=120)
    session.wait_for("Legitimeringskod (6-8 siffror, syns inte):")
    assert not session.echoes
    for text in (
        READER,
        "*** SIM ***",
        "Tolvan Tolvansson",
        "SE2321000016-SIM1",
        "9752269801234567897",
        "3 försök kvar",
    ):
        assert text in session.seen
    session.answer("syns inte):", CANARY)
    assert session.end() == 0
    assert "Rätt kod. 3 försök är kvar." in session.seen
    assert CANARY.encode() not in session.raw
    assert session.echoes
    sent = {"role": "authentication", "code": CANARY, "reader": READER, "cardSerial": SERIAL, "expectedTries": 3}
    assert inserted.calls("Verify") == [sent]


def test_unblock_asks_for_puk_and_the_new_pin_twice(inserted: FakeDaemon, desk: Start) -> None:
    """PUK, new PIN, new PIN again; none of them is shown; one call."""
    states(inserted, code("authentication", 0), code("signature"), code("puk", 10))
    session = desk("unblock", "--role", "authentication")
    session.answer("PUK (8 digits, not shown):", PUK)
    session.answer("New authentication PIN (6-8 digits, not shown):", CANARY)
    session.answer("The new authentication PIN once more:", CANARY)
    assert session.end() == 0
    assert "Authentication PIN: BLOCKED" in session.seen
    assert "PUK: 10 tries left" in session.seen
    assert PUK.encode() not in session.raw
    assert CANARY.encode() not in session.raw
    sent = {"role": "authentication", "puk": PUK, "newCode": CANARY, "reader": READER, "cardSerial": SERIAL}
    assert inserted.calls("Unblock") == [{**sent, "expectedTries": 10}]


def test_two_new_pins_that_differ_are_asked_for_again(inserted: FakeDaemon, desk: Start) -> None:
    """A slip of the finger in a new PIN locks nobody out: nothing is sent, and it is chosen anew."""
    session = desk("unblock", "--role", "signature", TERM="dumb")
    session.answer("PUK (8 digits, not shown):", PUK)
    session.answer("New signature PIN", "739145")
    session.answer("once more:", "739144")
    session.wait_for("The two were not the same.")
    assert inserted.calls("Unblock") == []
    session.wait_for("New signature PIN (6-8 digits, not shown):", 2)
    session.press(f"{CANARY}\n".encode())
    session.wait_for("once more:", 2)
    session.press(f"{CANARY}\n".encode())
    assert session.end() == 0
    assert [call["newCode"] for call in inserted.calls("Unblock")] == [CANARY]


LAST_TRIES = [
    ("verify", [code("authentication", 1)], "the authentication PIN is blocked", "pin.lastTry"),
    ("verify", [code("authentication", None)], "This may be the last one", "pin.triesUnknown"),
    ("change", [code("authentication", 1)], "the authentication PIN is blocked", "pin.lastTry"),
    ("unblock", [code("authentication", 0), code("puk", 1)], "useless for ever", "puk.lastTry"),
    ("unblock", [code("authentication", 0), code("puk", 2)], "only 2 tries left", "puk.belowFloor"),
    ("unblock", [code("authentication", 0), code("puk", None)], "useless for ever", "puk.triesUnknown"),
    ("unblock", [code("authentication", 0)], "useless for ever", "puk.triesUnknown"),
]


def word_for(command: str) -> str:
    """Return the word that a person has to type: another one where the whole card is at stake."""
    return "risk" if command == "unblock" else "try"


@pytest.mark.parametrize(
    ("case", "word"), list(zip(LAST_TRIES, ["", "no", "risk", "try", "y", "ris", "risky"], strict=True))
)
def test_without_its_word_the_last_try_is_not_spent(
    inserted: FakeDaemon, desk: Start, case: tuple[str, list[dict[str, Any]], str, str], word: str
) -> None:
    """At the last try, and when it is not known, any answer but the very word ends it: no code is even asked for."""
    command, codes, warning, refusal = case
    states(inserted, *codes)
    session = desk(command, "--role", "authentication", "--json")
    session.answer(f"Type the word {word_for(command)} to go on, or press Enter to stop:", word)
    assert session.end() == 7
    assert warning in " ".join(session.seen.split())
    assert f'"code": "{refusal}"' in session.seen
    assert "not shown" not in session.seen
    assert inserted.calls(command.capitalize()) == []


@pytest.mark.parametrize("case", [LAST_TRIES[index] for index in (1, 2, 3, 4, 5)])
def test_with_its_word_the_last_try_is_spent(
    inserted: FakeDaemon, desk: Start, case: tuple[str, list[dict[str, Any]], str, str]
) -> None:
    """Whoever types the word is asked for the code, and the call says what the word was for: no more."""
    command, codes, _, refusal = case
    states(inserted, *codes)
    session = desk(command, "--role", "authentication", "--json")
    word = word_for(command)
    session.answer(f"Type the word {word} to go on, or press Enter to stop:", word.capitalize())
    session.answer("not shown):", PUK)
    if command != "verify":
        session.answer("New authentication PIN", CANARY)
        session.answer("once more:", CANARY)
    assert session.end() == 0
    (call,) = inserted.calls(command.capitalize())
    assert call.get("spendLastTry") is (None if refusal == "puk.belowFloor" else True)
    assert call.get("riskCard") is (True if command == "unblock" else None)


def test_the_flag_is_word_enough(inserted: FakeDaemon, desk: Start) -> None:
    """Whoever wrote --spend-last-try is not asked for the word too."""
    states(inserted, code("authentication", 1))
    session = desk("verify", "--role", "authentication", "--spend-last-try")
    session.answer("not shown):", CANARY)
    assert session.end() == 0
    assert "Type the word" not in session.seen
    assert inserted.calls("Verify")[0]["spendLastTry"] is True


@pytest.mark.parametrize(
    ("command", "codes", "refusal"),
    [
        ("verify", [code("authentication", 0)], "pin.blocked"),
        ("verify", [code("authentication", None, activated=False)], "pin.notActivated"),
        ("verify", [code("signature")], "pin.unsupported"),
        ("unblock", [code("authentication", 0), code("puk", 0)], "puk.blocked"),
    ],
)
def test_a_code_that_can_not_work_is_not_asked_for(
    inserted: FakeDaemon, desk: Start, command: str, codes: list[dict[str, Any]], refusal: str
) -> None:
    """A blocked, missing or unchosen code is told at once, before anybody types a secret."""
    states(inserted, *codes)
    session = desk(command, "--role", "authentication", "--json")
    assert session.end() in {6, 7, 8}
    assert f'"code": "{refusal}"' in session.seen
    assert "not shown" not in session.seen
    assert inserted.calls(command.capitalize()) == []


@pytest.mark.parametrize(
    ("readers", "name", "refusal", "named"),
    [
        (
            [reader(card(), "One"), reader(card(), "Two"), reader(None, "Three")],
            None,
            "reader.ambiguous",
            ["One", "Two"],
        ),
        ([reader(None, "One")], None, "card.absent", []),
        ([], None, "card.absent", []),
        ([reader(card(), "One")], "Two", "reader.unknown", ["One"]),
        ([reader(None, "One")], "One", "card.absent", []),
        ([reader(None, "One", state="busy", reason="reader.busy")], None, "reader.busy", []),
        ([reader(None, "One", state="unsupported", reason="card.unsupported")], None, "card.unsupported", []),
        ([reader(None, "One", state="reading")], None, "reader.busy", []),
        ([reader(None, "One", state="mute", reason="newer.reason")], None, "reader.busy", []),
    ],
)
def test_no_code_is_asked_for_without_one_card(
    readers: list[dict[str, Any]], name: str | None, refusal: str, named: list[str]
) -> None:
    """With several cards, or none, the choice fails by name, with the readers to choose from."""
    with pytest.raises(CommandError) as caught:
        chosen(read(listing(*readers), ListReply), name)
    assert caught.value.parameters.code == refusal
    assert list(caught.value.readers) == named


def test_the_only_card_is_chosen() -> None:
    """One card among several readers needs no name; without pcscd there is no card to speak of."""
    readers = [reader(None, "One"), reader(card(), "Two")]
    assert chosen(read(listing(*readers), ListReply), None).name == "Two"
    assert chosen(read(listing(reader(card(), "One"), *readers[1:]), ListReply), "Two").name == "Two"
    with pytest.raises(CommandError) as caught:
        chosen(read(listing(service=False), ListReply), None)
    assert caught.value.parameters.code == "pcsc.unavailable"


def test_several_readers_are_named_to_a_person(inserted: FakeDaemon, desk: Start) -> None:
    """The sentence says what to add to the command, and the names to choose from."""
    inserted.script["List"] = [listing(reader(card(), "One"), reader(card(), "Two"))]
    session = desk("verify", "--role", "authentication")
    assert session.end() == 4
    assert "--reader" in session.seen
    assert "Readers: One, Two" in session.seen
    assert inserted.calls("GetCodes") == inserted.calls("Verify") == []


def test_a_card_swapped_before_the_prompt_is_noticed(inserted: FakeDaemon, desk: Start) -> None:
    """When the codes' states come from another card than the one shown, nothing is asked for."""
    inserted.script["GetCodes"] = [codes_reply(code("authentication"), serial="FFFF")]
    session = desk("verify", "--role", "authentication", "--json")
    assert session.end() == 9
    assert '"code": "card.changed"' in session.seen


def test_a_card_swapped_during_the_prompt_gets_nothing(inserted: FakeDaemon, desk: Start) -> None:
    """The call names the card that was shown; the daemon refuses another, which the person sees before asked again."""
    other = card(serial="FFFF", holder={**card()["holder"], "displayName": "Elvan Elvansson"})
    inserted.script |= {
        "List": [listing(reader(card())), listing(reader(other))],
        "GetCodes": [codes_reply(code("authentication")), codes_reply(code("authentication", 2), serial="FFFF")],
        "Verify": [Refusal("card.changed"), code_reply()],
    }
    session = desk("verify", "--role", "authentication")
    session.answer("not shown):", PUK)
    session.wait_for("not the same card as before")
    session.wait_for("Elvan Elvansson")
    session.wait_for("Authentication PIN: 2 tries left\nAuthentication PIN (6-8 digits, not shown):")
    session.press(f"{CANARY}\n".encode())
    assert session.end() == 0
    sent = [(call["cardSerial"], call["expectedTries"], call["code"]) for call in inserted.calls("Verify")]
    assert sent == [(SERIAL, 3, PUK), ("FFFF", 2, CANARY)]


@pytest.mark.parametrize("keys", [b"7391\x03", b"\x04"])
def test_stopping_at_the_prompt_sends_nothing(inserted: FakeDaemon, desk: Start, keys: bytes) -> None:
    """Ctrl-C and Ctrl-D at the prompt end the program with 130; the terminal echoes again."""
    session = desk("verify", "--role", "authentication")
    session.wait_for("not shown):")
    session.press(keys)
    assert session.end() == 130
    assert "Nothing was sent to the card." in session.seen
    assert b"7391" not in session.raw
    assert session.echoes
    assert inserted.calls("Verify") == []


def test_ctrl_z_and_ctrl_backslash_do_nothing_at_the_prompt(inserted: FakeDaemon, desk: Start) -> None:
    """The one would bring the echo back, the other write a core file with the code in it."""
    session = desk("verify", "--role", "authentication")
    session.wait_for("not shown):")
    session.press(b"\x1a\x1c")
    session.press(f"{CANARY}\n".encode())
    # They are taken as letters of the code, which the daemon will refuse.
    assert session.end() == 0
    assert CANARY.encode() not in session.raw
    assert inserted.calls("Verify")[0]["code"].endswith(CANARY)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_end_from_outside_puts_the_terminal_right(inserted: FakeDaemon, desk: Start, number: int) -> None:
    """A program that is told to end while it asks for a code leaves a terminal that echoes."""
    session = desk("verify", "--role", "authentication")
    session.wait_for("not shown):")
    assert not session.echoes
    os.kill(session.process.pid, number)
    assert session.end() == 128 + number
    assert session.echoes
    assert inserted.calls("Verify") == []


def test_what_was_typed_before_the_prompt_is_thrown_away(inserted: FakeDaemon, desk: Start) -> None:
    """Keys pressed too early, which the terminal has shown already, are not taken for the code."""
    session = desk("verify", "--role", "authentication")
    session.press(b"111111\n")
    session.wait_for("not shown):")
    session.press(f"{CANARY}\n".encode())
    assert session.end() == 0
    assert [call["code"] for call in inserted.calls("Verify")] == [CANARY]


def test_an_endless_line_is_malformed(inserted: FakeDaemon, desk: Start) -> None:
    """A line longer than any code is refused whole; what is left of it is not shown or run by the shell."""
    session = desk("verify", "--role", "authentication", "--json")
    session.answer("not shown):", "1" * 500)
    assert session.end() == 7
    assert '"code": "pin.malformed"' in session.seen
    assert b"1111" not in session.raw
    assert inserted.calls("Verify") == []


def test_a_terminal_as_descriptor_does_not_echo_either(inserted: FakeDaemon, desk: Start) -> None:
    """--code-fd 0 with a person on it hides what is typed, as the prompt would."""
    session = desk("verify", "--role", "authentication", "--code-fd", "0", "--json")
    while session.echoes:
        session.read()
    session.press(f"{CANARY}\n".encode())
    assert session.end() == 0
    assert CANARY.encode() not in session.raw
    assert inserted.calls("Verify") == [{"role": "authentication", "code": CANARY}]


def test_a_hostile_holder_does_not_drive_the_prompt(inserted: FakeDaemon, desk: Start) -> None:
    """What the prompt shows of a card is as harmless as everything else."""
    holder = {**card()["holder"], "displayName": "x\x1b[2J\u202e"}
    inserted.script["List"] = [listing(reader(card(holder=holder)))]
    session = desk("verify", "--role", "authentication")
    session.answer("not shown):", CANARY)
    assert session.end() == 0
    assert b"\x1b[2J" not in session.raw
    assert "\u202e" not in session.seen


@pytest.mark.usefixtures("inserted")
def test_status_on_a_terminal_is_framed_and_coloured(desk: Start) -> None:
    """A person at a capable terminal gets boxes and colours within the terminal's width."""
    session = desk("status", columns=80)
    assert session.end() == 0
    assert "╭─ Reader: Simulated Reader 00 00" in session.seen
    assert b"\x1b[" in session.raw
    assert all(len(line) <= 80 for line in session.seen.splitlines())


@pytest.mark.usefixtures("inserted")
@pytest.mark.parametrize("setting", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_refused(desk: Start, setting: dict[str, str]) -> None:
    """NO_COLOR (no-color.org) and a dumb terminal get no colours; SIM is then marked by stars."""
    session = desk("status", **setting)
    assert session.end() == 0
    assert not any(f"\x1b[{colour}m".encode() in session.raw for colour in ("35", "1;35", "1;7;35", "33", "1;33"))
    assert "*** SIM ***" in session.seen


@pytest.mark.usefixtures("inserted")
def test_json_on_a_terminal_is_for_reading(desk: Start) -> None:
    """On a terminal JSON is spread over lines; it never has colours."""
    session = desk("status", "--json")
    assert session.end() == 0
    assert '\n  "readers": [\n' in session.seen
    assert b"\x1b" not in session.raw


def test_stopping_after_the_code_was_sent_is_told_as_such(inserted: FakeDaemon, desk: Start) -> None:
    """Ctrl-C while the card works does not claim that nothing happened: a try may be gone."""
    inserted.script["Verify"] = [Stream([])]
    session = desk("verify", "--role", "authentication")
    session.answer("not shown):", CANARY)
    while not inserted.calls("Verify"):
        session.read()
    session.press(b"\x03")
    assert session.end() == 3
    assert "a try may have been used" in " ".join(session.seen.split())
    assert "Nothing was sent" not in session.seen


def test_without_a_terminal_the_way_out_is_told(inserted: FakeDaemon) -> None:
    """A script that forgot --code-fd is told of it; nothing waits for keys that nobody presses."""
    command = [sys.executable, "-m", "sithsd.cli.main", "--runtime-dir", str(inserted.folder), "--lang", "en"]
    done = subprocess.run(
        [*command, "verify", "--role", "authentication"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        timeout=PATIENCE,
        check=False,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "--code-fd" in done.stderr
    assert inserted.calls("Verify") == []


@pytest.mark.parametrize(
    ("command", "said", "refusal"),
    [
        ("verify", ["--card-serial", "99"], "It is not the same card as before"),
        ("verify", ["--expected-tries", "2"], "Somebody else used a try of the authentication PIN"),
        ("change", ["--expected-tries", "2"], "Somebody else used a try of the authentication PIN"),
        ("unblock", ["--expected-tries", "9"], "Somebody else used a try of the PUK"),
    ],
)
def test_what_the_command_line_names_counts_at_a_terminal_too(
    inserted: FakeDaemon, desk: Start, command: str, said: list[str], refusal: str
) -> None:
    """Another card, or another number of tries, than the one that was named: nothing is asked for or sent."""
    session = desk(command, "--role", "authentication", *said, columns=120)
    assert session.end() in {7, 9}
    assert refusal in session.seen
    assert "not shown" not in session.seen
    assert not any(inserted.calls(name) for name in ("Verify", "Change", "Unblock"))
