"""A person at a terminal: activation, change, unblocking and a PIN pad, guided by sithsctl on the whole house."""

import os
import pty
import re
import select
import struct
import termios
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from fcntl import ioctl

import pytest
from e2e_household import DEADLINE, NEW_PIN, PIN, PUK, READER_0, SIGNATURE_PIN, WRONG_PIN, Household

NEW_SIGNATURE_PIN = "40718263"


class Person:
    """sithsctl on a terminal of its own, of 80 columns and 24 lines; `seen` is all that it showed."""

    def __init__(self, house: Household, *arguments: str, kind: str = "xterm-256color") -> None:
        self._ours, self._theirs = pty.openpty()
        ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        command = ["setsid", "--ctty", "--wait", *house.program("sithsctl"), *arguments]
        environment = {**house.environment, "TERM": kind}
        ends = {"stdin": self._theirs, "stdout": self._theirs, "stderr": self._theirs}
        self._child = house.background(command, env=environment, **ends)
        self._raw = b""

    @property
    def seen(self) -> str:
        """What was shown, each run of blanks as one, without what moves the cursor and colours."""
        return " ".join(re.sub(r"\x1b\[[0-9;]*[A-Za-z]", " ", self._raw.decode()).split())

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until something has been shown so many times."""
        deadline = time.monotonic() + DEADLINE
        while self.seen.count(text) < times:
            assert time.monotonic() < deadline, f"never saw {text!r} in {self.seen!r}"
            self._read()

    def answer(self, prompt: str, text: str, times: int = 1) -> None:
        """Wait until a prompt has been shown so many times, and type a line."""
        self.wait_for(prompt, times)
        os.write(self._ours, f"{text}\n".encode())

    def end(self) -> int:
        """Return the exit status."""
        deadline = time.monotonic() + DEADLINE
        while self._child.poll() is None:
            assert time.monotonic() < deadline, f"it goes on: {self.seen!r}"
            self._read()
        self._read()
        assert termios.tcgetattr(self._theirs)[3] & termios.ECHO
        return int(self._child.returncode)

    def shown(self, code: str) -> bool:
        """Whether a code was ever on the screen."""
        return code.encode() in self._raw

    def leave(self) -> None:
        """Let go of the terminal."""
        os.close(self._ours)
        os.close(self._theirs)

    def _read(self) -> None:
        if select.select([self._ours], [], [], 0.05)[0]:
            self._raw += os.read(self._ours, 65536)


@pytest.fixture
def person() -> Iterator[Callable[..., Person]]:
    """Seat persons at terminals."""
    seated: list[Person] = []

    def seat(house: Household, *arguments: str, **more: str) -> Person:
        seated.append(Person(house, *arguments, **more))
        return seated[-1]

    yield seat
    for one in seated:
        one.leave()


def day(ago: int) -> str:
    """Return the date of so many days ago."""
    return (datetime.now(UTC) - timedelta(days=ago)).date().isoformat()


def test_a_card_is_activated_by_hand(house: Household, person: Callable[..., Person]) -> None:
    """From the checklist to two PINs of the holder's own, which the card then takes; no code is ever shown."""
    house.sim("insert", "inactive")
    house.await_reader("ready")
    desk = person(house, "--lang", "sv", "activate")
    desk.answer("Är innehavaren här personligen, med det nya kortet? ja eller nej:", "ja")
    desk.answer("En digital godkänns inte. ja eller nej:", "ja")
    desk.answer("En beställning gäller i 3 månader. datum (ÅÅÅÅ-MM-DD):", day(20))
    desk.answer("undertecknad av arbetsgivaren? ja eller nej:", "ja")
    desk.answer("Ska kortet betalas med kvitto? ja eller nej:", "ja")
    desk.answer("högst ett år gammalt. datum (ÅÅÅÅ-MM-DD):", day(300))
    desk.answer("PUK-kod (8 siffror, syns inte):", PUK)
    desk.answer("Ny legitimeringskod (6-8 siffror, syns inte):", NEW_PIN)
    desk.answer("Den nya legitimeringskoden en gång till:", NEW_PIN)
    desk.answer("Ny underskriftskod (6-8 siffror, syns inte):", NEW_SIGNATURE_PIN)
    desk.answer("Den nya underskriftskoden en gång till:", NEW_SIGNATURE_PIN)
    assert desk.end() == 0
    assert "Klart. Kortet är aktiverat." in desk.seen
    assert not any(desk.shown(code) for code in (PUK, NEW_PIN, NEW_SIGNATURE_PIN))
    assert house.verify(NEW_PIN).status == 0
    assert house.verify(NEW_SIGNATURE_PIN, role="signature").status == 0


def test_an_old_receipt_ends_it_before_the_card(house: Household, person: Callable[..., Person]) -> None:
    """A receipt of more than a year ago is named, and the card is as new as before."""
    house.sim("insert", "inactive")
    house.await_reader("ready")
    given = [f"--answer={name}=yes" for name in ("holderPresent", "idDocument", "responsibilityLetter")]
    desk = person(house, "activate", *given, "--answer=paymentApplies=yes", f"--answer=orderDate={day(1)}")
    desk.answer("It may be at most one year old. date (YYYY-MM-DD):", day(400))
    assert desk.end() == 7
    assert f"{day(400)} is too old: at most 12 months are allowed." in desk.seen
    states = {one["role"]: one for one in house.ctl("codes", "--json").json["codes"]}
    assert states["authentication"]["activated"] is False
    assert states["puk"]["triesLeft"] == 10


def test_a_try_used_meanwhile_throws_the_code_away(house: Household, person: Callable[..., Person]) -> None:
    """Between the prompt and the call somebody spends a try: nothing is sent, the person sees it and types again."""
    house.sim("insert", "ordinary")
    house.await_reader("ready")
    holder = person(house, "change", "--role", "authentication", kind="dumb")
    holder.answer("Authentication PIN: 3 tries left Present authentication PIN", PIN)
    holder.answer("New authentication PIN (6-8 digits, not shown):", NEW_PIN)
    assert house.verify(WRONG_PIN).error["triesLeft"] == 2
    holder.answer("once more:", NEW_PIN)
    holder.answer("Authentication PIN: 2 tries left Present authentication PIN", PIN)
    assert "What was typed was thrown away" in holder.seen
    assert house.ctl("codes", "--json").json["codes"][0]["triesLeft"] == 2
    holder.answer("New authentication PIN (6-8 digits, not shown):", NEW_PIN, times=2)
    holder.answer("once more:", NEW_PIN, times=2)
    assert holder.end() == 0
    assert house.verify(NEW_PIN).status == 0


def test_a_new_pin_that_breaks_a_rule_stays_at_the_screen(house: Household, person: Callable[..., Person]) -> None:
    """The holder's birth date, as the card's certificates tell it, is marked while it is typed and not taken."""
    house.sim("insert", "ordinary")
    house.await_reader("ready")
    holder = person(house, "change", "--role", "signature")
    holder.answer("Present signature PIN", SIGNATURE_PIN)
    holder.answer("New signature PIN (6-8 digits, not shown):", "121212")
    holder.answer("✗ not the holder's birth date", f"\x15{NEW_SIGNATURE_PIN}")
    holder.answer("once more:", NEW_SIGNATURE_PIN)
    assert holder.end() == 0
    assert house.verify(NEW_SIGNATURE_PIN, role="signature").status == 0


def test_a_pad_is_where_the_person_is_sent(new_house: Callable[..., Household], person: Callable[..., Person]) -> None:
    """With --pin-pad the keys are pressed at the reader: right ones verify, Cancel ends it without a try used."""
    house = new_house(1, pads=(0,))
    house.start()
    house.sim("insert", "ordinary")
    house.await_reader("ready")
    for keys, status, told in (
        (["code", "ok"], 0, "Right. The authentication PIN was accepted."),
        (["cancel"], 7, "It was cancelled at the reader's PIN pad."),
    ):
        holder = person(house, "verify", "--role", "authentication", "--pin-pad", "--reader", READER_0)
        holder.wait_for("Enter the authentication PIN at the reader's PIN pad now.")
        pressing = house.background([*house.program("sithsd-sim"), "press", *keys], text=True)
        pressing.communicate(f"{PIN}\n" if "code" in keys else "", timeout=DEADLINE)
        assert pressing.returncode == 0
        assert holder.end() == status
        assert told in holder.seen
        assert "not shown" not in holder.seen
    assert house.ctl("codes", "--json").json["codes"][0]["triesLeft"] == 3
