"""Where a person is asked, and the program that ssh has for it (SSH_ASKPASS of ssh(1))."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum

from sithsd.cli.code_entry import LONGEST_CODE
from sithsd.cli.ssh.asking import CancelledError, Client, NoWayError, await_input
from sithsd.secret import Secret

_USUAL = "/usr/bin/ssh-askpass"
_END_SECONDS = 2.0
_LINE_ENDS = b"\r\n"


class Way(Enum):
    """By what a person is asked."""

    ASKPASS = "askpass"
    TERMINAL = "terminal"


def way(environment: Mapping[str, str], *, terminal: bool) -> Way | None:
    """Return by what a person is asked, None where there is nothing. `terminal`: there is one that is ours to use.

    As ssh decides (ssh(1), DISPLAY, WAYLAND_DISPLAY and SSH_ASKPASS_REQUIRE): with a display the program may be used,
    and is where there is no terminal; "prefer" has it before the terminal, "force" without a display, "never" not.
    """
    allowed = bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
    wanted = not terminal
    match environment.get("SSH_ASKPASS_REQUIRE", "").lower():
        case "force":
            allowed = wanted = True
        case "prefer":
            wanted = wanted or allowed
        case "never":
            allowed = False
    if wanted and allowed:
        return Way.ASKPASS
    return Way.TERMINAL if terminal else None


class Askpass:
    """Asks by a program: it gets the question as its argument, and says the answer on its standard output.

    `seconds`: how long a person may take. Close it, or use it as a context manager of what it tells.
    """

    def __init__(self, environment: Mapping[str, str], seconds: float) -> None:
        self._program = environment.get("SSH_ASKPASS") or _USUAL
        self._environment = {name: value for name, value in environment.items() if name != "SSH_ASKPASS_PROMPT"}
        self._seconds = seconds
        self._notice: subprocess.Popen[bytes] | None = None

    def ask_code(self, lines: list[str], client: Client) -> Secret:
        """Return what the person gives; CancelledError when that is nothing."""
        return self._answer(lines, None, client)

    def ask_yes(self, lines: list[str], client: Client) -> bool:
        """Whether the person agrees: as ssh has it the program ends well, having said nothing or yes."""
        try:
            with self._answer(lines, "confirm", client, empty=True) as answer:
                return bytes(answer.reveal()).lower() in {b"", b"yes"}
        except CancelledError:
            return False

    def tell(self, lines: list[str]) -> None:
        """Show something until the person closes it, or until the next question or the end."""
        self.close()
        self._notice = self._started(lines, "none", subprocess.DEVNULL)

    @contextmanager
    def telling(self, lines: list[str]) -> Iterator[None]:
        """Show something while the block lasts."""
        self.tell(lines)
        try:
            yield
        finally:
            self.close()

    def close(self) -> None:
        """Take away what is shown."""
        notice, self._notice = self._notice, None
        if notice is not None:
            _end(notice)

    def _answer(self, lines: list[str], hint: str | None, client: Client, *, empty: bool = False) -> Secret:
        self.close()
        deadline = time.monotonic() + self._seconds
        asking = self._started(lines, hint, subprocess.PIPE)
        try:
            answer = _read(asking, client, deadline)
            try:
                _await_good_end(asking, deadline)
            except BaseException:
                answer.wipe()
                raise
            if not len(answer) and not empty:
                raise CancelledError
            return answer
        finally:
            _end(asking)

    def _started(self, lines: list[str], hint: str | None, output: int) -> subprocess.Popen[bytes]:
        environment = self._environment if hint is None else {**self._environment, "SSH_ASKPASS_PROMPT": hint}
        try:
            return subprocess.Popen(
                [self._program, "\n".join(lines)], stdin=subprocess.DEVNULL, stdout=output, env=environment
            )
        except OSError as error:
            raise NoWayError(f"{self._program}: {error.strerror}") from error


def _read(asking: "subprocess.Popen[bytes]", client: Client, deadline: float) -> Secret:
    """Return the program's first line. CancelledError when the client goes or the time is over."""
    if asking.stdout is None:
        raise RuntimeError("started without a pipe")
    with asking.stdout:
        # What goes on after that can't be written: nobody waits for it.
        return _line(asking.stdout.fileno(), client, deadline)


def _line(descriptor: int, client: Client, deadline: float) -> Secret:
    line = bytearray(LONGEST_CODE + 2)
    view = memoryview(line)
    length = 0
    try:
        while length < len(line):
            await_input(descriptor, client, deadline)
            count = os.readv(descriptor, [view[length:]])
            if not count:
                break
            length += count
        first = next((index for index in range(length) if line[index] in _LINE_ENDS), min(length, LONGEST_CODE + 1))
        return Secret(view[:first])
    finally:
        view.release()
        line[:] = bytes(len(line))


def _await_good_end(asking: "subprocess.Popen[bytes]", deadline: float) -> None:
    try:
        status = asking.wait(max(deadline - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        raise CancelledError from None
    if status != 0:
        raise CancelledError


def _end(program: "subprocess.Popen[bytes]") -> None:
    if program.poll() is None:
        program.terminate()
        try:
            program.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
    if program.stdout is not None:
        program.stdout.close()
