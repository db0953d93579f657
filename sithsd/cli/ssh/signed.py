"""What somebody wants to have signed. Pure.

A key that signs arbitrary bytes signs whatever these bytes mean elsewhere: a log-in at a service that uses the same
certificate, say. So nothing is signed but the two things that ssh's programs ask for, and each can be told to a person.
They can't be mistaken for one another: the first begins with a length that is small, the second with a magic number.
"""

from dataclasses import dataclass

from sithsd.cli.ssh.packing import MalformedError, Unpacker

_USERAUTH_REQUEST = 50
_SERVICE = "ssh-connection"
_METHOD, _BOUND_METHOD = "publickey", "publickey-hostbound-v00@openssh.com"
# A session's identifier is the hash of its first key exchange (RFC 4253, 7.2): SHA-1 to SHA-512.
_SESSION_LENGTHS = range(20, 65)
_MAGIC = b"SSHSIG"
_HASHES = {"sha256": 32, "sha512": 64}
# Of names that are shown to a person; no system has longer ones.
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class LogIn:
    """A log-in as `user` by public key (RFC 4252, 7), in the session with this identifier.

    `algorithm` and `key` are those that the signature is to be made with. `host_key` is the blob of the host's key
    where the method says it (OpenSSH's PROTOCOL, 3.1).
    """

    session: bytes
    user: str
    algorithm: str
    key: bytes
    host_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that is kept (OpenSSH's PROTOCOL.sshsig, 2), over a hash, to be valid for the use `namespace`."""

    namespace: str


def meaning(data: bytes) -> LogIn | Signature | None:
    """Return what `data` means, None where it is neither."""
    try:
        return _signature(data) if data.startswith(_MAGIC) else _log_in(data)
    except MalformedError:
        return None


def _log_in(data: bytes) -> LogIn | None:
    given = Unpacker(data)
    session = given.string()
    if len(session) not in _SESSION_LENGTHS or given.byte() != _USERAUTH_REQUEST:
        return None
    user, service, method, signed = given.text(), given.text(), given.text(), given.boolean()
    if service != _SERVICE or method not in {_METHOD, _BOUND_METHOD} or not signed or len(user) > _LONGEST_NAME:
        return None
    algorithm, key = given.text(), given.string()
    host_key = given.string() if method == _BOUND_METHOD else None
    given.end()
    return LogIn(session, user, algorithm, key, host_key)


def _signature(data: bytes) -> Signature | None:
    given = Unpacker(data[len(_MAGIC) :])
    namespace, reserved, name, digest = given.text(), given.string(), given.text(), given.string()
    given.end()
    if not 0 < len(namespace) <= _LONGEST_NAME or reserved or len(digest) != _HASHES.get(name):
        return None
    return Signature(namespace)
