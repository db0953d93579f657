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

import msgspec

from sithsd.api.framing import MessageBuffer, MessageTooLongError, wipe
from sithsd.api.limits import MESSAGE_BYTES
from sithsd.api.shape import encode
from sithsd.api.wire import ErrorParameters, Wire
from sithsd.errors import Choice, ErrorCode, More, SithsdError, Where
from sithsd.locations import CODES_SOCKET

T = TypeVar("T")

REPLY_BYTES = 1024 * 1024
_SERVICE_ERRORS = {"org.varlink.service.PermissionDenied": ErrorCode.REQUEST_DENIED}


class DaemonError(SithsdError):
    """An error that the daemon told.

    `told` is the code exactly as told: a newer daemon may know codes that this release does not, and then `code` is
    `internal`. `retryable` is as told too.
    """

    def __init__(self, parameters: ErrorParameters) -> None:
        try:
            code = ErrorCode(parameters.code)
        except ValueError:
            code = ErrorCode.INTERNAL
        super().__init__(
            code,
            parameters.detail,
            tries_left=parameters.tries_left,
            role=parameters.role,
            status_word=parameters.status_word,
        )
        self.where = Where(parameters.reader, parameters.card_serial, parameters.sequence)
        self.more = More(
            tuple(parameters.rules),
            parameters.advice,
            tuple(parameters.done),
            parameters.holder,
            parameters.retry_after,
            tuple(Choice(one.fingerprint, one.identity, one.subject, one.not_after) for one in parameters.choices),
        )
        self.told = parameters.code
        self._retryable = parameters.retryable

    @property
    def retryable(self) -> bool:
        """Whether the daemon said that the same call may be made again unchanged."""
        return self._retryable

    def __str__(self) -> str:
        """Return the code as told, and the daemon's sentence."""
        return super().__str__().replace(str(self.code), self.told, 1)


class LostError(SithsdError):
    """The daemon was lost after it was asked for something that it may have done: daemon.unavailable, not retryable."""

    @property
    def retryable(self) -> bool:
        """Never."""
        return False


class _Call(msgspec.Struct, omit_defaults=True):
    method: str
    parameters: Any
    more: bool = False


class _Reply(msgspec.Struct):
    parameters: msgspec.Raw = msgspec.Raw(b"{}")
    continues: bool | None = None
    error: str | None = None


_REPLIES = msgspec.json.Decoder(_Reply)


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
        return _shaped(answer, reply_type)

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
                yield _shaped(answer, reply_type)
        finally:
            if not whole:
                self.close()

    def _send(self, method: str, parameters: Wire | Mapping[str, Any] | None, deadline: float, *, more: bool) -> None:
        message = encode(_Call(method, {} if parameters is None else parameters, more=more))
        try:
            if len(message) > MESSAGE_BYTES:
                raise SithsdError(ErrorCode.REQUEST_INVALID, f"the call is longer than {MESSAGE_BYTES} bytes")
            connection = self._connected(deadline)
            # A daemon that refuses the connection has told why before it closed: that is then read.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(message)
                connection.sendall(b"\0")
        except TimeoutError:
            self.close()
            raise self._lost(method, "does not read") from None
        except OSError as error:
            self.close()
            raise self._lost(method, str(error.strerror)) from None
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
            code = ErrorCode.REQUEST_DENIED if isinstance(error, PermissionError) else ErrorCode.DAEMON_UNAVAILABLE
            raise SithsdError(code, f"{self._path}: {error.strerror or error}") from None
        self._socket = connection
        return connection

    def _receive(self, method: str, deadline: float | None) -> _Reply:
        """Return the next reply. Raises what it tells."""
        try:
            answer = _REPLIES.decode(self._next(deadline))
        except TimeoutError:
            self.close()
            raise self._lost(method, "did not answer in time") from None
        except OSError as error:
            self.close()
            raise self._lost(method, error.strerror or "closed the connection") from None
        except (MessageTooLongError, ValueError, RecursionError):
            self.close()
            raise SithsdError(ErrorCode.INTERNAL, "the daemon's reply is no varlink message") from None
        if answer.error is not None:
            raise _told(answer.error, answer.parameters)
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

    def _lost(self, method: str, how: str) -> SithsdError:
        kind = LostError if method.startswith(f"{CODES_SOCKET}.") else SithsdError
        return kind(ErrorCode.DAEMON_UNAVAILABLE, f"{self._path}: the daemon {how}")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _shaped(answer: _Reply, reply_type: type[T] | None) -> T | dict[str, Any]:
    try:
        if reply_type is None:
            return msgspec.json.decode(answer.parameters, type=dict[str, Any])
        return msgspec.json.decode(answer.parameters, type=reply_type)
    except (ValueError, RecursionError):
        raise SithsdError(ErrorCode.INTERNAL, "the daemon's reply has not the expected form") from None


def _told(name: str, parameters: msgspec.Raw) -> SithsdError:
    try:
        return DaemonError(msgspec.json.decode(parameters, type=ErrorParameters))
    except ValueError:
        # One of varlink's own errors, which have no code: the call was none that this daemon knows.
        code = _SERVICE_ERRORS.get(name, ErrorCode.REQUEST_INVALID)
        known = name.startswith("org.varlink.service.")
        return SithsdError(code if known else ErrorCode.INTERNAL, f"the daemon answered {name}")
