"""What a terminal shows: the few control sequences that the program writes (ECMA-48), played on a grid of letters."""

import re

_PARTS = re.compile(r"\x1b\[(?P<number>[0-9;]*)(?P<final>[A-Za-z])|(?P<letter>.)", re.DOTALL)


class Screen:
    """A terminal of so many columns and lines. A sequence that is not known fails the test."""

    def __init__(self, columns: int = 80, lines: int = 40) -> None:
        self.columns = columns
        self.height = lines
        self.row = 0
        self.column = 0
        self.bells = 0
        self.colours: set[str] = set()
        self._rows: list[list[str]] = [[]]

    @property
    def text(self) -> str:
        """What is to be seen, without what is blank at the ends of lines."""
        return "\n".join("".join(row).rstrip() for row in self._rows).rstrip("\n")

    def shows(self, text: str) -> bool:
        """Whether a line is to be seen that holds `text`."""
        return text in self.text

    def play(self, raw: bytes) -> "Screen":
        """Show what was written."""
        for part in _PARTS.finditer(raw.decode("utf-8", "replace").replace("\r\n", "\n")):
            if part["letter"] is not None:
                self._letter(part["letter"])
            else:
                self._sequence(part["final"], part["number"])
        return self

    def _letter(self, letter: str) -> None:
        if letter == "\n":
            self.row, self.column = self.row + 1, 0
            self._reach()
        elif letter == "\r":
            self.column = 0
        elif letter == "\a":
            self.bells += 1
        else:
            if self.column == self.columns:
                self.row, self.column = self.row + 1, 0
                self._reach()
            line = self._rows[self.row]
            line += [" "] * (self.column + 1 - len(line))
            line[self.column] = letter
            self.column += 1

    def _sequence(self, final: str, number: str) -> None:
        if final == "m":
            self.colours.add(number)
        elif final == "A":
            self.row -= int(number)
            assert self.row >= 0, "the cursor left the screen"
            assert self.row >= len(self._rows) - self.height, "it went up to what has scrolled away"
        elif final == "C":
            self.column += int(number)
            assert self.column < self.columns
        elif final == "J":
            assert number == ""
            del self._rows[self.row + 1 :]
            del self._rows[self.row][self.column :]
        else:
            raise AssertionError(f"an unexpected sequence {number}{final}")

    def _reach(self) -> None:
        while len(self._rows) <= self.row:
            self._rows.append([])
