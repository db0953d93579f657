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
from sithsd.session.model import InsertedCard, JudgedCertificate, ReaderStatus, ReaderView
from sithsd.validity.judge import Judge
from sithsd.values import CodeState, Role

T = TypeVar("T")

PATIENCE = 2.0
_READINGS = 3
_GRACE = 0.2
_HELD = "another program holds the card"
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
    """What every slot works with."""

    registry: Registry
    judge: Judge
    clock: Clock
    board: Board


@dataclass(frozen=True, slots=True)
class Done:
    """An operation that was done: the view of the reader after it, and the state of the code concerned."""

    view: ReaderView
    state: CodeState


class Slot:
    """One reader and the session of the card in it."""

    def __init__(self, name: str, worker: Worker, tools: Tools) -> None:
        self._name = name
        self._worker = worker
        self._tools = tools
        self._reading: asyncio.Task[None] | None = None
        self._insertion = 0
        self._log = structlog.get_logger("sithsd.session").bind(reader=name)
        self._view = tools.board.put(ReaderView(name, ReaderStatus.EMPTY, 0))

    @property
    def view(self) -> ReaderView:
        """The reader as it is on the board."""
        return self._view

    def inserted(self, atr: bytes) -> None:
        """Take note that a card came: forget what was there, and read it."""
        self._forget()
        self._show(ReaderStatus.READING, InsertedCard(atr))
        self._reading = asyncio.get_running_loop().create_task(self._read(atr, self._insertion))

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

    async def close(self) -> None:
        """End the reading and the worker: the reader went, or the daemon ends."""
        task = self._reading
        self._forget()
        self._worker.stop(_GRACE)
        if task is not None:
            await asyncio.wait([task])

    async def settled(self) -> None:
        """Wait a little for a reading under way."""
        if self._reading is not None and not self._reading.done():
            await asyncio.wait([self._reading], timeout=PATIENCE)

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
            states = await self._worker.run(lambda connection: operations.code_states(connection, read))
        except SithsdError as error:
            self._note(error, insertion)
            raise self._placed(error, card) from None
        return self._learn(insertion, card, states)

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
            outcome = await self._worker.run(lambda connection: operation(connection, read))
        except SithsdError as error:
            self._note(error, insertion)
            raise self._placed(error, card) from None
        states = outcome.states
        if states is None and insertion == self._insertion:
            # The card was reset to lock it: its counters can be read in a new transaction only.
            try:
                states = await self._worker.run(lambda connection: operations.code_states(connection, read))
            except SithsdError as error:
                self._log.warning("codes.notRead", code=str(error.code))
        view = self._learn(insertion, card, states or _with(card.codes, outcome.state))
        return Done(view, next((state for state in states or () if state.role == role), outcome.state))

    async def _card(self, serial: str | None) -> tuple[InsertedCard, ReadCard]:
        """Return the card that can be worked with now, after waiting a little for a reading under way."""
        await self.settled()
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

    async def _read(self, atr: bytes, insertion: int) -> None:
        for remaining in reversed(range(_READINGS)):
            try:
                read = await self._read_once(atr, insertion)
                card = await asyncio.to_thread(inserted_card, atr, read, self._tools.judge, self._tools.clock.now())
            except SithsdError as error:
                if insertion != self._insertion:
                    return
                # Another program reset the card in the midst of it. Reading uses no try: it may begin again.
                if error.code is ErrorCode.CARD_CHANGED and remaining:
                    continue
                self._unread(atr, error)
                return
            if insertion == self._insertion:
                self._ready(card, read)
            return

    async def _read_once(self, atr: bytes, insertion: int) -> ReadCard:
        """Read the card; it may take as long as it takes, but after a while it is said that somebody else holds it."""
        tools, started = self._tools, False

        def operation(connection: Connection) -> ReadCard:
            nonlocal started
            started = True
            return operations.read(connection, tools.registry, is_ours)

        reading = asyncio.ensure_future(self._worker.run(operation, patience=None))
        try:
            await asyncio.wait([reading], timeout=PATIENCE)
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
        if is_ours(read.contents):
            self._show(ReaderStatus.READY, card)
        else:
            self._show(ReaderStatus.UNSUPPORTED, card, ErrorCode.CARD_UNSUPPORTED, "this is not a SITHS card")

    def _unread(self, atr: bytes, error: SithsdError) -> None:
        if error.code is ErrorCode.CARD_REMOVED:
            return  # the reader's own event says so in a moment
        self._log.warning("card.notRead", code=str(error.code), detail=error.detail, status_word=error.status_word)
        status = _STATUS_OF.get(error.code, ReaderStatus.UNREADABLE)
        self._show(status, InsertedCard(atr), error.code, error.detail)

    def _note(self, error: SithsdError, insertion: int) -> None:
        """Take from a failed operation what it tells of the card."""
        self._log.info("card.refused", code=str(error.code), role=error.role, tries_left=error.tries_left)
        card = self._view.card
        if insertion != self._insertion or card is None:
            return
        if error.code is ErrorCode.CARD_CHANGED:
            self.inserted(card.atr)
        elif error.role is not None and error.tries_left is not None:
            state = card.code(Role(error.role))
            if state is not None and state.tries_left != error.tries_left:
                blocked = error.tries_left == 0
                known = replace(state, tries_left=error.tries_left, blocked=blocked, verified=False)
                self._learn(insertion, card, _with(card.codes, known))

    def _learn(self, insertion: int, card: InsertedCard, states: tuple[CodeState, ...]) -> ReaderView:
        if insertion == self._insertion and states != card.codes:
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
        self._view = self._tools.board.put(ReaderView(self._name, status, 0, card, reason, detail))

    def _forget(self) -> None:
        self._insertion += 1
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None


def _with(states: tuple[CodeState, ...], known: CodeState) -> tuple[CodeState, ...]:
    return tuple(known if state.role == known.role else state for state in states)
