"""The files of what is signed: a challenge, a file and its hash, and the signature."""

import errno
import hashlib
import os
import stat
from dataclasses import dataclass

from sithsd.cli.failure import CommandError, parameters
from sithsd.errors import ErrorCode

LONGEST_CHALLENGE = 32768
SHORTEST_CHALLENGE = 16
_PIECE = 1024 * 1024
_STDIN = 0


@dataclass(frozen=True)
class Hashed:
    """A file's name without its folders, its size in bytes, and its hash."""

    name: str
    size: int
    digest: bytes


def read_challenge(path: str) -> bytes:
    """Return the bytes of a file, or of standard input for "-". A CommandError for more or fewer than can be signed."""
    try:
        descriptor = _STDIN if path == "-" else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", closefd=descriptor != _STDIN) as file:
            challenge = file.read(LONGEST_CHALLENGE + 1)
    except OSError as error:
        raise _unfit("usage-bad-challenge", f"the challenge: {error.strerror}") from error
    if not SHORTEST_CHALLENGE <= len(challenge) <= LONGEST_CHALLENGE:
        raise _unfit("usage-bad-challenge", "the challenge is too long or too short")
    return challenge


def hash_file(path: str, hash_name: str) -> Hashed:
    """Return the hash of an ordinary file, read in pieces. A CommandError for one that can't be read."""
    try:
        # Without waiting: a pipe that nobody writes to is refused, too.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _unfit("usage-bad-file", "the file is no ordinary one")
            digest, size = hashlib.new(hash_name), 0
            while piece := file.read(_PIECE):
                digest.update(piece)
                size += len(piece)
    except OSError as error:
        raise _unfit("usage-bad-file", f"the file: {error.strerror}") from error
    return Hashed(os.path.basename(path), size, digest.digest())  # noqa: PTH119 - the name as it was given, unresolved


def check_target(path: str, *, force: bool) -> None:
    """Return if a file could be written, so that no PIN is asked for in vain; else a CommandError."""
    folder = os.path.dirname(path) or "."  # noqa: PTH120 - as above
    if os.path.lexists(path) and not force:
        raise _no_target(os.strerror(errno.EEXIST))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _no_target(os.strerror(errno.EACCES))


def write_signature(path: str, signature: bytes, *, force: bool) -> None:
    """Write a signature into a file, which must not be there yet unless `force` is said; else a CommandError."""
    how = os.O_TRUNC if force else os.O_EXCL
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            file.write(signature)
    except OSError as error:
        raise _no_target(str(error.strerror)) from error


def _no_target(why: str) -> CommandError:
    return _unfit("usage-bad-out", f"the file for the signature: {why}")


def _unfit(key: str, detail: str) -> CommandError:
    return CommandError(parameters(ErrorCode.REQUEST_INVALID, detail), key=key)
