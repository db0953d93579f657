"""A code typed under the eyes of its rules: a dot for each key, and below it a mark for each rule that changes along.

No digit is shown. What is typed is held in one buffer, which is overwritten. Cursor movements are those of ECMA-48,
and none goes beyond the lines that were drawn here.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from sithsd.cli.code_entry import LONGEST_CODE, unseen
from sithsd.cli.signals import wait_until_readable
from sithsd.secret import Secret

# Room for the longest list of rules with its prompt and its hint.
_LEAST_COLUMNS = 50
_LEAST_LINES = 16
_PLAIN_TERMINALS = frozenset({"", "dumb", "unknown"})
# The console of a Linux machine and older terminals have no ticks in their fonts.
_ASCII_TERMINALS = ("linux", "vt", "ansi")

_ENTER = frozenset({0x0A, 0x0D})
_RUB_OUT = frozenset({0x08, 0x7F})
_CTRL_D = 0x04
_CTRL_U = 0x15
_ESCAPE = 0x1B
_BELL = "\a"


class Mark(Enum):
    """What a rule says of what is typed so far."""

    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"
    WARNED = "warned"


@dataclass(frozen=True, slots=True)
class Point:
    """One rule in words, and its mark."""

    mark: Mark
    text: str


Judge = Callable[[Secret], Sequence[Point]]


@dataclass(frozen=True, slots=True)
class Paint:
    """How to draw: a dot for a key, a sign for each mark, and whether colours may be used."""

    dot: str
    signs: Mapping[Mark, str]
    coloured: bool

    def point(self, point: Point) -> str:
        """Return the line of a rule, without colour."""
        return f"  {self.signs[point.mark]} {point.text}"

    def colour(self, mark: Mark, line: str) -> str:
        """Return `line` in the colour of a mark (ECMA-48, 8.3.117)."""
        codes = {Mark.OPEN: "2", Mark.KEPT: "32", Mark.BROKEN: "1;31", Mark.WARNED: "33"}
        return f"\x1b[{codes[mark]}m{line}\x1b[0m" if self.coloured else line


_UNICODE = {Mark.OPEN: "·", Mark.KEPT: "✓", Mark.BROKEN: "✗", Mark.WARNED: "!"}
_ASCII = {Mark.OPEN: "[ ]", Mark.KEPT: "[+]", Mark.BROKEN: "[-]", Mark.WARNED: "[!]"}


@dataclass(frozen=True, slots=True)
class Prompt:
    """What stands around the dots: the prompt before them, the hint under the rules."""

    text: str
    hint: str
    paint: Paint


def paint_for(descriptor: int, environment: Mapping[str, str]) -> Paint | None:
    """Return how to draw on the terminal `descriptor`; None where it is too small, or too simple to move its cursor."""
    kind = environment.get("TERM", "")
    try:
        size = os.get_terminal_size(descriptor)
    except OSError:
        return None
    if kind in _PLAIN_TERMINALS or size.columns < _LEAST_COLUMNS or size.lines < _LEAST_LINES:
        return None
    # https://no-color.org: any value but the empty one.
    coloured = not environment.get("NO_COLOR")
    if kind.startswith(_ASCII_TERMINALS) or not sys.getfilesystemencoding().lower().startswith("utf"):
        return Paint("*", _ASCII, coloured)
    return Paint("•", _UNICODE, coloured)


def read_live(descriptor: int, prompt: Prompt, judge: Judge) -> Secret:
    """Return the code typed. Enter is taken only when `judge` has no open and no broken point; else the bell rings.

    EOFError for Ctrl-D with nothing typed. Backspace takes a key back, Ctrl-U all of them. Arrow and function keys do
    nothing. When it is over the rules are gone from the screen, and the line under the prompt is free.
    """
    entry = _Entry(descriptor, prompt, judge)
    with unseen(descriptor, by_key=True):
        return entry.read()


class _Entry:
    def __init__(self, descriptor: int, prompt: Prompt, judge: Judge) -> None:
        self._descriptor = descriptor
        self._prompt = prompt
        self._judge = judge
        # One more than the longest code: what is typed beyond that is too long anyway.
        self._typed = bytearray(LONGEST_CODE + 1)
        self._length = 0

    def read(self) -> Secret:
        keys = _Keys(self._descriptor)
        try:
            points = self._drawn()
            while (key := keys.next()) not in _ENTER or any(point.mark in {Mark.OPEN, Mark.BROKEN} for point in points):
                if key in _ENTER:
                    self._write(_BELL)
                elif key is None or (key == _CTRL_D and self._length == 0):
                    raise EOFError
                elif self._took(key):
                    points = self._drawn()
            return Secret(memoryview(self._typed)[: self._length])
        finally:
            keys.wipe()
            self._typed[:] = bytes(len(self._typed))
            # The length of the code is nobody's business either, once it is typed.
            self._write(f"\r\x1b[J{self._prompt.text}\n")

    def _took(self, key: int) -> bool:
        """Take a key; False for one that changes nothing."""
        if key == _CTRL_U:
            self._cut(0)
        elif key in _RUB_OUT:
            self._cut(self._before_last())
        elif key < 0x20 or self._length == len(self._typed):
            return False
        else:
            self._typed[self._length] = key
            self._length += 1
        return True

    def _before_last(self) -> int:
        """Return the length without the last letter, which has several bytes where it is none of ASCII (UTF-8)."""
        place = max(self._length - 1, 0)
        while place > 0 and self._typed[place] & 0xC0 == 0x80:
            place -= 1
        return place

    def _cut(self, length: int) -> None:
        for place in range(length, self._length):
            self._typed[place] = 0
        self._length = length

    def _drawn(self) -> Sequence[Point]:
        """Draw everything anew, leave the cursor after the dots, and return the points."""
        with memoryview(self._typed) as view, Secret(view[: self._length]) as code:
            points = self._judge(code)
        width = max(os.get_terminal_size(self._descriptor).columns - 1, 1)
        paint = self._prompt.paint
        letters = sum(self._typed[place] & 0xC0 != 0x80 for place in range(self._length))
        first = f"{self._prompt.text} {paint.dot * letters}"[:width]
        below = [paint.colour(point.mark, paint.point(point)[:width]) for point in points]
        if points:
            below.append(paint.colour(Mark.OPEN, self._prompt.hint[:width]))
        drawn = "".join(f"\n{line}" for line in below)
        up = f"\x1b[{len(below)}A" if below else ""
        self._write(f"\r\x1b[J{first}{drawn}{up}\r\x1b[{len(first)}C")
        return points

    def _write(self, text: str) -> None:
        data = text.encode(sys.getfilesystemencoding(), "replace")
        while data:
            data = data[os.write(self._descriptor, data) :]


class _Keys:
    """Keys one by one, without those that a terminal sends as sequences (ECMA-48, 5.4: arrows and the like)."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._byte = bytearray(1)

    def next(self) -> int | None:
        """Return the next key, None at the end of the input."""
        key = self._read()
        while key == _ESCAPE:
            key = self._read()
            if key == ord("["):
                while (key := self._read()) is not None and not 0x40 <= key <= 0x7E:
                    pass
                key = self._read()
            elif key == ord("O"):
                self._read()
                key = self._read()
        return key

    def wipe(self) -> None:
        """Overwrite the last key."""
        self._byte[0] = 0

    def _read(self) -> int | None:
        wait_until_readable(self._descriptor)
        return self._byte[0] if os.readv(self._descriptor, [self._byte]) else None
