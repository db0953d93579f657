"""The reader's end of vpcd's wire, on a free port of this machine."""

import socket
from contextlib import suppress
from types import TracebackType
from typing import Self

SECONDS = 10.0


class FakeReader:
    """Listens like one slot of vpcd; `accept` takes a card that was put in, `ask` sends it a message."""

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.settimeout(SECONDS)
        self._wire: socket.socket | None = None
        self.port: int = self._listener.getsockname()[1]

    def accept(self) -> None:
        """Wait for a card; the one before is out."""
        self.drop()
        self._wire, _ = self._listener.accept()
        self._wire.settimeout(SECONDS)

    def tell(self, message: bytes) -> None:
        """Send a message that has no answer."""
        assert self._wire is not None
        self._wire.sendall(len(message).to_bytes(2, "big"))
        # In a segment of its own, as vpcd does.
        self._wire.sendall(message)

    def ask(self, message: bytes) -> bytes:
        """Send a message, and return the answer to it."""
        self.tell(message)
        return self._exactly(int.from_bytes(self._exactly(2), "big"))

    def gone(self) -> bool:
        """Wait until the card cuts the wire; tell whether it did."""
        assert self._wire is not None
        return self._wire.recv(1) == b""

    def drop(self) -> None:
        """Cut the wire, as a reader's program does that ends."""
        if self._wire is not None:
            with suppress(OSError):
                self._wire.shutdown(socket.SHUT_RDWR)
            self._wire.close()
            self._wire = None

    def close(self) -> None:
        """Cut the wire and listen no longer."""
        self.drop()
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _exactly(self, count: int) -> bytes:
        assert self._wire is not None
        received = b""
        while len(received) < count:
            piece = self._wire.recv(count - len(received))
            assert piece, "the card cut the wire"
            received += piece
        return received
