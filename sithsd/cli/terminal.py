"""The person's own terminal, whatever stdin and stdout are connected to."""

import os
import sys
import termios
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sithsd.cli.code_entry import read_line, unseen
from sithsd.cli.failure import CommandError, parameters
from sithsd.cli.live_entry import Judge, Paint, Prompt, paint_for, read_live
from sithsd.errors import ErrorCode
from sithsd.secret import Secret


def _at_once(_descriptor: int) -> None:
    """Wait for nothing: reading a line does."""


class Terminal:
    """Asks questions on an open terminal. EOFError when the person closes the input (Ctrl-D).

    `paint` says how to draw while a person types, None on a terminal that takes plain lines only.
    """

    def __init__(self, descriptor: int, paint: Paint | None = None) -> None:
        self._descriptor = descriptor
        self.paint = paint

    def say(self, text: str) -> None:
        """Write a sentence, broken between words where the terminal is narrow."""
        self._write("".join(f"{line}\n" for line in folded(text, self._descriptor) or [""]))

    def ask_code(self, prompt: str, wait: Callable[[int], None] = _at_once) -> Secret:
        """Return what is typed in answer to `prompt`, without showing it.

        `wait` is given the terminal's descriptor after the prompt, and returns when a line can be read, or raises.
        """
        with unseen(self._descriptor):
            self._write(f"{prompt} ")
            try:
                wait(self._descriptor)
                line = read_line(self._descriptor)
            finally:
                self._write("\n")
        return _given(line)

    def ask_live(self, prompt: str, judge: Judge, hint: str) -> Secret:
        """Return what is typed, with the points of `judge` under it at each key; RuntimeError without `paint`."""
        if self.paint is None:
            raise RuntimeError("a terminal of plain lines")
        return read_live(self._descriptor, Prompt(prompt, hint, self.paint), judge)

    def ask_word(self, prompt: str, wait: Callable[[int], None] = _at_once) -> str:
        """Return what is typed in answer to `prompt`, shown as usual. What was typed before it is thrown away."""
        termios.tcflush(self._descriptor, termios.TCIFLUSH)
        self._write(f"{prompt} ")
        wait(self._descriptor)
        with _given(read_line(self._descriptor)) as line:
            return line.reveal().decode("utf-8", "replace").strip()

    def _write(self, text: str) -> None:
        data = text.encode(sys.getfilesystemencoding(), "replace")
        while data:
            data = data[os.write(self._descriptor, data) :]


def folded(text: str, descriptor: int) -> list[str]:
    """Return `text` in lines that fit the terminal `descriptor`; as one line where that is no terminal."""
    try:
        width = os.get_terminal_size(descriptor).columns
    except OSError:
        return [text]
    return textwrap.wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False)


def _given(line: Secret | None) -> Secret:
    if line is None:
        raise EOFError
    return line


def has_terminal() -> bool:
    """Whether there is a terminal to ask a person on."""
    try:
        os.close(_opened())
    except OSError:
        return False
    return True


def _opened() -> int:
    return os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)


@contextmanager
def own_terminal() -> Iterator[Terminal]:
    """Open the terminal that the program was started from; a CommandError ("request.invalid") where there is none."""
    try:
        descriptor = _opened()
    except OSError as error:
        found = parameters(ErrorCode.REQUEST_INVALID, "no terminal to ask for the code on")
        raise CommandError(found, key="usage-no-terminal") from error
    try:
        yield Terminal(descriptor, paint_for(descriptor, os.environ))
    finally:
        os.close(descriptor)
