"""One call and its replies as a client has them: bytes, shapes and errors, with no input or output of their own."""

from collections.abc import Mapping
from typing import Any, TypeVar, overload

import msgspec

from sithsd.api.framing import wipe
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


class Answer(msgspec.Struct):
    """One reply: `continues` says that more follow, `error` names an error."""

    parameters: msgspec.Raw = msgspec.Raw(b"{}")
    continues: bool | None = None
    error: str | None = None


_ANSWERS = msgspec.json.Decoder(Answer)


def call_message(method: str, parameters: Wire | Mapping[str, Any] | None, *, more: bool) -> bytearray:
    """Return a call without its NUL, which is the caller's to wipe. Raises request.invalid for one that is too long."""
    message = encode(_Call(method, {} if parameters is None else parameters, more=more))
    if len(message) > MESSAGE_BYTES:
        wipe(message)
        raise SithsdError(ErrorCode.REQUEST_INVALID, f"the call is longer than {MESSAGE_BYTES} bytes")
    return message


def answer_in(message: bytearray) -> Answer:
    """Return the reply that a message is. Raises ValueError or RecursionError for what is none."""
    return _ANSWERS.decode(message)


def no_answer() -> SithsdError:
    """Return the error of a message that is no reply."""
    return SithsdError(ErrorCode.INTERNAL, "the daemon's reply is no varlink message")


def told(name: str, parameters: msgspec.Raw) -> SithsdError:
    """Return the error that a reply tells."""
    try:
        return DaemonError(msgspec.json.decode(parameters, type=ErrorParameters))
    except ValueError:
        # One of varlink's own errors, which have no code: the call was none that this daemon knows.
        code = _SERVICE_ERRORS.get(name, ErrorCode.REQUEST_INVALID)
        known = name.startswith("org.varlink.service.")
        return SithsdError(code if known else ErrorCode.INTERNAL, f"the daemon answered {name}")


@overload
def shaped(answer: Answer, reply_type: type[T]) -> T: ...


@overload
def shaped(answer: Answer, reply_type: None) -> dict[str, Any]: ...


def shaped(answer: Answer, reply_type: type[T] | None) -> T | dict[str, Any]:
    """Return the parameters in the shape `reply_type`, or as plain JSON. Raises internal where they have it not."""
    try:
        if reply_type is None:
            return msgspec.json.decode(answer.parameters, type=dict[str, Any])
        return msgspec.json.decode(answer.parameters, type=reply_type)
    except (ValueError, RecursionError):
        raise SithsdError(ErrorCode.INTERNAL, "the daemon's reply has not the expected form") from None


def not_connected(path: str, error: OSError) -> SithsdError:
    """Return the error of a connection that could not be made: nothing was asked yet."""
    code = ErrorCode.REQUEST_DENIED if isinstance(error, PermissionError) else ErrorCode.DAEMON_UNAVAILABLE
    return SithsdError(code, f"{path}: {error.strerror or error}")


def lost(path: str, method: str, how: str) -> SithsdError:
    """Return the error of a connection that ended, or was too slow, before the reply came."""
    kind = LostError if method.startswith(f"{CODES_SOCKET}.") else SithsdError
    return kind(ErrorCode.DAEMON_UNAVAILABLE, f"{path}: the daemon {how}")
