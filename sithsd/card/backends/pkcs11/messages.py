"""What goes over the wire between the daemon and the program that a module lives in.

A frame is a length (four bytes), the number of codes (one byte), the message (msgpack), and then each code with a
length of its own (one byte) before it. Codes are no part of the message: they go from the buffer that holds them into
one that can be overwritten, and are never a value that Python keeps copies of.
"""

import select
import socket
import time
from collections.abc import Sequence

import msgspec

from sithsd.secret import Secret

# The most that a card is let have: the largest honest one has a tenth of it.
MAX_TOKENS = 32
MAX_OBJECTS = 64
MAX_MECHANISMS = 1024
MAX_VALUE = 64 * 1024
MAX_TOTAL = 512 * 1024
MAX_FRAME = 1024 * 1024
MAX_CODE = 64
_LENGTH = 4
_MAX_CODES = 2


class WireError(Exception):
    """The other side said something that is no message; the text says what, and holds nothing of it."""


class ClosedError(WireError):
    """The other side has closed its end."""


class LateError(WireError):
    """The other side said nothing in time."""


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True):
    pass


class Begin(_Message, frozen=True, kw_only=True):
    """Load the module, if it is not loaded, and initialise it (C_Initialize). Comes before everything else."""

    path: str


class Look(_Message, frozen=True, kw_only=True):
    """Tell the tokens that are present: in the slots that `reader` describes, or in all (None)."""

    reader: str | None


class Read(_Message, frozen=True, kw_only=True):
    """Tell a token's certificates, and the ids of its keys that can be seen without a code."""

    slot: int


class Mechanisms(_Message, frozen=True, kw_only=True):
    """Tell what a slot's token can do (CKM_*): of the open session, or of `slot`."""

    slot: int | None = None


class Open(_Message, frozen=True, kw_only=True):
    """Open a session with the one token of this label and serial number; close any other, and tell the token anew."""

    reader: str | None
    label: str
    serial: str
    writing: bool = False


class Login(_Message, frozen=True, kw_only=True):
    """C_Login with the code that comes with it, or with none of a protected authentication path (at the pad)."""

    user: int
    at_pad: bool = False


class SetPin(_Message, frozen=True, kw_only=True):
    """C_SetPIN with the present and the new code that come with it, or at the pad."""

    at_pad: bool = False


class InitPin(_Message, frozen=True, kw_only=True):
    """C_InitPIN with the new code that comes with it, or at the pad."""

    at_pad: bool = False


class Sign(_Message, frozen=True, kw_only=True):
    """Sign `data` with the private key of this CKA_ID behind the open session. `hash_name` and `salt` are of PSS."""

    key: bytes
    mechanism: int
    data: bytes
    hash_name: str | None = None
    salt: int = 0


class Logout(_Message, frozen=True, kw_only=True):
    """C_Logout, and close the session."""


class Finish(_Message, frozen=True, kw_only=True):
    """C_Finalize: the operation is over. There is no answer to this."""


class Token(_Message, frozen=True, kw_only=True):
    """One token, as C_GetTokenInfo tells it now. Lengths of the PIN in bytes."""

    slot: int
    label: str
    serial: str
    manufacturer: str
    model: str
    flags: int
    min_length: int
    max_length: int


class Certificate(_Message, frozen=True, kw_only=True):
    """One X.509 certificate object."""

    id: bytes
    label: str
    der: bytes


class Done(_Message, frozen=True, kw_only=True):
    """It was done."""


class Closed(_Message, frozen=True, kw_only=True):
    """No session is open any more. `logged_out`: the module was told to take a login back, and says that it did."""

    logged_out: bool


class Tokens(_Message, frozen=True, kw_only=True):
    """The tokens there are."""

    tokens: list[Token]


class Objects(_Message, frozen=True, kw_only=True):
    """The objects of one token: certificates, and the ids of public and private keys."""

    certificates: list[Certificate]
    keys: list[bytes]


class MechanismList(_Message, frozen=True, kw_only=True):
    """The mechanisms of one token."""

    mechanisms: list[int]


class Signature(_Message, frozen=True, kw_only=True):
    """A signature as the module gives it."""

    value: bytes


class Refused(_Message, frozen=True, kw_only=True):
    """The module refused: the function's name, and what it returned (None: not a number that came from the module)."""

    call: str
    rv: int | None = None
    why: str = ""


Request = Begin | Look | Read | Mechanisms | Open | Login | SetPin | InitPin | Sign | Logout | Finish
Reply = Done | Closed | Tokens | Objects | MechanismList | Signature | Token | Refused

_requests = msgspec.msgpack.Decoder(tuple[float, Request])
_replies = msgspec.msgpack.Decoder(Reply)


def send_request(wire: socket.socket, request: Request, seconds: float, codes: Sequence[Secret] = ()) -> None:
    """Send a request that has to be answered within `seconds`, with its codes. Raises ClosedError, LateError."""
    _send(wire, msgspec.msgpack.encode((seconds, request)), codes, time.monotonic() + seconds)


def receive_request(wire: socket.socket, idle: float) -> tuple[float, Request, list[Secret]]:
    """Wait at most `idle` seconds for a request; return its seconds and its codes too. Raises WireError."""
    message, codes = _receive(wire, time.monotonic() + idle)
    try:
        seconds, request = _requests.decode(message)
    except msgspec.MsgspecError as error:
        raise WireError("a request that is none") from error
    return seconds, request, codes


def send_reply(wire: socket.socket, reply: Reply) -> None:
    """Send a reply. Raises ClosedError."""
    _send(wire, msgspec.msgpack.encode(reply), (), None)


def receive_reply(wire: socket.socket, deadline: float) -> Reply:
    """Wait until `deadline` (monotonic) for a reply. Raises WireError."""
    message, codes = _receive(wire, deadline)
    if codes:
        raise WireError("an answer with codes in it")
    try:
        reply: Reply = _replies.decode(message)
    except msgspec.MsgspecError as error:
        raise WireError("an answer that is none") from error
    return reply


def _send(wire: socket.socket, message: bytes, codes: Sequence[Secret], deadline: float | None) -> None:
    if len(message) > MAX_FRAME:
        raise WireError("a message that is too long")
    frame = bytearray(_LENGTH + 1 + len(message) + sum(1 + len(code) for code in codes))
    try:
        frame[:_LENGTH] = len(message).to_bytes(_LENGTH, "big")
        frame[_LENGTH] = len(codes)
        at = _LENGTH + 1 + len(message)
        frame[_LENGTH + 1 : at] = message
        for code in codes:
            frame[at] = len(code)
            frame[at + 1 : at + 1 + len(code)] = code.reveal()
            at += 1 + len(code)
        with memoryview(frame) as rest:
            _send_all(wire, rest, deadline)
    finally:
        frame[:] = bytes(len(frame))


def _send_all(wire: socket.socket, rest: memoryview, deadline: float | None) -> None:
    sent = 0
    while sent < len(rest):
        _wait(wire, select.POLLOUT, deadline)
        try:
            sent += wire.send(rest[sent:], socket.MSG_NOSIGNAL | socket.MSG_DONTWAIT)
        except BlockingIOError:
            continue
        except OSError as error:
            raise ClosedError("the other side has gone") from error


def _receive(wire: socket.socket, deadline: float) -> tuple[bytearray, list[Secret]]:
    head = _exactly(wire, _LENGTH + 1, deadline)
    length, count = int.from_bytes(head[:_LENGTH], "big"), head[_LENGTH]
    if length > MAX_FRAME or count > _MAX_CODES:
        raise WireError("a message that is too long")
    message = _exactly(wire, length, deadline)
    codes: list[Secret] = []
    try:
        for _ in range(count):
            (size,) = _exactly(wire, 1, deadline)
            raw = _exactly(wire, size, deadline)
            codes.append(Secret(raw))
            raw[:] = bytes(size)
    except BaseException:
        for code in codes:
            code.wipe()
        raise
    return message, codes


def _exactly(wire: socket.socket, count: int, deadline: float) -> bytearray:
    whole = bytearray(count)
    got = 0
    with memoryview(whole) as rest:
        while got < count:
            _wait(wire, select.POLLIN, deadline)
            try:
                received = wire.recv_into(rest[got:], 0, socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue
            except OSError as error:
                raise ClosedError("the other side has gone") from error
            if received == 0:
                raise ClosedError("the other side has gone")
            got += received
    return whole


def _wait(wire: socket.socket, what: int, deadline: float | None) -> None:
    """Wait until the wire is ready for `what`. Raises LateError at the deadline (monotonic)."""
    waiting = select.poll()
    waiting.register(wire, what)
    left = None if deadline is None else max(deadline - time.monotonic(), 0) * 1000
    if not waiting.poll(left):
        raise LateError("nothing came in time")
