"""The simplest varlink client: JSON and NUL over a Unix socket. It shares no code with the product."""

import json
import select
import socket
import time
from pathlib import Path
from typing import Any, Self

DEADLINE = 60.0


class Wire:
    """One connection. Every wait ends after a generous time with an AssertionError."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._received = b""
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def send(self, raw: bytes) -> None:
        """Send bytes as they are; one end of a message is its NUL."""
        self._socket.settimeout(DEADLINE)
        self._socket.sendall(raw)

    def half_close(self) -> None:
        """Say that no more will be written."""
        self._socket.shutdown(socket.SHUT_WR)

    def ask(self, method: str, parameters: dict[str, Any] | None = None, **flags: bool) -> None:
        """Send a request."""
        self.send(json.dumps({"method": method, "parameters": parameters or {}, **flags}).encode() + b"\0")

    def receive(self, deadline: float = DEADLINE) -> dict[str, Any]:
        """Return the next message. Raises EOFError when the other side has closed."""
        end = time.monotonic() + deadline
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._socket], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"no message within {deadline} s")
            try:
                piece = self._socket.recv(65536)
            except ConnectionResetError:
                piece = b""
            if not piece:
                raise EOFError
            self._received += piece
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)

    def call(self, method: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request and return its reply."""
        self.ask(method, parameters)
        return self.receive()

    def is_closed(self) -> bool:
        """Wait for the other side to close; False if it says something instead."""
        try:
            self.receive()
        except EOFError:
            return True
        return False
