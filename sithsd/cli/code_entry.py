"""Codes on their way in: from a file descriptor or the terminal into a `Secret`, and nowhere else.

The bytes go straight from the system into one buffer, which is overwritten. A code is never an argument of a command,
an environment variable or a part of a message.
"""

import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from sithsd.cli.failure import CommandError, failure, parameters
from sithsd.cli.signals import ends_with_exit, wait_until_readable
from sithsd.errors import ErrorCode
from sithsd.secret import Secret

# Far above what any card takes (ISO 9564-1: 12 digits); bounds what is read.
LONGEST_CODE = 64

_NEWLINE = 0x0A
_RETURN = 0x0D


def read_line(descriptor: int) -> Secret | None:
    """Return one line without its end (LF or CR LF), None at the end of the input.

    Nothing after the line is read, so that several lines can be read one by one. A line longer than `LONGEST_CODE`
    bytes comes back one byte too long, the rest of it unread.
    """
    line = bytearray(LONGEST_CODE + 2)
    view = memoryview(line)
    length = 0
    ended = False
    try:
        while length < len(line):
            wait_until_readable(descriptor)
            if os.readv(descriptor, [view[length : length + 1]]) == 0:
                break
            length += 1
            if line[length - 1] == _NEWLINE:
                ended = True
                break
        if length == 0:
            return None
        if ended:
            length -= 2 if length > 1 and line[length - 2] == _RETURN else 1
        return Secret(view[: min(length, LONGEST_CODE + 1)])
    finally:
        view.release()
        line[:] = bytes(len(line))


def read_code(descriptor: int, role: str) -> Secret:
    """Return the next line of `descriptor` as the code of this role. On a terminal nothing typed is shown.

    A CommandError: "pin.malformed" for a line that can be no code, "request.invalid" when reading fails.
    """
    try:
        if os.isatty(descriptor):
            with unseen(descriptor):
                line = read_line(descriptor)
        else:
            line = read_line(descriptor)
    except OSError as error:
        found = parameters(ErrorCode.REQUEST_INVALID, f"the file descriptor can't be read: {error.strerror}")
        raise CommandError(found, key="usage-bad-descriptor") from error
    return possible_code(Secret(b"") if line is None else line, role)


def possible_code(line: Secret, role: str) -> Secret:
    """Return `line` if it can be a code at all: ASCII, 1 to 64 bytes. The daemon and the card's profile know more."""
    if 0 < len(line) <= LONGEST_CODE and line.reveal().isascii():
        return line
    line.wipe()
    raise failure(ErrorCode.PIN_MALFORMED, "the line given can be no code", role=role)


def same(one: Secret, other: Secret) -> bool:
    """Whether two codes are equal."""
    return one.reveal() == other.reveal()


@contextmanager
def unseen(terminal: int, *, by_key: bool = False) -> Iterator[None]:
    """Show nothing that is typed while the block lasts. What was typed before is thrown away.

    With `by_key` each key can be read as soon as it is pressed, otherwise a line when it is ended.
    Ctrl-Z and Ctrl-backslash do nothing meanwhile: the one would bring the echo back, the other write a core file.
    """
    before = termios.tcgetattr(terminal)
    quiet = termios.tcgetattr(terminal)
    quiet[3] = (quiet[3] & ~(termios.ECHO | termios.ECHONL)) | termios.ICANON | termios.ISIG
    if by_key:
        quiet[3] &= ~termios.ICANON
        quiet[6][termios.VMIN], quiet[6][termios.VTIME] = 1, 0
    for key in (termios.VSUSP, termios.VQUIT):
        quiet[6][key] = b"\0"
    with ends_with_exit():
        try:
            termios.tcsetattr(terminal, termios.TCSAFLUSH, quiet)
            yield
        finally:
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
