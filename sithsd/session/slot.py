"""One reader: reads the card that comes, forgets it when it goes, and does what is asked with it.

Belongs to the asyncio loop's thread; what touches the card runs in the reader's worker thread.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import structlog

from sithsd.card import operations
from sithsd.card.operations import Connection, ReadCard
from sithsd.card.registry import Registry
from sithsd.clock import Clock
from sithsd.errors import ErrorCode, SithsdError, Where
from sithsd.secret import Secret
from sithsd.session.board import Board
from sithsd.session.describe import inserted_card, is_ours
from sithsd.session.fault import fault
from sithsd.session.model import InsertedCard, JudgedCertificate, ReaderStatus, ReaderView
from sithsd.validity.judge import Judge
from sithsd.values import CodeState, Role

T = TypeVar("T")

PATIENCE = 2.0
_READINGS = 3
_GRACE = 0.2
_HELD = "another program holds the card"
# After these it is not known what the card is, or what became of its counters: it is read again.
_DOUBTFUL = frozenset({ErrorCode.CARD_CHANGED, ErrorCode.CARD_UNREADABLE, ErrorCode.CARD_REFUSED, ErrorCode.INTERNAL})
_STATUS_OF = {
    ErrorCode.CARD_UNSUPPORTED: ReaderStatus.UNSUPPORTED,
    ErrorCode.READER_BUSY: ReaderStatus.BUSY,
}


class Worker(Protocol):
    """The thread that owns a reader; see `sithsd.reader.worker.ReaderWorker`."""

    async def run(self, operation: Callable[[Connection], T], *, patience: float | None = PATIENCE) -> T:
        """Run `operation` on the card inside one transaction; `patience` bounds the wait for the card, in seconds."""
        ...

    def stop(self, grace: float = ...) -> bool:
        """End the thread; False if it hangs in a PC/SC call after `grace` seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What every slot works with. `patience`: for how many seconds a caller waits for the card, at most."""

    registry: Registry
    judge: Judge
    clock: Clock
    board: Board
    patience: float = PATIENCE


@dataclass(frozen=True, slots=True)
class Done:
    """An operation that was done: with which card, the state of the code concerned, and the reader after it.

    By then the card may have been taken out, so `view` may show another one.
    """

    view: ReaderView
    state: CodeState
    card_serial: str | None


class Slot:
    """One reader and the session of the card in it."""

    def __init__(self, name: str, worker: Worker, tools: Tools) -> None:
        self._name = name
        self._worker = worker
        self._tools = tools
        self._reading: asyncio.Task[None] | None = None
        self._looking: set[asyncio.Task[None]] = set()
        self._insertion = 0
        self._ended = False
        self._log = structlog.get_logger("sithsd.session").bind(reader=name)
        self._view = tools.board.put(ReaderView(name, ReaderStatus.EMPTY, 0))

    @property
    def view(self) -> ReaderView:
        """The reader as it is on the board."""
        return self._view

    def inserted(self, atr: bytes) -> None:
        """Take note that a card came: forget what was there, and read it."""
        self._begin(atr, doubtful=False)

    def removed(self) -> None:
        """Take note that the card went."""
        self._forget()
        self._show(ReaderStatus.EMPTY)

    def mute(self) -> None:
        """Take note that a card is there which does not answer to a reset."""
        self._forget()
        self._show(
            ReaderStatus.MUTE, InsertedCard(b""), ErrorCode.CARD_UNREADABLE, "the card does not answer to a reset"
        )

    def end(self) -> asyncio.Task[None]:
        """Show nothing from now on, and end the reading and the worker: the reader went, or the daemon ends.

        Operations under way get their answers; the task returned is done when nothing of the slot runs any more.
        """
        self._ended = True
        tasks = {*self._looking, *([self._reading] if self._reading else [])}
        self._forget()
        return asyncio.get_running_loop().create_task(self._close(tasks))

    async def _close(self, tasks: set[asyncio.Task[None]]) -> None:
        self._worker.stop(_GRACE)
        if tasks:
            await asyncio.wait(tasks)

    async def settled(self) -> None:
        """Wait a little for a reading under way."""
        if self._reading is not None and not self._reading.done():
            await asyncio.wait([self._reading], timeout=self._tools.patience)

    def certificates(self) -> tuple[JudgedCertificate, ...]:
        """Return the certificates of the card in the reader, from memory. Raises card.absent or what hides the card."""
        return self._known()[0].certificates

    def note_done(self, event: str, role: Role, done: Done, *, uid: int, pid: int) -> None:
        """Log an operation that was done, and for whom."""
        self._log.info(event, role=str(role), tries_left=done.state.tries_left, uid=uid, pid=pid)

    async def read_codes(self) -> ReaderView:
        """Read the state of all codes from the card, without using a try; return the new view."""
        card, read = await self._card(None)
        insertion = self._insertion
        try:
            states = await self._perform(lambda connection: operations.code_states(connection, read))
        except SithsdError as error:
            self._note(error, insertion)
            raise self._placed(error, card) from None
        if insertion != self._insertion:
            raise self._placed(SithsdError(ErrorCode.CARD_REMOVED, "the card was taken out"), card)
        return self._learn(insertion, states)

    async def verify(self, role: Role, code: Secret, *, last_try: bool, serial: str | None) -> Done:
        """Give a PIN to the card, once. `serial`, if given, is the card that the caller means."""
        return await self._use(
            role, serial, lambda connection, read: operations.verify(connection, read, role, code, last_try=last_try)
        )

    async def unblock(self, role: Role, puk: Secret, new_code: Secret, *, last_try: bool, serial: str | None) -> Done:
        """Unblock a PIN with the PUK, once. `serial`, if given, is the card that the caller means."""
        return await self._use(
            role,
            serial,
            lambda connection, read: operations.unblock(connection, read, role, puk, new_code, last_try=last_try),
        )

    async def _use(
        self, role: Role, serial: str | None, operation: Callable[[Connection, ReadCard], operations.Outcome]
    ) -> Done:
        card, read = await self._card(serial)
        insertion = self._insertion
        try:
            outcome = await self._perform(lambda connection: operation(connection, read))
        except asyncio.CancelledError:
            # The caller has gone, but what had begun goes on to its end, and may cost a try.
            self._look_later(insertion, read)
            raise
        except SithsdError as error:
            self._note(error, insertion)
            raise self._placed(error, card) from None
        states = outcome.states
        if states is None and insertion == self._insertion:
            # The card was reset to lock it: its counters can be read in a new transaction only.
            try:
                states = await self._perform(lambda connection: operations.code_states(connection, read))
            except asyncio.CancelledError:
                self._look_later(insertion, read)
                raise
            except SithsdError as error:
                self._log.warning("codes.notRead", code=str(error.code))
                self._note(error, insertion)
        if states is None:
            self._learn_one(insertion, outcome.state)
        else:
            self._learn(insertion, states)
        state = next((state for state in states or () if state.role == role), outcome.state)
        return Done(self._view, state, card.serial)

    async def _perform(self, operation: Callable[[Connection], T], *, waits: bool = False) -> T:
        """Have the worker run `operation`; whatever is no named error becomes one. `waits`: for the card, for ever."""
        try:
            return await self._worker.run(operation, patience=None if waits else self._tools.patience)
        except SithsdError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug in an operation is an answer to its caller, like any error
            raise fault(self._log, error) from None

    def _look_later(self, insertion: int, read: ReadCard) -> None:
        """Look at the codes once the worker is free again, so that what is shown of them is true."""
        if self._ended or insertion != self._insertion:
            return
        task = asyncio.get_running_loop().create_task(self._look(insertion, read))
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _look(self, insertion: int, read: ReadCard) -> None:
        try:
            states = await self._perform(lambda connection: operations.code_states(connection, read), waits=True)
        except SithsdError as error:
            self._note(error, insertion)
        else:
            self._learn(insertion, states)

    async def _card(self, serial: str | None) -> tuple[InsertedCard, ReadCard]:
        """Return the card that can be worked with now, after waiting a little for a reading under way."""
        await self.settled()
        if self._ended:
            raise self._placed(SithsdError(ErrorCode.READER_UNKNOWN, "the reader is gone"), None)
        card, read = self._known()
        if self._view.status is ReaderStatus.UNSUPPORTED:
            raise self._placed(SithsdError(ErrorCode.CARD_UNSUPPORTED, "this is not a SITHS card"), card)
        if serial is not None and serial != card.serial:
            raise self._placed(SithsdError(ErrorCode.CARD_CHANGED, "another card is in the reader"), card)
        return card, read

    def _known(self) -> tuple[InsertedCard, ReadCard]:
        """Return the card that was read. Raises card.absent, or why it could not be read."""
        view, card = self._view, self._view.card
        if card is None:
            raise self._placed(SithsdError(ErrorCode.CARD_ABSENT, "there is no card in the reader"), card)
        if card.read is None:
            code = view.reason or ErrorCode.READER_BUSY
            raise self._placed(SithsdError(code, view.detail or "the card is still being read"), card)
        return card, card.read

    def _begin(self, atr: bytes, *, doubtful: bool) -> None:
        self._forget()
        self._show(ReaderStatus.READING, InsertedCard(atr))
        self._reading = asyncio.get_running_loop().create_task(self._read(atr, self._insertion, doubtful=doubtful))

    async def _read(self, atr: bytes, insertion: int, *, doubtful: bool) -> None:
        error: SithsdError | None = None
        for _ in range(_READINGS):
            try:
                atr, read = await self._read_once(atr, insertion, doubtful=doubtful)
                card = await asyncio.to_thread(inserted_card, atr, read, self._tools.judge, self._tools.clock.now())
            except SithsdError as reason:
                error = reason
            except Exception as reason:  # noqa: BLE001 - a bug must not leave the reader "reading" for ever
                error = fault(self._log, reason)
            else:
                self._ready(card, read)
                return
            doubtful = True
            # Reading uses no try, so it may begin again.
            if error.code is ErrorCode.CARD_REMOVED:
                # The reader's own event says so in a moment, and ends this task. If it does not, the exchange broke off
                # with a card that is still there.
                await asyncio.sleep(self._tools.patience)
            elif error.code is not ErrorCode.CARD_CHANGED:  # another program reset the card in the midst of it
                break
        if error is not None:
            self._unread(atr, error)

    async def _read_once(self, atr: bytes, insertion: int, *, doubtful: bool) -> tuple[bytes, ReadCard]:
        """Read the card; return its ATR too.

        The ATR is the one that came with the insertion, unless it is `doubtful` whether that card is still there: to
        ask for it takes a PC/SC call that may, seldom, cost the monitor an event.

        It may take as long as it takes, but after a while it is said that somebody else holds it.
        """
        tools, started = self._tools, False

        def operation(connection: Connection) -> tuple[bytes, ReadCard]:
            nonlocal started
            started = True
            now = connection.atr if doubtful else atr
            return now, operations.read(connection, tools.registry, is_ours, now)

        reading = asyncio.ensure_future(self._worker.run(operation, patience=None))
        try:
            await asyncio.wait([reading], timeout=self._tools.patience)
            if not reading.done() and not started and insertion == self._insertion:
                self._show(ReaderStatus.BUSY, InsertedCard(atr), ErrorCode.READER_BUSY, _HELD)
            return await reading
        finally:
            reading.cancel()

    def _ready(self, card: InsertedCard, read: ReadCard) -> None:
        self._log.info(
            "card.read",
            profile=read.identified.profile.name,
            kind=str(card.facts.kind) if card.facts else None,
            serial=card.serial,
            commands=read.commands,
            sent=read.sent,
            received=read.received,
        )
        if read.ours:
            self._show(ReaderStatus.READY, card)
        else:
            self._show(ReaderStatus.UNSUPPORTED, card, ErrorCode.CARD_UNSUPPORTED, "this is not a SITHS card")

    def _unread(self, atr: bytes, error: SithsdError) -> None:
        self._log.warning("card.notRead", code=str(error.code), detail=error.detail, status_word=error.status_word)
        status = _STATUS_OF.get(error.code, ReaderStatus.UNREADABLE)
        self._show(status, InsertedCard(atr), error.code, error.detail)

    def _note(self, error: SithsdError, insertion: int) -> None:
        """Take from a failed operation what it tells of the card."""
        self._log.info("card.refused", code=str(error.code), role=error.role, tries_left=error.tries_left)
        card = self._view.card
        if insertion != self._insertion or card is None:
            return
        if error.code in _DOUBTFUL:
            self._begin(card.atr, doubtful=True)
        elif error.role is not None and error.tries_left is not None:
            state = card.code(Role(error.role))
            if state is not None:
                blocked = error.tries_left == 0
                self._learn_one(insertion, replace(state, tries_left=error.tries_left, blocked=blocked, verified=False))

    def _learn_one(self, insertion: int, known: CodeState) -> None:
        card = self._view.card
        if card is not None:
            self._learn(insertion, tuple(known if state.role == known.role else state for state in card.codes))

    def _learn(self, insertion: int, states: tuple[CodeState, ...]) -> ReaderView:
        """Show what is known of the codes now, if the card is the same; against what is shown, which may be newer."""
        card = self._view.card
        if insertion == self._insertion and card is not None and states != card.codes:
            self._show(self._view.status, replace(card, codes=states))
        return self._view

    def _placed(self, error: SithsdError, card: InsertedCard | None) -> SithsdError:
        error.where = Where(self._name, card.serial if card else None, self._view.sequence)
        return error

    def _show(
        self,
        status: ReaderStatus,
        card: InsertedCard | None = None,
        reason: ErrorCode | None = None,
        detail: str | None = None,
    ) -> None:
        if not self._ended:
            self._view = self._tools.board.put(ReaderView(self._name, status, 0, card, reason, detail))

    def _forget(self) -> None:
        self._insertion += 1
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        for task in self._looking:
            task.cancel()
