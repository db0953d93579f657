"""Processors between an operation and the reader: each is a channel over a channel and does one thing."""

from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816 import apdu, status
from sithsd.iso7816.channel import Channel

# The most one operation may cost. A card that goes past it is called unreadable instead of being asked for ever: the
# largest honest card in the fixtures takes about a fifth of this.
MAX_COMMANDS = 600
MAX_RESPONSE_BYTES = 512 * 1024
_MAX_FRAGMENTS = 300
_GET_RESPONSE = 0xC0
_CHAINING = 0x10


class BoundedChannel:
    """Ends an operation that sends or receives more than an honest card needs (raises card.unreadable)."""

    def __init__(self, below: Channel, commands: int = MAX_COMMANDS, response_bytes: int = MAX_RESPONSE_BYTES) -> None:
        self._below = below
        self._commands = commands
        self._response_bytes = response_bytes

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Send the command unless the bound is reached."""
        self._commands -= 1
        if self._commands < 0:
            raise SithsdError(ErrorCode.CARD_UNREADABLE, "the card needs more commands than any card should")
        data, status_word = self._below.transmit(command)
        self._response_bytes -= len(data)
        if self._response_bytes < 0:
            raise SithsdError(ErrorCode.CARD_UNREADABLE, "the card sends more bytes than any card should")
        return data, status_word


class ResponseChannel:
    """Gives whole responses: follows 61XX with GET RESPONSE and 6CXX with the right Le.

    ISO/IEC 7816-4:2020, 5.3.4 (chained responses) and ISO/IEC 7816-3:2006, 12.2 (T=0). With `protocol` 0 a command that
    has both data and Le goes out without its Le, because a T=0 command TPDU has one length field only.
    """

    def __init__(self, below: Channel, protocol: int) -> None:
        self._below = below
        self._protocol = protocol

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Send one command; return all of its response."""
        header = command[:4]
        data, status_word = self._below.transmit(self._tpdu(command))
        length = status.exact_length(status_word)
        if length is not None:
            # Only a command that asks for bytes may be sent again: 6CXX says that it was not carried out.
            data, status_word = self._below.transmit(self._with_length(command, length))
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

    def _tpdu(self, command: bytes) -> bytes:
        if self._protocol != 0:
            return command
        parsed = apdu.decode(command)
        if parsed.data and parsed.le is not None:
            return apdu.CommandApdu(parsed.cla, parsed.ins, parsed.p1, parsed.p2, parsed.data).encode()
        return command

    @staticmethod
    def _with_length(command: bytes, length: int) -> bytes:
        parsed = apdu.decode(command)
        if parsed.data:
            raise SithsdError(ErrorCode.CARD_UNREADABLE, "the card answers 6CXX to a command with data")
        return apdu.CommandApdu(parsed.cla, parsed.ins, parsed.p1, parsed.p2, le=length).encode()


class CountingChannel:
    """Counts what goes through: commands, bytes to the card and bytes from it (status words included)."""

    def __init__(self, below: Channel) -> None:
        self._below = below
        self.commands = 0
        self.sent = 0
        self.received = 0

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Send the command and count it."""
        self.commands += 1
        self.sent += len(command)
        data, status_word = self._below.transmit(command)
        self.received += len(data) + 2
        return data, status_word


def stack(connection: Channel, protocol: int) -> Channel:
    """Return the channel that operations use: whole responses, bounded, over the reader's own."""
    return ResponseChannel(BoundedChannel(connection), protocol)
