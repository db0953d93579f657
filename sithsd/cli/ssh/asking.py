"""How a person is asked, whatever by: what the agent needs of it, and the terminal's way."""

import os
import select
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from sithsd.cli.failure import CommandError
from sithsd.cli.terminal import Terminal, own_terminal
from sithsd.cli.words import Words
from sithsd.secret import Secret


class CancelledError(Exception):
    """The person did not want to, or did not answer in time; or whoever asked for it has gone."""


class NoWayError(Exception):
    """There is nothing to ask the person by; the message tells why, where there is more to tell."""


class Client(Protocol):
    """Whoever asks the agent for something."""

    def fileno(self) -> int:
        """Return the descriptor of its connection."""
        ...


class Asker(Protocol):
    """Asks a person. Each question is a few lines, of which the last says what is wanted."""

    def ask_code(self, lines: list[str], client: Client) -> Secret:
        """Return what the person gives. Raises CancelledError and NoWayError."""
        ...

    def ask_yes(self, lines: list[str], client: Client) -> bool:
        """Whether the person agrees. Raises NoWayError."""
        ...

    def tell(self, lines: list[str]) -> None:
        """Show something, and wait for nothing. Raises NoWayError."""
        ...

    def telling(self, lines: list[str]) -> AbstractContextManager[None]:
        """Show something while the block lasts. Raises NoWayError."""
        ...

    def close(self) -> None:
        """Take away what is shown."""
        ...


def await_input(descriptor: int, client: Client, deadline: float) -> None:
    """Wait until there is something to read.

    Raises CancelledError when the client goes before, or at `deadline` (of the monotonic clock).
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    # Its going is told of always; that it says more, or no more, is none of it.
    poll.register(client.fileno(), 0)
    ready = {number for number, _ in poll.poll(max(deadline - time.monotonic(), 0) * 1000)}
    if ready != {descriptor}:
        raise CancelledError


def is_gone(client: Client) -> bool:
    """Whether the client has gone."""
    poll = select.poll()
    poll.register(client.fileno(), 0)
    return bool(poll.poll(0))


class TerminalAsker:
    """Asks on the program's own terminal. Call it from the main thread. `seconds`: how long a person may take."""

    def __init__(self, words: Words, seconds: float) -> None:
        self._words = words
        self._seconds = seconds

    def ask_code(self, lines: list[str], client: Client) -> Secret:
        """Return what the person types."""
        with _asking(lines[:-1]) as terminal:
            deadline = time.monotonic() + self._seconds
            return terminal.ask_code(lines[-1], lambda descriptor: await_input(descriptor, client, deadline))

    def ask_yes(self, lines: list[str], client: Client) -> bool:
        """Whether the person types the word for it."""
        word = self._words.say("ssh-confirm-word")
        try:
            with _asking(lines) as terminal:
                deadline = time.monotonic() + self._seconds
                typed = terminal.ask_word(
                    self._words.say("ask-confirm", word=word),
                    lambda descriptor: await_input(descriptor, client, deadline),
                )
        except CancelledError:
            return False
        return typed.casefold() == word

    def tell(self, lines: list[str]) -> None:
        """Write it."""
        with _asking(lines):
            pass

    @contextmanager
    def telling(self, lines: list[str]) -> Iterator[None]:
        """Write it before the block."""
        self.tell(lines)
        yield

    def close(self) -> None:
        """Nothing is shown that could be taken away."""


class Nobody:
    """Stands for a person who can't be asked: what a PIN pad asks for by itself goes on without."""

    def ask_code(self, lines: list[str], client: Client) -> Secret:  # noqa: ARG002 - as all askers take it
        """Raise NoWayError."""
        raise NoWayError

    def ask_yes(self, lines: list[str], client: Client) -> bool:  # noqa: ARG002 - as all askers take it
        """Raise NoWayError."""
        raise NoWayError

    def tell(self, lines: list[str]) -> None:
        """Nobody is told."""

    @contextmanager
    def telling(self, lines: list[str]) -> Iterator[None]:  # noqa: ARG002 - as all askers take it
        """Nobody is told."""
        yield

    def close(self) -> None:
        """Nothing is shown that could be taken away."""


@contextmanager
def _asking(lines: list[str]) -> Iterator[Terminal]:
    """Open the terminal, and write `lines`."""
    try:
        with own_terminal() as terminal:
            terminal.say("")
            for line in lines:
                terminal.say(line)
            yield terminal
    except (KeyboardInterrupt, EOFError):
        raise CancelledError from None
    except CommandError as error:
        raise NoWayError(error.parameters.detail) from error


def has_own_terminal() -> bool:
    """Whether there is a terminal from which nobody else reads now: this process is in its foreground."""
    try:
        descriptor = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(descriptor)
