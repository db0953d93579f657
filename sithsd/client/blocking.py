"""The client for programs without asyncio."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar, Unpack

from sithsd.api.client import Client as Connection
from sithsd.api.wire import ListCall, ReaderCall
from sithsd.client import orders
from sithsd.client.model import Authentication, Certificates, Change, Codes, Picture, Signature, Validity
from sithsd.locations import CARDS_SOCKET, CODES_SOCKET, runtime_dir

R = TypeVar("R", bound=Signature)
T = TypeVar("T")


class Client:
    """The daemon whose sockets are in `folder` (None: $RUNTIME_DIRECTORY, else /run/sithsd).

    Each call has a connection of its own, so there is nothing to close, and threads may share a client. Every error is
    a SithsdError: see `sithsd.client`.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self._folder = runtime_dir(folder)

    def readers(self, *, unmasked: bool = False) -> Picture:
        """Return all readers and what is in them, from the daemon's memory.

        `unmasked` asks for personal identity numbers in full, which few users may have.
        """
        return self._ask("List", ListCall(unmasked=unmasked or None), Picture)

    def watch(self, *, unmasked: bool = False) -> Iterator[Change]:
        """Yield the state, then each change as it happens, until the loop is left.

        Each is the whole picture, so that one may be missed. Raises daemon.unavailable when the daemon ends.
        """
        with Connection(self._cards, timeout=orders.PATIENCE) as connection:
            yield from connection.stream(f"{CARDS_SOCKET}.Monitor", ListCall(unmasked=unmasked or None), Change)

    def certificates(self, reader: str | None = None, *, unmasked: bool = False) -> Certificates:
        """Return the certificates of the card in a reader, with their bytes; without a name, of the only card."""
        return self._ask("GetCertificates", ReaderCall(reader=reader, unmasked=unmasked or None), Certificates)

    def validity(self, reader: str | None = None, *, unmasked: bool = False) -> Validity:
        """Return the same without the bytes, the verdicts made at this moment, and what the holder has to do."""
        return self._ask("GetValidity", ReaderCall(reader=reader, unmasked=unmasked or None), Validity)

    def codes(self, reader: str | None = None) -> Codes:
        """Return the state of the codes, read from the card now. No try is used."""
        return self._ask("GetCodes", ReaderCall(reader=reader), Codes)

    def authenticate(
        self, challenge: bytes | None = None, *, description: str | None = None, **options: Unpack[orders.Options]
    ) -> Authentication:
        """Have the card in a reader prove itself: with its PIN it signs `challenge`, or a fresh nonce.

        A challenge has 16 to 32768 bytes. The reply has been checked here: it is of this challenge, by the key of the
        certificate in it, which is as good as `require` says. `description` is for the audit. `options`: see `Options`.
        """
        return self._order(orders.authentication(challenge, description, options))

    def sign(self, digest: bytes, description: str, **options: Unpack[orders.Options]) -> Signature:
        """Have the card sign a hash with its signature key, whose PIN is needed each time.

        `description` (1 to 200 printable characters) is what is signed, as the person was shown it: it goes into the
        audit with the hash. The reply has been checked here as that of `authenticate`.
        """
        return self._order(orders.signing(digest, description, options))

    @property
    def _cards(self) -> Path:
        return self._folder / CARDS_SOCKET

    def _ask(self, method: str, call: ListCall | ReaderCall, reply_type: type[T]) -> T:
        with Connection(self._cards, timeout=orders.PATIENCE) as connection:
            return connection.call(f"{CARDS_SOCKET}.{method}", call, reply_type)

    def _order(self, order: orders.Order[R]) -> R:
        with order, Connection(self._folder / CODES_SOCKET, timeout=order.patience) as connection:
            return order.checked(connection.call(order.method, order.call, order.reply_type))
