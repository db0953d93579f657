"""change, PIN pads, and what is asked anew: by script and at a terminal."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from sithsd.cli.commands import spend
from sithsd.cli.daemon import PAD_PATIENCE, PATIENCE
from sithsd.cli.main import run
from sithsd.errors import ErrorCode, SithsdError
from tests.unit.cli.conftest import (
    READER,
    SERIAL,
    Desk,
    FakeDaemon,
    Outcome,
    Refusal,
    card,
    code,
    code_reply,
    codes_reply,
    guidance,
    listing,
    reader,
)

Run = Callable[..., Outcome]
Start = Callable[..., Desk]
OLD = "918273"
NEW = "739146"
PUK = "86420975"
STATES = [code("authentication"), code("signature"), code("puk", 10)]


@pytest.fixture
def inserted(daemon: FakeDaemon) -> FakeDaemon:
    """Script an ordinary card that accepts everything."""
    daemon.script |= {
        "List": [listing(reader(card()))],
        "GetCodes": [codes_reply(*STATES)],
        "GetGuidance": [guidance(*STATES)],
        "Verify": [code_reply()],
        "Change": [code_reply()],
        "Unblock": [code_reply()],
    }
    return daemon


def test_change_by_script(daemon: FakeDaemon, sithsctl: Run, lines: Callable[..., str]) -> None:
    """The present PIN and the new one, a line each, in one call; the daemon judges the rules."""
    daemon.script["Change"] = [code_reply("signature")]
    outcome = sithsctl("change", "--role", "signature", "--code-fd", lines(OLD, NEW))
    assert outcome.out == "Done. The signature PIN has its new value. 3 tries are left.\n"
    assert daemon.calls("Change") == [{"role": "signature", "code": OLD, "newCode": NEW}]
    assert len(daemon.requests) == 1


@pytest.mark.parametrize(("command", "content"), [("verify", (OLD,)), ("change", (OLD, NEW)), ("unblock", (PUK, NEW))])
def test_a_script_can_say_what_it_has_shown(
    inserted: FakeDaemon, sithsctl: Run, lines: Callable[..., str], command: str, content: tuple[str, ...]
) -> None:
    """The card and the number of tries that a script showed to its person go along, so that the daemon can compare."""
    options = ("--card-serial", SERIAL, "--expected-tries", "0", "--code-fd", lines(*content))
    assert sithsctl(command, "--role", "authentication", *options).status == 0
    (call,) = inserted.calls(command.capitalize())
    assert (call["cardSerial"], call["expectedTries"]) == (SERIAL, 0)


def test_the_puk_is_risked_only_when_said(inserted: FakeDaemon, sithsctl: Run, lines: Callable[..., str]) -> None:
    """RiskCard is true with --risk-card and never otherwise."""
    for options, flag in (((), None), (("--risk-card",), True)):
        sithsctl("unblock", "--role", "authentication", "--code-fd", lines(PUK, NEW), *options)
        assert inserted.calls("Unblock")[-1].get("riskCard") is flag
        assert "spendLastTry" not in inserted.calls("Unblock")[-1]


@pytest.mark.parametrize("code_name", ["pin.triesChanged", "card.changed", "pin.refused"])
def test_a_script_is_not_asked_again(
    inserted: FakeDaemon, sithsctl: Run, lines: Callable[..., str], code_name: str
) -> None:
    """What a terminal asks anew fails a script by name, after one call."""
    inserted.script["Change"] = [Refusal(code_name, {"role": "authentication", "rules": ["allSame"]})]
    outcome = sithsctl("change", "--role", "authentication", "--code-fd", lines(OLD, NEW), "--json")
    assert outcome.json["error"]["code"] == code_name
    assert outcome.json["error"]["rules"] == ["allSame"]
    assert outcome.status in {7, 9}
    assert len(inserted.calls("Change")) == 1


@pytest.mark.parametrize(
    ("lang", "sentence"), [("en", "not the same as the other PIN"), ("sv", "inte samma som den andra koden")]
)
def test_a_warning_is_told(
    inserted: FakeDaemon, sithsctl: Run, lines: Callable[..., str], lang: str, sentence: str
) -> None:
    """What the policy only warns of is done, and said."""
    inserted.script["Change"] = [{**code_reply(), "warnings": ["sameAsOther", "newerRule"]}]
    outcome = sithsctl("change", "--role", "authentication", "--code-fd", lines(OLD, NEW), lang=lang)
    assert outcome.status == 0
    assert sentence in outcome.out.splitlines()[1]
    assert "newerRule" in outcome.out.splitlines()[2]


@pytest.mark.parametrize(
    ("command", "method", "refusal"),
    [
        ("change", "Change", "pin.triesChanged"),
        ("change", "Change", "pin.refused"),
        ("unblock", "Unblock", "puk.triesChanged"),
        ("unblock", "Unblock", "card.changed"),
    ],
)
def test_what_is_not_so_any_more_is_shown_and_asked_anew(
    inserted: FakeDaemon, desk: Start, command: str, method: str, refusal: str
) -> None:
    """What was typed is thrown away; the person sees the new state, and types again what goes into the next call."""
    fewer = [code("authentication", 2), code("signature"), code("puk", 9)]
    inserted.script["GetGuidance"] = [guidance(*STATES), guidance(*fewer)]
    inserted.script[method] = [Refusal(refusal, {"role": "authentication", "rules": ["birthDate"]}), code_reply()]
    session = desk(command, "--role", "authentication", TERM="dumb")
    for turn, first, second in ((1, PUK, "604937"), (2, "55555555", NEW)):
        for prompt, times, text in (
            (" digits, not shown):", 2 * turn - 1, first),
            ("New authentication PIN", turn, second),
            ("once more:", turn, second),
        ):
            session.wait_for(prompt, times)
            session.press(f"{text}\n".encode())
    assert session.end() == 0
    one, other = inserted.calls(method)
    present = "code" if command == "change" else "puk"
    assert (one[present], one["newCode"]) == (PUK, "604937")
    assert (other[present], other["newCode"]) == ("55555555", NEW)
    shown = (3, 2) if command == "change" else (10, 9)
    assert (one["expectedTries"], other["expectedTries"]) == shown
    if refusal == "pin.refused":
        assert "Rule: not the holder's birth date." in session.seen


def test_a_desk_card_is_not_unblocked_by_its_holder(inserted: FakeDaemon, desk: Start) -> None:
    """Who may not unblock is told so before a PUK is typed."""
    inserted.script["GetGuidance"] = [guidance(*STATES, unblocking="desk", mayUnblock=False)]
    session = desk("unblock", "--role", "authentication", "--json")
    assert session.end() == 7
    assert '"code": "unblock.deskOnly"' in session.seen
    assert "not shown" not in session.seen


@pytest.mark.parametrize(
    ("command", "method", "told"),
    [
        ("verify", "Verify", "Enter the authentication PIN at the reader's PIN pad now."),
        ("change", "Change", "the present authentication PIN, then the new one twice."),
        ("unblock", "Unblock", "the PUK, then the new authentication PIN twice."),
    ],
)
def test_a_pin_pad_at_a_terminal(inserted: FakeDaemon, desk: Start, command: str, method: str, told: str) -> None:
    """The person sees the card and the tries, and is sent to the reader; no code is asked for here."""
    inserted.script["GetGuidance"] = [guidance(*STATES, padVerify=True, padModify=True)]
    session = desk(command, "--role", "authentication", "--pin-pad", columns=120)
    assert session.end() == 0
    assert told in session.seen
    assert "Tolvan Tolvansson" in session.seen
    assert "not shown" not in session.seen
    tries = 10 if command == "unblock" else 3
    sent = {"role": "authentication", "pinPad": True, "reader": READER, "cardSerial": SERIAL, "expectedTries": tries}
    assert inserted.calls(method) == [sent]


@pytest.mark.parametrize("command", ["change", "unblock"])
def test_a_reader_without_a_pad(inserted: FakeDaemon, desk: Start, command: str) -> None:
    """Where the reader can't change codes at its pad, the person is told before anything is done."""
    session = desk(command, "--role", "authentication", "--pin-pad", "--json")
    assert session.end() == 7
    assert '"code": "pinpad.absent"' in session.seen
    assert inserted.calls(command.capitalize()) == []


def test_a_pin_pad_still_asks_for_the_last_try(inserted: FakeDaemon, desk: Start) -> None:
    """The last try is not spent at a pad either without its word."""
    inserted.script["GetCodes"] = [codes_reply(code("authentication", 1))]
    session = desk("verify", "--role", "authentication", "--pin-pad", "--json")
    session.answer("Type the word try to go on, or press Enter to stop:", "")
    assert session.end() == 7
    assert inserted.calls("Verify") == []


@pytest.mark.parametrize(("options", "patience"), [(("--pin-pad",), PAD_PATIENCE), (("--code-fd", "0"), PATIENCE)])
def test_a_person_at_a_pad_is_waited_for(
    tmp_path: Path,
    lines: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    patience: float,
) -> None:
    """A call during which a person presses keys at the reader has more time than one that the card alone answers."""
    asked: list[float] = []

    def connect(path: Path, *, timeout: float) -> NoReturn:
        asked.append(timeout)
        raise SithsdError(ErrorCode.DAEMON_UNAVAILABLE, str(path))

    monkeypatch.setattr(spend, "has_terminal", lambda: False)
    given = [lines(OLD) if option == "0" else option for option in options]
    arguments = ["--runtime-dir", str(tmp_path), "verify", "--role", "authentication", *given]
    assert run(arguments, {}, connect=connect) == 3
    assert asked == [patience]
    assert PAD_PATIENCE > PATIENCE


def test_a_script_may_use_the_pad(inserted: FakeDaemon, sithsctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal the request goes straight to the daemon, which knows whether there is a pad."""
    monkeypatch.setattr(spend, "has_terminal", lambda: False)
    assert sithsctl("change", "--role", "signature", "--pin-pad", "--json").status == 0
    assert inserted.calls("Change") == [{"role": "signature", "pinPad": True}]
    assert len(inserted.requests) == 1


def test_codes_come_from_one_place(inserted: FakeDaemon, sithsctl: Run, lines: Callable[..., str]) -> None:
    """A descriptor and a pad together are a mistake in the command line."""
    arguments = ("verify", "--role", "authentication", "--pin-pad", "--code-fd", lines(OLD))
    outcome = sithsctl(*arguments)
    assert outcome.status == 2
    assert "--pin-pad" in outcome.err
    assert inserted.requests == []


FIELDS: list[tuple[str, dict[str, Any], str, str]] = [
    ("reader.busy", {"holder": "perhaps firefox (pid 1)"}, "the card, perhaps firefox (pid 1).", "kanske firefox (p"),
    (
        "reader.busy",
        {"holder": "perhaps one of a (pid 1), b (pid 2)"},
        "the card, perhaps one of these: a (pid 1), b (pid 2).",
        "kanske något av de här: a (p",
    ),
    ("reader.busy", {}, "Another program is using the card.", "Ett annat program använder kortet."),
    ("request.tooManyWrong", {"retryAfter": 42}, "Try again in 42 seconds.", "Försök igen om 42 sekunder."),
    ("request.tooManyWrong", {"retryAfter": 1}, "Try again in 1 second.", "Försök igen om 1 sekund."),
    ("request.tooManyWrong", {"retryAfter": 90}, "Try again in 90 seconds.", "Försök igen om 90 sekunder."),
    ("request.tooManyWrong", {"retryAfter": 121}, "Try again in 3 minutes.", "Försök igen om 3 minuter."),
    ("pin.blocked", {"advice": "unblock.atDesk"}, "is blocked. Go to a desk operator", "är låst. Gå till en ID"),
    ("pin.blocked", {"advice": "newer.advice"}, "is blocked. newer.advice", "är låst. newer.advice"),
    ("pin.blocked", {}, "Unblock it with the PUK (sithsctl unblock)", "Lås upp den med PUK-koden (sithsctl unblock)"),
    ("pin.wrong", {"triesLeft": 0, "advice": "reserve.withPuk"}, "blocked now. If you have", "nu låst. Har du"),
    ("puk.blocked", {"role": "puk", "advice": "reserve.newCard"}, "can't be unblocked. The codes of", "upp. Reserv"),
    ("puk.wrong", {"role": "puk", "triesLeft": 0, "advice": "card.orderNew"}, "unblocked. Order a", "upp. Beställ ett"),
    ("pin.refused", {"rules": ["allSame", "newer"]}, "Rule: not one digit all along. Rule: newer.", "Regel: newer."),
    ("card.removed", {"done": ["authentication"]}, "Done before that: authentication PIN.", "dessförinnan: legitim"),
]


@pytest.mark.parametrize(("name", "fields", "english", "swedish"), FIELDS)
def test_what_else_an_error_tells(  # noqa: PLR0913, PLR0917 - a table
    inserted: FakeDaemon,
    sithsctl: Run,
    lines: Callable[..., str],
    name: str,
    fields: dict[str, Any],
    english: str,
    swedish: str,
) -> None:
    """Who holds the card, when to try again, what to do, which rules, and what was done: in both languages."""
    inserted.script["Verify"] = [Refusal(name, {"role": "authentication", **fields})]
    for lang, sentence in (("en", english), ("sv", swedish)):
        outcome = sithsctl("verify", "--role", "authentication", "--code-fd", lines(OLD), lang=lang)
        told = " ".join(outcome.err.replace("sithsctl: ", "").split())
        assert sentence in told
    outcome = sithsctl("verify", "--role", "authentication", "--code-fd", lines(OLD), "--json")
    assert fields.items() <= outcome.json["error"].items()
