"""Pseudonyms of cards, by a key that never leaves the machine unless somebody copies it.

Desks of one site that shall count a card once get the same key: 32 bytes, copied by hand.
"""

import hashlib
import hmac
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from sithsd.sightings.model import PSEUDONYM_LENGTH

KEY_FILE = "sightings.key"
_KEY_BYTES = 32
_MODE = 0o600


class KeyFileError(Exception):
    """The key can't be used; the message says why."""


class Pseudonyms:
    """Makes pseudonyms: HMAC-SHA-256 (RFC 2104) of a card's serial number, cut to 128 bits."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def open(cls, path: Path) -> "Pseudonyms":
        """Return those of the key in `path`, made if there is none. Raises KeyFileError and OSError."""
        with suppress(FileExistsError):
            _make(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid() or stat.S_IMODE(facts.st_mode) & 0o077:
                raise KeyFileError("the key has to be the daemon's own, readable by it alone")
            key = file.read(_KEY_BYTES + 1)
        if len(key) != _KEY_BYTES:
            raise KeyFileError(f"the key has not {_KEY_BYTES} bytes")
        return cls(key)

    def of(self, serial: str) -> str:
        """Return the pseudonym of the card with this serial number."""
        digest = hmac.new(self._key, b"sithsd sighting\n" + serial.casefold().encode(), hashlib.sha256)
        return digest.hexdigest()[:PSEUDONYM_LENGTH]


def _make(path: Path) -> None:
    """Write a new key beside its place, then put it there whole; FileExistsError where another one is."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path)
    finally:
        beside.unlink()
