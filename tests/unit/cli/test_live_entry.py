"""A code typed under the eyes of its rules: what the screen shows at each key, and what comes out in the end."""

import os
import pty
import select
import signal
import struct
import termios
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from fcntl import ioctl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sithsd.cli import live_entry
from sithsd.cli.code_entry import LONGEST_CODE
from sithsd.cli.live_entry import Mark, Paint, Point, Prompt, paint_for, read_live
from sithsd.secret import Secret
from tests.unit.cli.conftest import Desk, FakeDaemon, card, code, code_reply, guidance, listing, reader
from tests.unit.cli.screen import Screen

Start = Callable[..., Desk]
CANARY = "739146"
OLD = "918273"
PROMPT = "New authentication PIN (6-8 digits, not shown):"
PAINT = Paint("*", {Mark.OPEN: "o", Mark.KEPT: "k", Mark.BROKEN: "b", Mark.WARNED: "w"}, coloured=False)


@pytest.fixture
def choosing(daemon: FakeDaemon, desk: Start) -> Callable[..., Desk]:
    """Return a function that starts `sithsctl change` and goes on to the new PIN."""
    codes = [code("authentication"), code("signature"), code("puk", 10)]
    daemon.script |= {
        "List": [listing(reader(card()))],
        "GetGuidance": [guidance(*codes, personalNumbers=["198403079876"])],
        "Change": [code_reply()],
    }

    def start(**more: str) -> Desk:
        session = desk("change", "--role", "authentication", **more)
        session.answer("Present authentication PIN (6-8 digits, not shown):", OLD)
        return session

    return start


def screen_with(session: Desk, text: str) -> Screen:
    """Wait until the screen shows `text`, and return it."""
    for _ in range(200):
        screen = Screen().play(session.raw)
        if screen.shows(text):
            return screen
        session.read()
    raise AssertionError(f"never saw {text!r} on {screen.text!r}")


def marks(screen: Screen) -> str:
    """Return the marks of the rules on the screen, from the top."""
    return "".join(line[2] for line in screen.text.splitlines() if line.startswith("  ") and line[2] in "·✓✗!")


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (b"", "········"),
        (b"1", "✓·······"),
        (b"11", "✓···✓✓··"),
        (b"12345", "✓··✓·✓··"),
        (b"123456", "✓✓✓✓✗✓✓✓"),
        (b"654321", "✓✓✓✓✓✗✓✓"),
        (b"777777", "✓✓✓✗✓✓✓✓"),
        (b"918273", "✓✓✗✓✓✓✓✓"),
        (b"840307", "✓✓✓✓✓✓✗✗"),
        (b"030784", "✓✓✓✓✓✓✓✗"),
        (b"079876", "✓✓✓✓✓✓✗✓"),
        (b"73914x", "✗✓✓✓✓✓✓✓"),
        (b"739146258", "✓✗✓✓✓✓✓✓"),
        (b"739146", "✓✓✓✓✓✓✓✓"),
        (b"123456\x7f7", "✓✓✓✓✓✓✓✓"),
        (b"999999\x15739146", "✓✓✓✓✓✓✓✓"),
        (b"739\x1b[D\x1bOA\x1b[3~146", "✓✓✓✓✓✓✓✓"),
    ],
)
def test_the_marks_change_with_each_key(choosing: Callable[..., Desk], keys: bytes, shown: str) -> None:
    """A rule is open until what is typed decides it, then kept or broken; a key taken back opens it again."""
    session = choosing()
    screen_with(session, "Enter: go on")
    session.press(keys)
    for _ in range(100):
        screen = Screen().play(session.raw)
        if marks(screen) == shown:
            break
        session.read()
    assert marks(screen) == shown, screen.text


def test_a_person_sees_dots_and_then_nothing(choosing: Callable[..., Desk], daemon: FakeDaemon) -> None:
    """A dot stands for each digit while it is typed; afterwards the rules and the dots are gone. No digit is shown."""
    session = choosing()
    screen_with(session, "Enter: go on")
    session.press(CANARY.encode())
    screen = screen_with(session, f"{PROMPT} ••••••")
    assert not session.echoes
    # Each line fits, and the cursor stands behind the dots.
    assert all(len(line) < 80 for line in screen.text.splitlines())
    assert screen.text.splitlines()[screen.row][: screen.column] == f"{PROMPT} ••••••"
    assert len(screen.text.splitlines()) <= 24
    session.press(b"\n")
    screen = screen_with(session, "once more:")
    assert not screen.shows("•")
    assert not screen.shows("digits only")
    session.press(f"{CANARY}\n".encode())
    assert session.end() == 0
    screen = Screen().play(session.raw)
    assert screen.text.endswith("Done. The authentication PIN has its new value. 3 tries are left.")
    assert "•" not in screen.text
    for part in (CANARY, OLD):
        assert part.encode() not in session.raw
    (call,) = daemon.calls("Change")
    assert (call["code"], call["newCode"]) == (OLD, CANARY)
    assert session.echoes


@pytest.mark.parametrize("keys", [b"", b"7391", b"111111", b"840307", OLD.encode(), b"7391462589"])
def test_enter_is_not_taken_before_every_rule_is_kept(
    choosing: Callable[..., Desk], daemon: FakeDaemon, keys: bytes
) -> None:
    """What breaks a rule goes nowhere: the bell rings, the rule stands there with its mark, the person types on."""
    session = choosing()
    screen_with(session, "Enter: go on")
    session.press(keys + b"\n")
    for _ in range(200):
        if Screen().play(session.raw).bells:
            break
        session.read()
    screen = Screen().play(session.raw)
    assert screen.bells == 1
    assert screen.shows("Enter: go on")
    assert "once more" not in session.seen
    assert daemon.calls("Change") == []
    session.press(b"\x15" + CANARY.encode() + b"\n")
    screen_with(session, "once more:")


@pytest.mark.parametrize("keys", [b"7391\x03", b"\x04"])
def test_stopping_while_typing_sends_nothing(choosing: Callable[..., Desk], daemon: FakeDaemon, keys: bytes) -> None:
    """Ctrl-C at any time and Ctrl-D at the beginning end the program; nothing of the entry is left on the screen."""
    session = choosing()
    screen_with(session, "Enter: go on")
    session.press(keys)
    assert session.end() == 130
    screen = Screen().play(session.raw)
    assert screen.shows("Nothing was sent to the card.")
    assert not screen.shows("•")
    assert session.echoes
    assert daemon.calls("Change") == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_end_from_outside_puts_the_terminal_right(choosing: Callable[..., Desk], number: int) -> None:
    """A program that is told to end while a person types leaves a terminal that echoes, line by line."""
    session = choosing()
    screen_with(session, "Enter: go on")
    session.press(b"7391")
    screen_with(session, "••••")
    os.kill(session.process.pid, number)
    assert session.end() == 128 + number
    assert session.echoes


@pytest.mark.parametrize(("setting", "coloured"), [({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({}, True)])
def test_colours_can_be_refused(choosing: Callable[..., Desk], setting: dict[str, str], coloured: bool) -> None:
    """With NO_COLOR the signs alone tell; otherwise what is kept is green."""
    session = choosing(**setting)
    screen_with(session, "Enter: go on")
    session.press(b"1")
    assert ("32" in screen_with(session, "✓ digits only").colours) is coloured


@pytest.mark.parametrize("terminal", ["dumb", ""])
def test_a_plain_terminal_gets_plain_lines(choosing: Callable[..., Desk], daemon: FakeDaemon, terminal: str) -> None:
    """Where the cursor can't be moved the rules stand before the prompt, and a broken one is named after it."""
    session = choosing(TERM=terminal)
    session.answer(PROMPT, "123456")
    session.wait_for("The rule that it breaks:\n- no ascending run (123456)\n")
    rules = session.seen.partition("Rules for a new authentication PIN:\n")[2]
    assert rules.startswith("- digits only\n- 6-8 digits\n- not the same as the old one\n")
    session.wait_for(PROMPT, 2)
    session.press(b"7391\n")
    session.wait_for("The rule that it breaks:\n- 6-8 digits\n")
    session.wait_for(PROMPT, 3)
    session.press(f"{CANARY}\n".encode())
    session.answer("once more:", CANARY)
    assert session.end() == 0
    assert b"\x1b" not in session.raw
    assert [call["newCode"] for call in daemon.calls("Change")] == [CANARY]


def test_a_narrow_terminal_gets_plain_lines(daemon: FakeDaemon, desk: Start) -> None:
    """Where the rules have no room beside the cursor, they are written as plain lines."""
    daemon.script |= {"List": [listing(reader(card()))], "GetGuidance": [guidance(code("authentication"))]}
    session = desk("change", "--role", "authentication", columns=40)
    session.answer("not shown):", OLD)
    session.wait_for("- no ascending run (123456)")
    assert b"\x1b" not in session.raw


@pytest.mark.parametrize(
    ("environment", "columns", "lines", "dot"),
    [
        ({"TERM": "xterm-256color"}, 80, 24, "•"),
        ({"TERM": "linux"}, 80, 24, "*"),
        ({"TERM": "vt100"}, 80, 24, "*"),
        ({"TERM": "dumb"}, 80, 24, None),
        ({}, 80, 24, None),
        ({"TERM": "xterm"}, 49, 24, None),
        ({"TERM": "xterm"}, 80, 15, None),
        ({"TERM": "xterm"}, 50, 16, "•"),
    ],
)
def test_how_a_terminal_is_drawn_on(environment: dict[str, str], columns: int, lines: int, dot: str | None) -> None:
    """Signs that the terminal has, or none of this at all."""
    master, slave = pty.openpty()
    try:
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        paint = paint_for(slave, environment)
    finally:
        os.close(master)
        os.close(slave)
    assert (None if paint is None else paint.dot) == dot


def test_what_is_no_terminal_is_not_drawn_on() -> None:
    """A pipe has no size."""
    reading, writing = os.pipe()
    assert paint_for(writing, {"TERM": "xterm"}) is None
    os.close(reading)
    os.close(writing)


@dataclass
class Typist:
    """A terminal in this process, on which keys can be pressed before they are asked for."""

    master: int
    slave: int
    seen: list[bytes] = field(default_factory=list)

    def type(self, keys: bytes) -> tuple[bytes, Screen]:
        """Return what comes of these keys when every code is taken, and the screen."""

        def judge(code: Secret) -> Sequence[Point]:
            self.seen.append(bytes(code.reveal()))
            return [Point(Mark.WARNED, "any")]

        os.write(self.master, keys)
        try:
            with read_live(self.slave, Prompt("Code:", "hint", PAINT), judge) as code:
                got = bytes(code.reveal())
        finally:
            raw = b""
            while select.select([self.master], [], [], 0)[0]:
                raw += os.read(self.master, 65536)
            termios.tcflush(self.slave, termios.TCIFLUSH)
        return got, Screen().play(raw)


@pytest.fixture(scope="module")
def typist() -> Iterator[Typist]:
    """Return a terminal whose keys are read one by one, and that throws nothing away."""
    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    mode = termios.tcgetattr(slave)
    mode[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
    mode[0] &= ~(termios.IXON | termios.ICRNL)
    termios.tcsetattr(slave, termios.TCSANOW, mode)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live_entry, "unseen", lambda *_, **__: nullcontext())
        yield Typist(master, slave)
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize(
    ("keys", "got"),
    [
        (b"739146\n", b"739146"),
        (b"739146\r", b"739146"),
        (b"\n", b""),
        (b"7391\x08\x0846\n", b"7346"),
        (b"\x7f\x7f1\n", b"1"),
        (b"111\x152\n", b"2"),
        (b"12\x1b[A3\n", b"123"),
        (b"12\x1b[1;5C3\n", b"123"),
        (b"12\x1bOP3\n", b"123"),
        (b"12\x1b3\n", b"123"),
        (b"12\x1b\x1b[C3\n", b"123"),
        (b"1\x002\x073\t\n", b"123"),
        (b"1\x042\n", b"12"),
        ("1å\x7f2\n".encode(), b"12"),
        ("å\n".encode(), "å".encode()),
        (b"1" * 200 + b"\n", b"1" * (LONGEST_CODE + 1)),
    ],
)
def test_keys(typist: Typist, keys: bytes, got: bytes) -> None:
    """Digits are taken, Backspace and Ctrl-U take back, whole letters at a time; sequences and controls do nothing."""
    code, screen = typist.type(keys)
    assert code == got
    assert screen.text == "Code:"


@pytest.mark.parametrize("keys", [b"\x04", b"12\x15\x04"])
def test_ctrl_d_with_nothing_typed_is_the_end(typist: Typist, keys: bytes) -> None:
    """Ctrl-D ends an entry that holds nothing."""
    with pytest.raises(EOFError):
        typist.type(keys)


@given(keys=st.lists(st.sampled_from([*(bytes([digit]) for digit in b"0123456789x"), b"\x7f", b"\x15", b"\x1b[C"])))
def test_any_keys_give_what_a_person_means(typist: Typist, keys: list[bytes]) -> None:
    """Whatever is typed and taken back, what comes out is what a list of letters would hold; no letter is shown."""
    held: list[bytes] = []
    for key in keys:
        if key == b"\x7f":
            held = held[:-1]
        elif key == b"\x15":
            held = []
        elif not key.startswith(b"\x1b") and len(held) <= LONGEST_CODE:
            held.append(key)
    code, screen = typist.type(b"".join(keys) + b"\n")
    assert code == b"".join(held)
    assert typist.seen[-1] == code
    assert screen.text == "Code:"


def test_what_was_typed_is_wiped(typist: Typist, monkeypatch: pytest.MonkeyPatch) -> None:
    """The buffer of the entry and each code shown to the judge hold zeros afterwards."""
    buffers: list[bytearray] = []
    original = live_entry._Entry.__init__

    def noted(self: live_entry._Entry, *arguments: object) -> None:
        original(self, *arguments)  # type: ignore[arg-type] # passed on as they came
        buffers.append(self._typed)

    judged: list[bytearray] = []

    def judge(code: Secret) -> Sequence[Point]:
        judged.append(code.reveal())
        return ()

    monkeypatch.setattr(live_entry._Entry, "__init__", noted)
    os.write(typist.master, b"739146\n")
    with read_live(typist.slave, Prompt("Code:", "", PAINT), judge) as code:
        assert bytes(code.reveal()) == b"739146"
    assert buffers == [bytearray(LONGEST_CODE + 1)]
    assert all(not any(one) for one in judged)
    assert len(judged) == 7
    os.read(typist.master, 65536)
