"""The wire between a simulator and the reader driver of `drivers/ifd`: who says what, in which packet.

One packet (SOCK_SEQPACKET) is one message: what it is, a number that ties an answer to its request, and data. The
driver asks; the simulator answers, and tells unasked when a card comes or goes.
"""

import socket
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Final

SOCKET: Final = "socket"
"""The socket's name in a reader's folder."""

_HEAD = 2
_MOST = 65600


class Ask(IntEnum):
    """What the driver sends: requests, and what pcscd has noticed of the card (no answer)."""

    POWER_ON = 1
    RESET = 2
    POWER_OFF = 3
    TRANSMIT = 4
    CONTROL = 5
    SEEN_OUT = 0x90
    SEEN_IN = 0x91


class Tell(IntEnum):
    """What the simulator sends: how a request ended, and what became of the card."""

    DONE = 0
    NO_CARD = 1
    NO_ANSWER = 2
    UNSUPPORTED = 3
    CARD_IN = 0x80
    CARD_OUT = 0x81


class IfdError(ConnectionError):
    """The reader is not there, or went away."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the driver's. `data` may hold a code."""

    kind: Ask
    number: int
    data: bytes = field(repr=False)


class IfdLink:
    """A simulator's end of the wire, connected to the reader in `folder`. Raises IfdError if nobody listens."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._socket.connect(str(folder / SOCKET))
        except OSError as error:
            self._socket.close()
            raise IfdError(f"no reader answers at {folder}: {error.strerror or error}") from None

    def receive(self) -> Message:
        """Wait for the driver's next message. Raises IfdError when the wire is cut, also by `cut`."""
        try:
            packet = self._socket.recv(_MOST)
            if len(packet) < _HEAD:
                raise IfdError("the reader is gone")
            return Message(Ask(packet[0]), packet[1], packet[_HEAD:])
        except (OSError, ValueError):
            raise IfdError("the reader is gone") from None

    def tell(self, what: Tell, number: int = 0, data: bytes = b"") -> None:
        """Send one message. Raises IfdError when the wire is cut."""
        try:
            self._socket.send(bytes([what, number]) + data)
        except OSError:
            raise IfdError("the reader is gone") from None

    def is_cut(self) -> bool:
        """Tell whether the other end has gone, without waiting."""
        try:
            return self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def cut(self) -> None:
        """Cut the wire, so that a thread in `receive` comes back. The socket stays the receiver's to close."""
        # The reader may have cut it already: then there is nothing left to shut down.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
