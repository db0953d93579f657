"""Processors between an operation and the reader: each is a channel over a channel and does one thing."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

from sithsd.card.commands import carries_code
from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816 import apdu, status
from sithsd.iso7816.channel import Channel, Octets

# The most one operation may cost. A card that goes past it is called unreadable instead of being asked for ever: the
# largest honest card in the fixtures takes about a fifth of this.
MAX_COMMANDS = 600
MAX_RESPONSE_BYTES = 512 * 1024
MAX_SECONDS = 60.0
_MAX_FRAGMENTS = 300
_GET_RESPONSE = 0xC0
_CHAINING = 0x10
_HEADER = 4


class CardChannel(Channel, Protocol):
    """A card in a reader: a channel that can also be lent to a library with a connection of its own.

    See `sithsd.reader.connection.CardConnection`, which is at the bottom of each.
    """

    @property
    def reader(self) -> str:
        """The name of the reader that the card is in."""
        ...

    def lent(self) -> AbstractContextManager[None]:
        """End our transaction for the length of the block. Nothing that was known of the card is certain after it."""
        ...

    def note_code(self) -> None:
        """Say that a code goes to the card now, by other means than `transmit`. Raises if it must not any more."""
        ...

    def at_end(self, farewell: Callable[[], None]) -> None:
        """Have `farewell`, which must not wait for anything, called when the operation ends."""
        ...


class _Layer:
    """A channel over a channel, which does nothing of its own."""

    def __init__(self, below: CardChannel) -> None:
        self._below = below

    @property
    def reader(self) -> str:
        """The reader's name."""
        return self._below.reader

    def lent(self) -> AbstractContextManager[None]:
        """Lend the card."""
        return self._below.lent()

    def note_code(self) -> None:
        """Note that a code goes to the card by other means."""
        self._below.note_code()

    def at_end(self, farewell: Callable[[], None]) -> None:
        """Have `farewell` called at the end."""
        self._below.at_end(farewell)


class BoundedChannel(_Layer):
    """Ends an operation that sends, receives or takes more than an honest card needs (raises card.unreadable).

    `seconds` are counted by `tell_seconds` from the making of this channel, and looked at before each command.
    """

    def __init__(
        self,
        below: CardChannel,
        commands: int = MAX_COMMANDS,
        response_bytes: int = MAX_RESPONSE_BYTES,
        seconds: float = MAX_SECONDS,
        tell_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(below)
        self._commands = commands
        self._response_bytes = response_bytes
        self._tell_seconds = tell_seconds
        self._end = tell_seconds() + seconds

    def transmit(self, command: Octets) -> tuple[bytes, int]:
        """Send the command unless a bound is reached."""
        self._commands -= 1
        if self._commands < 0:
            raise SithsdError(ErrorCode.CARD_UNREADABLE, "the card needs more commands than any card should")
        if self._tell_seconds() > self._end:
            raise SithsdError(ErrorCode.CARD_UNREADABLE, "the card takes more time than any card should")
        data, status_word = self._below.transmit(command)
        self._response_bytes -= len(data)
        if self._response_bytes < 0:
            raise SithsdError(ErrorCode.CARD_UNREADABLE, "the card sends more bytes than any card should")
        return data, status_word


class ResponseChannel(_Layer):
    """Gives whole responses: follows 61XX with GET RESPONSE and, if the command has an Le, 6CXX with the right one.

    ISO/IEC 7816-4:2020, 5.3.4 (chained responses) and ISO/IEC 7816-3:2006, 12.2 (T=0). With `protocol` 0 a command that
    has both data and Le goes out without its Le, because a T=0 command TPDU has one length field only.
    """

    def __init__(self, below: CardChannel, protocol: int) -> None:
        super().__init__(below)
        self._protocol = protocol

    def transmit(self, command: Octets) -> tuple[bytes, int]:
        """Send one command; return all of its response."""
        header = bytes(command[:_HEADER])
        data, status_word = self._below.transmit(self._tpdu(command))
        length = status.exact_length(status_word)
        again = None if length is None else self._repeatable(command)
        if again is not None:
            data, status_word = self._below.transmit(replace(again, le=length).encode())
        parts = [data]
        for _ in range(_MAX_FRAGMENTS):
            remaining = status.bytes_remaining(status_word)
            if remaining is None:
                return b"".join(parts), status_word
            fetch = apdu.CommandApdu(header[0] & ~_CHAINING, _GET_RESPONSE, 0, 0, le=remaining)
            data, status_word = self._below.transmit(fetch.encode())
            length = status.exact_length(status_word)
            if length is not None:
                fetch = apdu.CommandApdu(header[0] & ~_CHAINING, _GET_RESPONSE, 0, 0, le=length)
                data, status_word = self._below.transmit(fetch.encode())
            parts.append(data)
        raise SithsdError(ErrorCode.CARD_UNREADABLE, "the card's response has no end")

    def _tpdu(self, command: Octets) -> Octets:
        # Commands that carry a code ask for no bytes: they go down as they are, without a copy in between.
        if self._protocol != 0 or not _asks_for_bytes(command):
            return command
        parsed = apdu.decode(bytes(command))
        if parsed.data and parsed.le is not None:
            return apdu.CommandApdu(parsed.cla, parsed.ins, parsed.p1, parsed.p2, parsed.data).encode()
        return command

    @staticmethod
    def _repeatable(command: Octets) -> apdu.CommandApdu | None:
        """Return the command if it only asks for bytes: 6CXX says then that it was not carried out.

        One with data may be a code, and VERIFY without data is none of those that ask for bytes: a length would make
        the card wait for a code. To those 6CXX is an answer like any other.
        """
        if not _asks_for_bytes(command):
            return None
        parsed = apdu.decode(bytes(command))
        return parsed if parsed.le is not None and not parsed.data else None


def _asks_for_bytes(command: Octets) -> bool:
    """Tell whether a command has an Le: it is no header alone, and no short one of just its data (7816-3, 12.1.3)."""
    return len(command) > _HEADER and not (command[_HEADER] and len(command) == _HEADER + 1 + command[_HEADER])


class CountingChannel(_Layer):
    """Counts what goes through: commands, bytes to the card and bytes from it (status words included)."""

    def __init__(self, below: CardChannel) -> None:
        super().__init__(below)
        self.commands = 0
        self.sent = 0
        self.received = 0

    def transmit(self, command: Octets) -> tuple[bytes, int]:
        """Send the command and count it."""
        self.commands += 1
        self.sent += len(command)
        data, status_word = self._below.transmit(command)
        self.received += len(data) + 2
        return data, status_word


class WatchedChannel(_Layer):
    """Notes whether a command with a code went down: what happened to it is unknown if no answer comes back.

    `given_up` tells whether the caller was told an end already: then no code goes down any more (card.unreadable).
    """

    def __init__(self, below: CardChannel, given_up: Callable[[], bool] = lambda: False) -> None:
        super().__init__(below)
        self._given_up = given_up
        self.code_sent = False

    def transmit(self, command: Octets) -> tuple[bytes, int]:
        """Send the command and look what it is."""
        if carries_code(command):
            self._note()
        return self._below.transmit(command)

    def note_code(self) -> None:
        """Note that a code goes to the card now, by other means than `transmit`."""
        self._note()
        self._below.note_code()

    def note_code_at_pad(self) -> None:
        """Note that a person is asked for a code at the reader, which sends it."""
        self._note()

    def _note(self) -> None:
        if self._given_up():
            raise SithsdError(ErrorCode.CARD_UNREADABLE, "the card took too long before the code")
        self.code_sent = True


def stack(connection: CardChannel, protocol: int) -> CardChannel:
    """Return the channel that operations use: whole responses, bounded, over the reader's own."""
    return ResponseChannel(BoundedChannel(connection), protocol)
