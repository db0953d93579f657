"""The wire between a virtual reader (vpcd) and a card: who says what, in which frame.

Each message is a two-byte big-endian length and that many bytes. From the reader a single byte is a control command,
more are a command APDU. The card answers APDUs and the question for its ATR, nothing else.
"""

import socket
from contextlib import suppress
from enum import IntEnum

_LENGTH_BYTES = 2


class Control(IntEnum):
    """What the reader does to the card's contacts."""

    POWER_OFF = 0
    POWER_ON = 1
    RESET = 2
    ATR = 4


class VpcdError(ConnectionError):
    """The reader is not there, or went away."""


class VpcdLink:
    """A connected card's end of the wire."""

    def __init__(self, host: str, port: int, timeout: float) -> None:
        try:
            self._socket = socket.create_connection((host, port), timeout)
        except OSError as error:
            raise VpcdError(f"no virtual reader answers at {host}:{port} ({error.strerror or 'no answer'})") from None
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self) -> bytes:
        """Wait for the reader's next message. Raises VpcdError when the wire is cut, also by `close`."""
        length = int.from_bytes(self._exactly(_LENGTH_BYTES), "big")
        return self._exactly(length)

    def send(self, message: bytes) -> None:
        """Send one message, in one segment. Raises VpcdError when the wire is cut."""
        try:
            self._socket.sendall(len(message).to_bytes(_LENGTH_BYTES, "big") + message)
        except OSError:
            raise VpcdError("the virtual reader is gone") from None

    def cut(self) -> None:
        """Cut the wire, so that a thread in `receive` comes back. The socket stays the receiver's to close."""
        # The reader may have cut it already: then there is nothing left to shut down.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _exactly(self, count: int) -> bytes:
        received = bytearray()
        while len(received) < count:
            try:
                # vpcd sends length and body in two segments; without this each command would wait 40 ms for an ACK.
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
                piece = self._socket.recv(count - len(received))
            except OSError:
                raise VpcdError("the virtual reader is gone") from None
            if not piece:
                raise VpcdError("the virtual reader is gone")
            received += piece
        return bytes(received)
