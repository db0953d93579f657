"""The person's own terminal, whatever stdin and stdout are connected to."""

import os
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

from sithsd.cli.code_entry import read_line, unseen
from sithsd.cli.failure import CommandError, parameters
from sithsd.errors import ErrorCode
from sithsd.secret import Secret


class Terminal:
    """Asks questions on an open terminal. EOFError when the person closes the input (Ctrl-D)."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def say(self, text: str) -> None:
        """Write a sentence, broken between words where the terminal is narrow."""
        self._write("".join(f"{line}\n" for line in folded(text, self._descriptor)))

    def ask_code(self, prompt: str) -> Secret:
        """Return what is typed in answer to `prompt`, without showing it."""
        with unseen(self._descriptor):
            self._write(f"{prompt} ")
            try:
                line = read_line(self._descriptor)
            finally:
                self._write("\n")
        return _given(line)

    def ask_word(self, prompt: str) -> str:
        """Return what is typed in answer to `prompt`, shown as usual."""
        self._write(f"{prompt} ")
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


@contextmanager
def own_terminal() -> Iterator[Terminal]:
    """Open the terminal that the program was started from; a CommandError ("request.invalid") where there is none."""
    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        found = parameters(ErrorCode.REQUEST_INVALID, "no terminal to ask for the code on")
        raise CommandError(found, key="usage-no-terminal") from error
    try:
        yield Terminal(descriptor)
    finally:
        os.close(descriptor)
