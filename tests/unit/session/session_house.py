"""A house of readers: the real worker threads, the session room and the audit, over simulated cards.

Below them is a PC/SC in memory.
"""

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from card_bench import NEW_PIN, PIN, PUK, TODAY, Bench, card, registry, shelf

from sithsd.audit.log import AuditLog
from sithsd.audit.model import Row
from sithsd.audit.reading import Wanted
from sithsd.audit.reading import rows as rows_of
from sithsd.card.guard import Word
from sithsd.card.known import KnownCards
from sithsd.certificate.read import Certificate
from sithsd.clock import FixedClock
from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816 import atr as answer_to_reset
from sithsd.policy import model as policies
from sithsd.policy.checklist import Answer
from sithsd.policy.model import Policy
from sithsd.reader import scard
from sithsd.reader.monitor import CardInserted, CardMute, CardRemoved, ReaderAdded, ReaderRemoved, ServiceUp
from sithsd.reader.worker import ReaderWorker
from sithsd.secret import Secret
from sithsd.service import config
from sithsd.session import code_desk, order_plan
from sithsd.session.adviser import Adviser
from sithsd.session.board import Board
from sithsd.session.budget import Budget
from sithsd.session.code_desk import CodeDesk, DeskTools
from sithsd.session.describe import may_be_kept
from sithsd.session.informant import Told
from sithsd.session.ledger import Ledger
from sithsd.session.model import Notice, Picture, ReaderStatus, ReaderView
from sithsd.session.notices import Herald
from sithsd.session.orders import ActivateOrder, Asker, ChangeOrder, Order, UnblockOrder, VerifyOrder
from sithsd.session.readers import Readers
from sithsd.session.slot import Slot
from sithsd.session.tools import Done, Tools
from sithsd.session.verdicts import PATIENCE, Verdicts
from sithsd.validity.calendar import Calendar, freezes
from sithsd.validity.judge import Judge
from sithsd.validity.revocation.model import Evidence, Failure, RevocationStatus, Source
from sithsd.values import Purpose, Role

LONG = 20.0
READER = "A reader 00"
# Its holder is at the desk in person, with everything that the shipped checklist asks for.
ASKER = Asker(uid=54322, pid=4242, program="a desk", desk=True)
HOLDER = Asker(uid=54323, pid=4243, program="a home", desk=False)
CHOSEN, ALSO_CHOSEN = b"739154", b"860427"
NOTHING_SAID = Word()


def answers(**other: Answer) -> dict[str, Answer]:
    """Return answers with which the shipped checklist is fulfilled, but for those given."""
    given: dict[str, Answer] = {
        "holderPresent": True,
        "idDocument": True,
        "orderDate": TODAY.date(),
        "responsibilityLetter": True,
        "paymentApplies": False,
    }
    return given | other


@cache
def shipped_policy() -> Policy:
    """Return the policy that comes with sithsd, whatever this machine has in /etc."""
    with tempfile.NamedTemporaryFile(suffix=".toml") as empty:
        return policies.load(Path(empty.name))


def policy_with(**tables: Mapping[str, object]) -> Policy:
    """Return the shipped policy with other values in some tables."""
    changed = {name: msgspec.structs.replace(getattr(shipped_policy(), name), **how) for name, how in tables.items()}
    return msgspec.structs.replace(shipped_policy(), **changed)


class Socket:
    """What PC/SC has of one reader: a card or none, who holds it, and what goes over the contacts. A context, too."""

    def __init__(self) -> None:
        self.bench: Bench | None = None
        self.removals = 0
        self.held = threading.Semaphore()
        self.sent: list[tuple[int, int]] = []
        self.resets = 0
        self.attributes: dict[int, bytes] = {}
        self.before: Callable[[bytes], None] = lambda _: None
        self.after: Callable[[bytes], None] = lambda _: None

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

    def transmit(self, command: bytes | bytearray) -> bytes:
        """Send a command, between what the test does before and after it."""
        octets = bytes(command)
        self._socket.before(octets)
        self._check("SCardTransmit")
        self._socket.sent.append((octets[1], max(len(octets) - 5, 0)))
        data, status_word = self._bench.channel.transmit(octets)
        self._socket.after(octets)
        self._check("SCardTransmit")
        return data + status_word.to_bytes(2, "big")

    def control(self, _code: int, _data: bytes | bytearray = b"") -> bytes:
        """Have no features: the reader has no PIN pad."""
        raise scard.PcscError(scard.UNSUPPORTED_FEATURE, "SCardControl")

    def attribute(self, code: int) -> bytes | None:
        """Tell what the test gave the reader to tell."""
        return self._socket.attributes.get(code)

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


class Alarm(FixedClock):
    """A clock that stands until it is set, and rings for those who wait for a moment. `waited_for` are their moments.

    As the machine's, it rings for everybody when it is set to another time than that which passes (`jump`).
    """

    def __init__(self, moment: datetime) -> None:
        self._waiting: list[tuple[datetime, asyncio.Future[None]]] = []
        self._more = asyncio.Event()
        super().__init__(moment)

    @property
    def waited_for(self) -> list[datetime]:
        """The moments that somebody waits for, in their order."""
        return sorted(moment for moment, bell in self._waiting if not bell.done())

    async def wait_until(self, moment: datetime) -> None:
        """Return when the clock is set to `moment` or later, or jumps."""
        bell = asyncio.get_running_loop().create_future()
        self._waiting.append((moment, bell))
        self._more.set()
        try:
            if moment > self.now():
                await bell
        finally:
            self._waiting.remove((moment, bell))

    async def next_wait(self) -> datetime:
        """Return the moment that is waited for next, once somebody waits."""
        async with asyncio.timeout(LONG):
            while not self.waited_for:
                self._more.clear()
                await self._more.wait()
        return self.waited_for[0]

    def set(self, moment: datetime) -> None:
        """Let time pass until `moment`."""
        super().set(moment)
        self._ring(lambda waited: waited <= self.now())

    def jump(self, moment: datetime) -> None:
        """Set the clock, as somebody does who finds it wrong."""
        super().set(moment)
        self._ring(lambda _: True)

    def _ring(self, due: Callable[[datetime], bool]) -> None:
        for waited, bell in self._waiting:
            if due(waited) and not bell.done():
                bell.set_result(None)


class Informant:
    """Whoever knows what is revoked. `answers` is what is told, by fingerprint; None: there is nobody to ask.

    `asked` are the questions: fingerprint, and whether a fresh answer was wanted. They wait for `go`.
    """

    def __init__(self) -> None:
        self.answers: Callable[[Certificate], Told | None] = lambda _: None
        self.asked: list[tuple[str, bool]] = []
        self.go = asyncio.Event()
        self.go.set()

    async def ask(
        self, certificate: Certificate, others: Sequence[Certificate], *, seconds: float, fresh: bool
    ) -> Told | None:
        """Answer as the test says."""
        assert seconds <= PATIENCE
        assert all(one.purpose is Purpose.ISSUER for one in others)
        self.asked.append((certificate.fingerprint, fresh))
        await self.go.wait()
        return self.answers(certificate)


KEPT_SECONDS = 3600.0


class House:
    """Readers on the table, what the session room makes of them, and the desk for codes.

    `holder` is the program that holds cards, `seconds` the clock of the budget and of what is kept of cards.
    """

    def __init__(self, judge: Judge, folder: Path, patience: float, policy: Policy, answer_seconds: float) -> None:
        self.alarm = self.clock = Alarm(TODAY)
        self.informant = Informant()
        self.holder: str | None = None
        self.seconds = 1000.0
        self.policy = policy
        self.board = Board()
        self.audit_file = folder / "audit.sqlite"
        self.audit = AuditLog(self.audit_file, self.clock)
        self.audit.prepare()
        self.ledger = Ledger(self.audit)
        self.herald = Herald(self.board, self.clock, self.ledger.note)
        self.verdicts = Verdicts(judge, self.clock, self.informant, monotonic=lambda: self.seconds)
        self.adviser = Adviser(Calendar(freezes.shipped()), judge.policy.plausible_from)
        self.tools = Tools(
            registry(),
            self.verdicts,
            self.alarm,
            self.clock,
            self.board,
            self.herald,
            self.adviser,
            patience=patience,
            answer_seconds=answer_seconds,
            who_holds=lambda: self.holder,
            known=KnownCards(KEPT_SECONDS, may_be_kept, tell_seconds=lambda: self.seconds),
        )
        self.sockets: dict[str, Socket] = {}
        self.readers = Readers(self.tools, self._worker)
        budget = Budget(policy.budget, lambda: self.seconds)
        self.desk = CodeDesk(self.readers, DeskTools(policy, budget, self.ledger, self.clock, self.verdicts))
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

    def swap_unseen(self, name: str, reader: str = READER) -> Bench:
        """Put another card into the place of the one that is there, and let nobody know."""
        self.pull(reader)
        bench = self.sockets[reader].bench = Bench(card(name))
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

    async def perform(self, order: Order, asker: Asker = ASKER, reader: str | None = READER) -> Done:
        """Carry out an order."""
        async with asyncio.timeout(LONG):
            return await self.desk.perform(reader, order, asker)

    async def verify(
        self,
        code: bytes = PIN,
        role: Role = Role.AUTHENTICATION,
        word: Word = NOTHING_SAID,
        *,
        serial: str | None = None,
        asker: Asker = ASKER,
    ) -> Done:
        """Give a PIN to the card."""
        return await self.perform(VerifyOrder(role, Secret(code), word, serial), asker)

    async def change(
        self,
        code: bytes = PIN,
        new: bytes = NEW_PIN,
        role: Role = Role.AUTHENTICATION,
        word: Word = NOTHING_SAID,
    ) -> Done:
        """Change a PIN."""
        return await self.perform(ChangeOrder(role, Secret(code), Secret(new), word))

    async def unblock(
        self,
        puk: bytes = PUK,
        new: bytes = NEW_PIN,
        role: Role = Role.AUTHENTICATION,
        word: Word = NOTHING_SAID,
        asker: Asker = ASKER,
    ) -> Done:
        """Unblock a PIN."""
        return await self.perform(UnblockOrder(role, Secret(puk), Secret(new), word), asker)

    async def activate(
        self,
        new: Mapping[Role, bytes] | None = None,
        puk: bytes | None = PUK,
        transport: Mapping[Role, bytes] | None = None,
        given: Mapping[str, Answer] | None = None,
        asker: Asker = ASKER,
    ) -> Done:
        """Give a new card the holder's PINs."""
        chosen = {Role.AUTHENTICATION: CHOSEN, Role.SIGNATURE: ALSO_CHOSEN} if new is None else new
        order = ActivateOrder(
            new_codes={role: Secret(code) for role, code in chosen.items()},
            puk=None if puk is None else Secret(puk),
            transport={role: Secret(code) for role, code in (transport or {}).items()},
            answers=answers() if given is None else given,
        )
        return await self.perform(order, asker)

    async def rows(self) -> list[Row]:
        """Return the audit's rows, when all those on their way are written."""
        await self.desk.idle(LONG)
        while self.ledger._writing:
            await asyncio.wait(self.ledger._writing)
        return await asyncio.to_thread(lambda: list(rows_of(self.audit_file, Wanted())))

    def notices(self) -> list[Notice]:
        """Return the notices on the board."""
        return list(self.board.picture.notices)

    def shown(self, reader: str = READER) -> dict[Role, int | None]:
        """Return the counters on the board."""
        known = self.view(reader).card
        assert known is not None
        return {code.role: code.tries_left for code in known.codes}

    def lose_answer(self, ins: int = 0x20, *, arrives: bool = True, reader: str = READER) -> None:
        """Have the card taken out at the next command of this kind with a code, before or after it has got it."""
        socket, loop = self.sockets[reader], asyncio.get_running_loop()

        def pull(command: bytes) -> None:
            if command[1] == ins and len(command) > 5:
                socket.before = socket.after = lambda _: None
                self.pull(reader)
                loop.call_soon_threadsafe(self.remove, reader)

        if arrives:
            socket.after = pull
        else:
            socket.before = pull


def codes_of(order: Order) -> list[Secret]:
    """Return the codes in an order, as far as there are any."""
    fields = [getattr(order, name, None) for name in ("code", "new_code", "puk")]
    listed = [code for name in ("new_codes", "transport") for code in getattr(order, name, {}).values()]
    return [code for code in (*fields, *listed) if code is not None]


def make_judge() -> Judge:
    """Return a judge that trusts simulated cards."""
    card("ordinary")
    return Judge.from_settings(config.load(shelf().write_configuration()).validity)


def make_sure_judge() -> Judge:
    """Return the same judge, which believes the house's clock."""
    sure = make_judge()
    sure.policy = replace(sure.policy, plausible_from=TODAY - timedelta(days=365))
    return sure


def answer(certificate: Certificate, at: datetime, **more: object) -> Evidence:
    """Return a good answer about a certificate, made at a moment for an hour, if nothing else is said."""
    made: dict[str, Any] = {
        "fingerprint": certificate.fingerprint,
        "serial_number": certificate.serial_number,
        "status": RevocationStatus.GOOD,
        "source": Source.OCSP,
        "url": "http://ocsp.example/",
        "this_update": at,
        "next_update": at + timedelta(hours=1),
        "produced_at": at,
        "fetched_at": at,
    }
    return Evidence(**(made | more))


def no_answer(certificate: Certificate, failure: Failure = Failure.UNREACHABLE, **more: object) -> Evidence:
    """Return why there is no answer about a certificate."""
    return Evidence(
        certificate.fingerprint, certificate.serial_number, RevocationStatus.UNKNOWN, failure=failure, **more
    )


def told(judge: Judge, certificate: Certificate, at: datetime, **more: object) -> Told:
    """Return what whoever knows tells of a certificate: `answer` with `more`, and good answers about its issuers."""
    path = judge.issuer_path(certificate)
    assert path is not None
    leaf, *issuers, _ = path
    issuers_good = (answer(one, at, next_update=at + timedelta(days=30)) for one in issuers)
    return Told((answer(leaf, at, **more), *issuers_good))


@asynccontextmanager
async def open_house(
    judge: Judge, patience: float = LONG, policy: Policy | None = None, *, answer_seconds: float = LONG
) -> AsyncIterator[House]:
    """Give a house without readers, and close it."""
    with tempfile.TemporaryDirectory(prefix="sithsd-house-") as folder:
        made = House(judge, Path(folder), patience, policy or shipped_policy(), answer_seconds)
        try:
            yield made
        finally:
            for socket in made.sockets.values():
                socket.before = socket.after = lambda _: None
                socket.held.release()  # for whoever may still hold a card
            await made.desk.idle(LONG)
            await made.readers.close()
            await made.ledger.close()


async def refused(call: Awaitable[object]) -> SithsdError:
    """Return the error that a call ends with."""
    with pytest.raises(SithsdError) as error:
        async with asyncio.timeout(LONG):
            await call
    return error.value


# The refusals before the card that the audit is told of.
TOLD_TO_AUDIT = {
    ErrorCode.UNBLOCK_DESK_ONLY,
    ErrorCode.ACTIVATION_CHECKLIST,
    ErrorCode.REQUEST_DENIED,
    ErrorCode.REQUEST_TOO_MANY_WRONG,
    ErrorCode.CERTIFICATE_BAD,
}


async def untouched(house: House, call: Awaitable[object]) -> SithsdError:
    """Return the error of a call that sent no command at all to the card, and left no row but that of its refusal.

    One refusal of a sort in a minute has a row, if it is of the sorts that have one.
    """
    sent, rows = len(house.sockets[READER].sent), len(await house.rows())
    error = await refused(call)
    assert len(house.sockets[READER].sent) == sent
    told = [row.result for row in (await house.rows())[rows:]]
    assert told == [] or (error.code in TOLD_TO_AUDIT and told == [str(error.code)])
    return error


async def last_row(house: House, count: int) -> Row:
    """Return the last row, of which it is the one with this number from the first."""
    rows = await house.rows()
    assert len(rows) == count
    return rows[-1]


async def go_in_the_midst(house: House, call: Awaitable[object], ins: int = 0x20) -> None:
    """Let the caller go while its code is on the way to the card, and the operation end after that."""
    socket = house.sockets[READER]
    at, on = threading.Event(), threading.Event()

    def wait(command: bytes) -> None:
        if command[1] == ins and len(command) > 5:
            at.set()
            assert on.wait(LONG)

    socket.before = wait
    task = asyncio.ensure_future(call)
    assert await asyncio.to_thread(at.wait, LONG)
    task.cancel()
    await asyncio.wait([task])
    on.set()
    await house.desk.idle(LONG)
    socket.before = lambda _: None


def spy_on_plans(monkeypatch: pytest.MonkeyPatch) -> list[tuple[order_plan.Plan, list[bytearray]]]:
    """Return a list that is filled with each plan and the buffers of its codes."""
    plans: list[tuple[order_plan.Plan, list[bytearray]]] = []
    real = order_plan.plan

    def plan(order: Order, *terms: object) -> order_plan.Plan:
        made = real(order, *terms)
        plans.append((made, [code.reveal() for code in made._codes]))
        copied, given = ([bytes(code.reveal()) for code in codes] for codes in (made._codes, codes_of(order)))
        assert sorted(copied) == sorted(given)
        return made

    monkeypatch.setattr(code_desk, "plan", plan)
    return plans


def wiped(plans: list[tuple[order_plan.Plan, list[bytearray]]]) -> bool:
    """Tell whether each code of each plan is forgotten, and its bytes overwritten."""
    assert plans
    return all(
        all(len(code) == 0 for code in made._codes) and all(not any(buffer) for buffer in buffers)
        for made, buffers in plans
    )
