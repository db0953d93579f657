"""A house of readers: the real worker threads and the session room, over simulated cards and a PC/SC in memory."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from card_bench import TODAY, Bench, card, registry, shelf

from sithsd.clock import FixedClock
from sithsd.daemon import config
from sithsd.errors import SithsdError
from sithsd.iso7816 import atr as answer_to_reset
from sithsd.reader import scard
from sithsd.reader.monitor import CardInserted, CardMute, CardRemoved, ReaderAdded, ReaderRemoved, ServiceUp
from sithsd.reader.worker import ReaderWorker
from sithsd.session.board import Board
from sithsd.session.model import Picture, ReaderStatus, ReaderView
from sithsd.session.readers import Readers
from sithsd.session.slot import Slot, Tools
from sithsd.validity.judge import Judge

LONG = 20.0
READER = "A reader 00"


class Socket:
    """What PC/SC has of one reader: a card or none, who holds it, and what goes over the contacts. A context, too."""

    def __init__(self) -> None:
        self.bench: Bench | None = None
        self.removals = 0
        self.held = threading.Lock()
        self.sent: list[tuple[int, int]] = []
        self.resets = 0
        self.before: Callable[[bytes], None] = lambda _: None

    def connect(self, _reader: str) -> "Handle":
        """Connect to the card that is there."""
        if self.bench is None:
            raise scard.PcscError(scard.NO_SMARTCARD, "SCardConnect")
        return Handle(self, self.bench)

    def release(self) -> None:
        """Close the context."""

    @property
    def codes_sent(self) -> list[int]:
        """The instructions that carried a code."""
        return [ins for ins, length in self.sent if ins in {0x20, 0x24, 0x2C} and length]


class Handle:
    """A connection to one card, of no use once that card was taken out."""

    def __init__(self, socket: Socket, bench: Bench) -> None:
        self._socket = socket
        self._bench = bench
        self._removals = socket.removals
        self.protocol = answer_to_reset.parse(bench.channel.atr).protocols[0]

    def _check(self, call: str) -> None:
        if self._socket.removals != self._removals:
            raise scard.PcscError(scard.REMOVED_CARD, call)

    def atr(self) -> bytes:
        """Return the answer to reset."""
        self._check("SCardStatus")
        return self._bench.channel.atr

    def begin_transaction(self) -> None:
        """Take the card."""
        self._socket.held.acquire()

    def transmit(self, command: bytes) -> bytes:
        """Send a command, after what the test does before it."""
        self._socket.before(command)
        self._check("SCardTransmit")
        self._socket.sent.append((command[1], max(len(command) - 5, 0)))
        data, status_word = self._bench.channel.transmit(command)
        return data + status_word.to_bytes(2, "big")

    def end_transaction(self, disposition: int) -> None:
        """Let the card go."""
        try:
            self._check("SCardEndTransaction")
            if disposition == scard.RESET_CARD_ON_RELEASE:
                self._socket.resets += 1
                self._bench.channel.reset()
        finally:
            self._socket.held.release()

    def disconnect(self, _disposition: int) -> None:
        """Close the connection."""


class House:
    """Readers on the table, and what the session room makes of them."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self.board: Board = tools.board
        self.sockets: dict[str, Socket] = {}
        self.readers = Readers(tools, self._worker)
        self.readers.on_event(ServiceUp())

    def _worker(self, reader: str) -> ReaderWorker:
        worker = ReaderWorker(reader, establish=lambda: self.sockets[reader])
        worker.start()
        return worker

    def plug(self, reader: str = READER) -> Socket:
        """Plug a reader in."""
        self.sockets[reader] = Socket()
        self.readers.on_event(ReaderAdded(reader))
        return self.sockets[reader]

    def unplug(self, reader: str = READER) -> None:
        """Unplug a reader."""
        if self.sockets[reader].bench is not None:
            self.remove(reader)
        self.readers.on_event(ReaderRemoved(reader))

    def insert(self, bench: Bench | str = "ordinary", reader: str = READER) -> Bench:
        """Put a card into a reader."""
        bench = Bench(card(bench)) if isinstance(bench, str) else bench
        bench.channel.insert()
        self.sockets[reader].bench = bench
        self.readers.on_event(CardInserted(reader, bench.channel.atr, 1))
        return bench

    def pull(self, reader: str = READER) -> None:
        """Take the card out, before anybody was told."""
        socket = self.sockets[reader]
        socket.removals += 1
        bench, socket.bench = socket.bench, None
        if bench is not None:
            bench.channel.remove()

    def remove(self, reader: str = READER) -> None:
        """Take the card out, and let it be known."""
        self.pull(reader)
        self.readers.on_event(CardRemoved(reader, 2))

    def mute(self, reader: str = READER) -> None:
        """Put in a card that does not answer."""
        self.readers.on_event(CardMute(reader, 1))

    def slot(self, reader: str = READER) -> Slot:
        """Return a reader's slot."""
        return self.readers.slot(reader)

    def view(self, reader: str = READER) -> ReaderView:
        """Return what the board shows of a reader."""
        view = self.board.reader(reader)
        assert view is not None
        return view

    async def until(self, true: Callable[[Picture], bool]) -> Picture:
        """Wait for a picture of which something is true."""
        watching = self.board.watch()
        try:
            async with asyncio.timeout(LONG):
                async for picture in watching:
                    if true(picture):
                        return picture
        finally:
            await watching.aclose()
        raise AssertionError

    async def status(self, status: ReaderStatus, reader: str = READER) -> ReaderView:
        """Wait until a reader has this status."""
        await self.until(lambda picture: any(view.name == reader and view.status is status for view in picture.readers))
        return self.view(reader)

    async def ready(self, bench: Bench | str = "ordinary", reader: str = READER) -> Bench:
        """Plug in a reader if it is not there, put a card in, and wait until it was read."""
        if reader not in self.sockets:
            self.plug(reader)
        inserted = self.insert(bench, reader)
        await self.status(ReaderStatus.READY, reader)
        return inserted


def make_judge() -> Judge:
    """Return a judge that trusts simulated cards."""
    card("ordinary")
    return Judge.from_settings(config.load(shelf().write_configuration()).validity)


@asynccontextmanager
async def open_house(judge: Judge, patience: float = LONG) -> AsyncIterator[House]:
    """Give a house without readers, and close it."""
    made = House(Tools(registry(), judge, FixedClock(TODAY), Board(), patience=patience))
    try:
        yield made
    finally:
        for socket in made.sockets.values():
            if socket.held.locked():
                socket.held.release()
        await made.readers.close()


async def refused(call: Awaitable[object]) -> SithsdError:
    """Return the error that a call ends with."""
    with pytest.raises(SithsdError) as error:
        async with asyncio.timeout(LONG):
            await call
    return error.value
