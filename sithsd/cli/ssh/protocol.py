"""The agent protocol (draft-miller-ssh-agent; OpenSSH's PROTOCOL.agent): messages in, answers out. Pure and total.

What is not known here, and everything that would add, remove or lock keys, is `Unsupported`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sithsd.cli.ssh.packing import MalformedError, Unpacker, string, uint32

# The longest message, in both directions, without its length. What is signed may have 32768 bytes at most (the daemon's
# bound), and a key or a host's certificate is far shorter than the rest of this.
MESSAGE_BYTES = 64 * 1024
LENGTH_BYTES = 4

# Draft, 6.1 (the agent's numbers). OpenSSH ends with 28 an extension that it knows and that failed.
_FAILURE, _SUCCESS, _EXTENSION_FAILURE = 5, 6, 28
_REQUEST_IDENTITIES, _IDENTITIES_ANSWER = 11, 12
_SIGN_REQUEST, _SIGN_RESPONSE = 13, 14
_EXTENSION = 27
_SESSION_BIND = "session-bind@openssh.com"

FAILURE = bytes([_FAILURE])
SUCCESS = bytes([_SUCCESS])
EXTENSION_FAILURE = bytes([_EXTENSION_FAILURE])


@dataclass(frozen=True, slots=True)
class ListRequest:
    """Which keys are there (draft, 4.4)."""


@dataclass(frozen=True, slots=True)
class SignRequest:
    """Sign `data` with the private key of `key`, a public key's blob (draft, 4.5)."""

    key: bytes
    data: bytes
    flags: int


@dataclass(frozen=True, slots=True)
class BindRequest:
    """This connection serves the session with the host of this key, which has signed it (PROTOCOL.agent, 1).

    `forwarding`: not ssh itself asks from now on, but the other end, to which the connection is forwarded.
    """

    host_key: bytes
    session: bytes
    signature: bytes
    forwarding: bool


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Anything else, by its number."""

    number: int


Request = ListRequest | SignRequest | BindRequest | Unsupported


def parse(message: bytes) -> Request:
    """Return what a message (without its length) asks for; MalformedError where it is none."""
    given = Unpacker(message)
    number = given.byte()
    request: Request
    if number == _REQUEST_IDENTITIES:
        request = ListRequest()
    elif number == _SIGN_REQUEST:
        request = SignRequest(key=given.string(), data=given.string(), flags=given.uint32())
    elif number == _EXTENSION and given.string() == _SESSION_BIND.encode():
        request = BindRequest(
            host_key=given.string(), session=given.string(), signature=given.string(), forwarding=given.boolean()
        )
    else:
        return Unsupported(number)
    given.end()
    return request


def length_of(header: bytes) -> int:
    """Return the length of the message that follows; MalformedError where it is zero or over the bound."""
    length = Unpacker(header).uint32()
    if not 0 < length <= MESSAGE_BYTES:
        raise MalformedError("a length out of bounds")
    return length


def framed(message: bytes) -> bytes:
    """Return a message with its length before it."""
    return string(message)


def identities_answer(keys: Iterable[tuple[bytes, str]]) -> bytes:
    """Return the answer to ListRequest: blobs of public keys and their comments, as many as fit."""
    packed, length = list[bytes](), 1 + LENGTH_BYTES
    for blob, comment in keys:
        one = string(blob) + string(comment.encode())
        length += len(one)
        if length > MESSAGE_BYTES:
            break
        packed.append(one)
    return bytes([_IDENTITIES_ANSWER]) + uint32(len(packed)) + b"".join(packed)


def sign_response(signature: bytes) -> bytes:
    """Return the answer to SignRequest: a signature's blob."""
    return bytes([_SIGN_RESPONSE]) + string(signature)
