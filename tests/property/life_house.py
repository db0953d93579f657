"""A daemon in miniature for the life of codes: the real API server, session, guard, audit and reader threads.

Below them a PC/SC in memory with simulated cards in it, and an adversary's hands on both. What is fake is PC/SC alone,
and the judge of certificates, which has no part in codes.
"""

import asyncio
import hashlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from card_bench import TODAY, Bench, card, registry

from sithsd.api.code_methods import Codes
from sithsd.api.methods import Cards
from sithsd.api.rights import Rights
from sithsd.api.server import Server
from sithsd.audit.log import AuditLog
from sithsd.card.known import KnownCards
from sithsd.card.profile import Counter
from sithsd.clock import FixedClock
from sithsd.iso7816 import atr as answer_to_reset
from sithsd.policy import rights as rights_file
from sithsd.policy.model import Policy
from sithsd.reader import scard
from sithsd.reader.monitor import CardInserted, CardRemoved, ReaderAdded, ServiceUp
from sithsd.reader.worker import ReaderWorker
from sithsd.session.adviser import Adviser
from sithsd.session.board import Board
from sithsd.session.budget import Budget
from sithsd.session.code_desk import CodeDesk, DeskTools
from sithsd.session.ledger import Ledger
from sithsd.session.model import ReaderStatus
from sithsd.session.notices import Herald
from sithsd.session.readers import Readers
from sithsd.session.tools import Tools
from sithsd.session.verdicts import Verdicts
from sithsd.validity.calendar import Calendar
from sithsd.validity.calendar.freezes import shipped
from sithsd.validity.judge import Assessment, Judge
from sithsd.values import Role, Status, Verdict

READER = "A reader 00"
PATIENCE = 0.1
_LONG = 30.0
LONG_KEPT = 3600.0
_CODE_INSTRUCTIONS = {0x20, 0x24, 0x2C}


def quick_digest(code: bytes, salt: bytes) -> bytes:
    """Stand in for the chip's slow hash: here no secret is kept, and there are thousands of comparisons."""
    return hashlib.sha256(salt + code).digest()


@dataclass
class Seen:
    """A code that a chip got from the daemon: by which command, and the counters before and after."""

    ins: int
    data: bytes
    before: dict[Role, int]
    after: dict[Role, int] = field(default_factory=dict)


@dataclass
class Trap:
    """What the adversary does at the daemon's next commands, before or after one of them.

    It is the one with the number `commands`; None is for the next one that carries a code.
    """

    commands: int | None
    after: bool
    act: Callable[[], None]


class Hardware:
    """One reader as PC/SC has it, and everything that daemon and adversary do with it. A PC/SC context, too."""

    def __init__(self) -> None:
        self.bench: Bench | None = None
        self.removals = 0
        self.events = 0
        self.held = threading.Lock()
        self.codes: list[Seen] = []
        self.commands = 0
        self.trap: Trap | None = None

    def connect(self, _reader: str) -> "Handle":
        """Connect to the card that is there."""
        if self.bench is None:
            raise scard.PcscError(scard.NO_SMARTCARD, "SCardConnect")
        return Handle(self, self.bench)

    def release(self) -> None:
        """Close the context."""

    def put(self, bench: Bench) -> None:
        """Put a card in; nobody is told yet."""
        bench.channel.insert()
        self.bench = bench

    def pull(self) -> None:
        """Take the card out; nobody is told yet."""
        self.removals += 1
        bench, self.bench = self.bench, None
        if bench is not None:
            bench.channel.remove()

    def spring(self, *, after: bool, code: bool) -> None:
        """Let the adversary act, if this is the moment."""
        trap = self.trap
        if trap is None or trap.after is not after:
            return
        if code if trap.commands is None else self.commands >= trap.commands:
            self.trap = None
            trap.act()


class Handle:
    """The daemon's connection to one card, of no use once that card was taken out."""

    def __init__(self, hardware: Hardware, bench: Bench) -> None:
        self._hardware = hardware
        self._bench = bench
        self._removals = hardware.removals
        self.protocol = answer_to_reset.parse(bench.channel.atr).protocols[0]

    def _check(self, call: str) -> None:
        if self._hardware.removals != self._removals:
            raise scard.PcscError(scard.REMOVED_CARD, call)

    def atr(self) -> bytes:
        """Return the answer to reset."""
        self._check("SCardStatus")
        return self._bench.channel.atr

    def begin_transaction(self) -> None:
        """Take the card."""
        self._hardware.held.acquire()

    def transmit(self, command: bytes | bytearray) -> bytes:
        """Send a command; the adversary may act before and after it."""
        hardware, octets = self._hardware, bytes(command)
        code = octets[1] in _CODE_INSTRUCTIONS and len(octets) > 5
        hardware.commands += 1
        hardware.spring(after=False, code=code)
        self._check("SCardTransmit")
        seen = None
        if code:
            seen = Seen(octets[1], octets[5:], self._bench.tries())
            hardware.codes.append(seen)
        data, status_word = self._bench.channel.transmit(octets)
        if seen is not None:
            seen.after = self._bench.tries()
        hardware.spring(after=True, code=code)
        self._check("SCardTransmit")
        return data + status_word.to_bytes(2, "big")

    def control(self, _code: int, _data: bytes | bytearray = b"") -> bytes:
        """Have no features: the reader has no pad."""
        raise scard.PcscError(scard.UNSUPPORTED_FEATURE, "SCardControl")

    def end_transaction(self, disposition: int) -> None:
        """Let the card go."""
        try:
            self._check("SCardEndTransaction")
            if disposition == scard.RESET_CARD_ON_RELEASE:
                self._bench.channel.reset()
        finally:
            self._hardware.held.release()

    def disconnect(self, _disposition: int) -> None:
        """Close the connection."""


class BlindJudge(Judge):
    """Judges nothing: validity has no part in this."""

    def __init__(self) -> None:
        """Know no anchors."""

    def judge(self, *_: object, **__: object) -> Assessment:
        """Say that it is not known."""
        return Assessment(Verdict(Status.UNKNOWN, ("revocation.notChecked",)), (), None, None, TODAY)


class NoAlarm:
    """Is never asked to ring: these verdicts do not change with time."""

    async def wait_until(self, moment: datetime) -> None:
        """Fail."""
        raise AssertionError(moment)


class Wire:
    """A client at one of the daemon's sockets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, method: str, parameters: dict[str, Any]) -> None:
        """Send a call."""
        self._writer.write(msgspec.json.encode({"method": method, "parameters": parameters}) + b"\0")
        await self._writer.drain()

    async def receive(self) -> dict[str, Any]:
        """Wait for the answer; return its parameters."""
        async with asyncio.timeout(_LONG):
            answer = msgspec.json.decode((await self._reader.readuntil(b"\0"))[:-1])
        parameters: dict[str, Any] = answer["parameters"]
        return parameters

    def die(self) -> None:
        """Go away without a word."""
        self._writer.transport.abort()


class LifeHouse:
    """The daemon and its one reader. `blind`: the cards' profile knows no way to read a counter."""

    def __init__(self, folder: Path, policy: Policy, *, blind: bool) -> None:
        self.hardware = Hardware()
        self.clock = FixedClock(TODAY)
        self.seconds = 0.0
        self.folder = folder
        self.policy = policy
        self.cards: dict[str, Bench] = {}
        self._registry = registry(counter=Counter.UNKNOWN if blind else None)

    async def open(self) -> None:
        """Start the daemon."""
        self.audit = AuditLog(self.folder / "audit.sqlite", self.clock)
        self.audit.prepare()
        self.board = Board()
        ledger = Ledger(self.audit)
        self.ledger = ledger
        herald = Herald(self.board, self.clock, ledger.note)
        verdicts = Verdicts(BlindJudge(), self.clock)
        adviser = Adviser(Calendar(shipped()), TODAY)
        known = KnownCards(LONG_KEPT, lambda _: True)
        tools = Tools(
            *(self._registry, verdicts, NoAlarm(), self.clock, self.board, herald, adviser),
            patience=PATIENCE,
            known=known,
        )
        self.readers = Readers(tools, self._worker)
        budget = Budget(self.policy.budget, lambda: self.seconds)
        self.desk = CodeDesk(self.readers, DeskTools(self.policy, budget, ledger, self.clock, verdicts))
        own_rights = self.folder / "rights.toml"
        own_rights.touch()
        rights = Rights.here(rights_file.load(own_rights))
        codes = Codes(self.readers, self.desk, rights, lambda _: "life")
        cards = Cards(self.board, self.readers, rights, verdicts, self.clock, adviser=adviser)
        self.socket = self.folder / "codes"
        self.socket.unlink(missing_ok=True)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.socket))
        self._listening.listen()
        self._listening.setblocking(False)
        self._others = socket.socket(socket.AF_UNIX)
        self._others.bind("")
        self._others.listen()
        self._others.setblocking(False)
        self.server = Server([(codes.interface(), self._listening), (cards.interface(), self._others)])
        await self.server.start()
        self.readers.on_event(ServiceUp())
        self.readers.on_event(ReaderAdded(READER))
        if self.hardware.bench is not None:
            await self.tell_inserted()

    async def close(self) -> None:
        """End the daemon in order, as the wiring does."""
        await self.server.stop()
        await self.desk.idle(_LONG)
        await self.readers.close()
        await self.ledger.close()
        self._listening.close()
        self._others.close()

    def _worker(self, reader: str) -> ReaderWorker:
        worker = ReaderWorker(reader, establish=lambda: self.hardware)
        worker.start()
        return worker

    async def connect(self) -> Wire:
        """Connect as a client."""
        return Wire(*await asyncio.open_unix_connection(self.socket))

    def card(self, name: str) -> Bench:
        """Return one of the cards of this life; made when it is first asked for."""
        if name not in self.cards:
            self.cards[name] = Bench(card(name))
            self.cards[name].channel.remove()
        return self.cards[name]

    async def tell_inserted(self) -> None:
        """Let the monitor tell that a card came, and wait until it was read or could not be."""
        self.hardware.events += 1
        assert self.hardware.bench is not None
        self.readers.on_event(CardInserted(READER, self.hardware.bench.channel.atr, self.hardware.events))
        await self.settle()

    async def tell_removed(self) -> None:
        """Let the monitor tell that the card went."""
        self.hardware.events += 1
        self.readers.on_event(CardRemoved(READER, self.hardware.events))

    async def settle(self) -> None:
        """Wait until nothing is under way: no operation, no reading."""
        await self.desk.idle(_LONG)
        watching = self.board.watch()
        try:
            async with asyncio.timeout(_LONG):
                async for picture in watching:
                    if all(view.status is not ReaderStatus.READING for view in picture.readers):
                        break
        finally:
            await watching.aclose()
        await self.desk.idle(_LONG)
