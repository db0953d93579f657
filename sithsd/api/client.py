"""The varlink client: what sithsctl and other programs in Python ask the daemon with.

Synchronous, one connection, one call at a time. Every failure is a SithsdError: those the daemon told are DaemonErrors,
those of the connection have the codes daemon.unavailable and request.denied. A connection that is lost, or too slow, in
the middle of a call of io.sithsd.Codes is a LostError: the card may have used a try, so the call is not to be repeated.
"""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from sithsd.api.exchange import (
    REPLY_BYTES,
    Answer,
    DaemonError,
    LostError,
    answer_in,
    call_message,
    lost,
    no_answer,
    not_connected,
    shaped,
    told,
)
from sithsd.api.framing import MessageBuffer, MessageTooLongError, wipe
from sithsd.api.wire import Wire

__all__ = ["REPLY_BYTES", "Client", "DaemonError", "LostError"]

T = TypeVar("T")


class Client:
    """A connection to the socket at `path`, made with the first call. `timeout` in seconds is that of one call.

    Secrets among the parameters are sent without becoming a str; they stay the caller's to wipe. Use it as a context
    manager, or close it.
    """

    def __init__(self, path: Path | str, *, timeout: float = 30.0) -> None:
        self._path = str(path)
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._incoming = MessageBuffer(REPLY_BYTES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; the next call makes a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._incoming.wipe()

    @overload
    def call(self, method: str, parameters: Wire | Mapping[str, Any] | None = None) -> dict[str, Any]: ...

    @overload
    def call(self, method: str, parameters: Wire | Mapping[str, Any] | None, reply_type: type[T]) -> T: ...

    def call(
        self, method: str, parameters: Wire | Mapping[str, Any] | None = None, reply_type: type[T] | None = None
    ) -> T | dict[str, Any]:
        """Call `method` ("io.sithsd.Cards.List") and return its reply, in the shape `reply_type` or as plain JSON.

        Raises SithsdError, see the module.
        """
        deadline = time.monotonic() + self._timeout
        self._send(method, parameters, deadline, more=False)
        answer = self._receive(method, deadline)
        return shaped(answer, reply_type)

    @overload
    def stream(self, method: str, parameters: Wire | Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]: ...

    @overload
    def stream(self, method: str, parameters: Wire | Mapping[str, Any] | None, reply_type: type[T]) -> Iterator[T]: ...

    def stream(
        self, method: str, parameters: Wire | Mapping[str, Any] | None = None, reply_type: type[T] | None = None
    ) -> Iterator[T | dict[str, Any]]:
        """Call `method` with `more` and yield its replies as they come; between them there is no time-out.

        Ending the iteration early ends the connection. Raises SithsdError, see the module.
        """
        self._send(method, parameters, time.monotonic() + self._timeout, more=True)
        whole = False
        try:
            while not whole:
                answer = self._receive(method, None)
                whole = not answer.continues
                yield shaped(answer, reply_type)
        finally:
            if not whole:
                self.close()

    def _send(self, method: str, parameters: Wire | Mapping[str, Any] | None, deadline: float, *, more: bool) -> None:
        message = call_message(method, parameters, more=more)
        try:
            connection = self._connected(deadline)
            # A daemon that refuses the connection has told why before it closed: that is then read.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(message)
                connection.sendall(b"\0")
        except TimeoutError:
            self.close()
            raise lost(self._path, method, "does not read") from None
        except OSError as error:
            self.close()
            raise lost(self._path, method, str(error.strerror)) from None
        finally:
            wipe(message)

    def _connected(self, deadline: float) -> socket.socket:
        if self._socket is not None:
            self._socket.settimeout(_left(deadline))
            return self._socket
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(_left(deadline))
            connection.connect(self._path)
        except OSError as error:
            connection.close()
            raise not_connected(self._path, error) from None
        self._socket = connection
        return connection

    def _receive(self, method: str, deadline: float | None) -> Answer:
        """Return the next reply. Raises what it tells."""
        try:
            answer = answer_in(self._next(deadline))
        except TimeoutError:
            self.close()
            raise lost(self._path, method, "did not answer in time") from None
        except OSError as error:
            self.close()
            raise lost(self._path, method, error.strerror or "closed the connection") from None
        except (MessageTooLongError, ValueError, RecursionError):
            self.close()
            raise no_answer() from None
        if answer.error is not None:
            raise told(answer.error, answer.parameters)
        return answer

    def _next(self, deadline: float | None) -> bytearray:
        while (message := self._incoming.take()) is None:
            if self._socket is None:
                raise ConnectionResetError
            self._socket.settimeout(None if deadline is None else _left(deadline))
            count = self._socket.recv_into(self._incoming.free())
            if not count:
                raise ConnectionResetError
            self._incoming.received(count)
        return message


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
