"""The messages of varlink: a request taken apart, a reply put together (varlink.org, "Method Call")."""

import re
from typing import Any

import msgspec

from sithsd.api.wire import Choice, ErrorParameters
from sithsd.errors import ErrorCode, SithsdError

_METHOD = re.compile(r"[A-Za-z][A-Za-z0-9-]*(\.[A-Za-z0-9-]+)+\.[A-Z][A-Za-z0-9]*")
_NOTHING = msgspec.Raw(b"{}")


class Request(msgspec.Struct):
    """A method call. `parameters` is a view of the message."""

    method: str
    parameters: msgspec.Raw = _NOTHING
    more: bool | None = None
    oneway: bool | None = None
    upgrade: bool | None = None


class Reply(msgspec.Struct, omit_defaults=True):
    """What is sent back: `error` names an error, `continues` says that more replies follow."""

    parameters: Any
    continues: bool = False
    error: str | None = None


class VarlinkError(Exception):
    """An error of org.varlink.service, which every varlink client knows; it has its own parameters, and no code."""

    def __init__(self, name: str, **parameters: str) -> None:
        super().__init__(name)
        self.name = f"org.varlink.service.{name}"
        self.parameters = parameters


_REQUESTS = msgspec.json.Decoder(Request)


def parse_request(message: bytearray) -> Request:
    """Take a request apart; its parameters stay JSON. Raises SithsdError `request.invalid`, quoting nothing of it."""
    try:
        request = _REQUESTS.decode(message)
    except msgspec.ValidationError:
        raise SithsdError(ErrorCode.REQUEST_INVALID, "not a method call: an object with method, parameters") from None
    except (ValueError, RecursionError):
        raise SithsdError(ErrorCode.REQUEST_INVALID, "not valid JSON") from None
    if not _METHOD.fullmatch(request.method):
        raise SithsdError(ErrorCode.REQUEST_INVALID, "method is not of the form interface.Method")
    if request.upgrade:
        raise SithsdError(ErrorCode.REQUEST_INVALID, "no method of this service upgrades the connection")
    parameters = memoryview(request.parameters)
    if len(parameters) == 4 and bytes(parameters) == b"null":
        request.parameters = _NOTHING
    return request


def write(reply: Reply) -> bytes:
    """Return a reply as it goes over the socket, with its NUL."""
    return msgspec.json.encode(reply) + b"\0"


def error_parameters(error: SithsdError) -> ErrorParameters:
    """Return what the wire tells of an error."""
    return ErrorParameters(
        code=str(error.code),
        retryable=error.retryable,
        tries_left=error.tries_left,
        role=None if error.role is None else str(error.role),
        status_word=error.status_word,
        reader=error.where.reader,
        card_serial=error.where.card_serial,
        sequence=error.where.sequence,
        detail=error.detail,
        rules=list(error.more.rules),
        advice=error.more.advice,
        done=list(error.more.done),
        holder=error.more.holder,
        retry_after=error.more.retry_after,
        choices=[
            Choice(fingerprint=one.fingerprint, identity=one.identity, subject=one.subject, not_after=one.not_after)
            for one in error.more.choices
        ],
    )
