"""The client for programs with asyncio: no thread, and the loop never blocks."""

import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar, Unpack

from sithsd.api.wire import ListCall, ReaderCall
from sithsd.client import orders
from sithsd.client.line import Line
from sithsd.client.model import Authentication, Certificates, Change, Codes, Picture, Signature, Validity
from sithsd.locations import CARDS_SOCKET, CODES_SOCKET, runtime_dir

R = TypeVar("R", bound=Signature)
T = TypeVar("T")


class AsyncClient:
    """The same as `sithsd.client.Client`, with methods to be awaited; several calls may go on at once.

    A call that is cancelled is given up by the daemon too if it has not begun with the card; once it has, it may have
    used a try.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self._folder = runtime_dir(folder)

    async def readers(self, *, unmasked: bool = False) -> Picture:
        """Return all readers and what is in them, from the daemon's memory."""
        return await self._ask("List", ListCall(unmasked=unmasked or None), Picture)

    async def watch(self, *, unmasked: bool = False) -> AsyncIterator[Change]:
        """Yield the state, then each change as it happens; see `Client.watch`.

        Whoever leaves the loop early has the connection closed when the iterator is (`contextlib.aclosing`).
        """
        call = ListCall(unmasked=unmasked or None)
        async with Line(self._cards) as line:
            changes = line.stream(f"{CARDS_SOCKET}.Monitor", call, Change, patience=orders.PATIENCE)
            async with aclosing(changes):
                async for change in changes:
                    yield change

    async def certificates(self, reader: str | None = None, *, unmasked: bool = False) -> Certificates:
        """Return the certificates of the card in a reader, with their bytes; without a name, of the only card."""
        return await self._ask("GetCertificates", ReaderCall(reader=reader, unmasked=unmasked or None), Certificates)

    async def validity(self, reader: str | None = None, *, unmasked: bool = False) -> Validity:
        """Return the same without the bytes, the verdicts made at this moment, and what the holder has to do."""
        return await self._ask("GetValidity", ReaderCall(reader=reader, unmasked=unmasked or None), Validity)

    async def codes(self, reader: str | None = None) -> Codes:
        """Return the state of the codes, read from the card now. No try is used."""
        return await self._ask("GetCodes", ReaderCall(reader=reader), Codes)

    async def authenticate(
        self, challenge: bytes | None = None, *, description: str | None = None, **options: Unpack[orders.Options]
    ) -> Authentication:
        """Have the card prove itself; see `Client.authenticate`."""
        return await self._order(orders.authentication(challenge, description, options))

    async def sign(self, digest: bytes, description: str, **options: Unpack[orders.Options]) -> Signature:
        """Have the card sign a hash; see `Client.sign`."""
        return await self._order(orders.signing(digest, description, options))

    @property
    def _cards(self) -> Path:
        return self._folder / CARDS_SOCKET

    async def _ask(self, method: str, call: ListCall | ReaderCall, reply_type: type[T]) -> T:
        async with Line(self._cards) as line:
            return await line.call(f"{CARDS_SOCKET}.{method}", call, reply_type, patience=orders.PATIENCE)

    async def _order(self, order: orders.Order[R]) -> R:
        with order:
            async with Line(self._folder / CODES_SOCKET) as line:
                reply = await line.call(order.method, order.call, order.reply_type, patience=order.patience)
            return order.checked(reply)
