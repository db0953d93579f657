"""One reader: reads the card that comes, forgets it when it goes, and does what is asked with it.

Belongs to the asyncio loop's thread; what touches the card runs in the reader's worker thread.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import structlog

from sithsd.card import operations
from sithsd.card.code_operations import Outcome, Trail
from sithsd.card.operations import Connection, Look, ReadCard
from sithsd.card.registry import UnidentifiedError
from sithsd.errors import ErrorCode, SithsdError
from sithsd.session.beginning import Beginning
from sithsd.session.code_use import CodeUse, Learning
from sithsd.session.describe import inserted_card, is_ours
from sithsd.session.errands import Errands
from sithsd.session.fault import fault
from sithsd.session.model import InsertedCard, JudgedCertificate, ReaderStatus, ReaderView
from sithsd.session.shown import Shown
from sithsd.session.tools import Done, Held, Tools, Worker
from sithsd.session.vigil import Vigil
from sithsd.values import Role

T = TypeVar("T")

# What is left of a caller's patience after a reading that took all of it: a free card is had in less.
_LEAST_PATIENCE = 0.2
_READINGS = 3
_GRACE = 0.2
_HELD = "another program holds the card"
# After these it is not known what the card is, or what became of its counters: it is read again.
_DOUBTFUL = frozenset(
    {
        ErrorCode.CARD_CHANGED,
        ErrorCode.CARD_UNREADABLE,
        ErrorCode.CARD_REFUSED,
        ErrorCode.CARD_OUTCOME_UNKNOWN,
        ErrorCode.INTERNAL,
        # By a file of the card, which was read once: another program may have activated it since.
        ErrorCode.PIN_NOT_ACTIVATED,
        ErrorCode.ACTIVATION_NOT_NEEDED,
    }
)
_STATUS_OF = {
    ErrorCode.CARD_UNSUPPORTED: ReaderStatus.UNSUPPORTED,
    ErrorCode.READER_BUSY: ReaderStatus.BUSY,
}


class Slot:
    """One reader and the session of the card in it."""

    def __init__(self, name: str, worker: Worker, tools: Tools) -> None:
        self._name = name
        self._worker = worker
        self._tools = tools
        self._reading: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("sithsd.session").bind(reader=name)
        self._shown = Shown(name, tools.board, tools.who_holds)
        self._errands = Errands(worker, tools, self._log)
        self._vigil = Vigil(self._shown, tools, self._log)
        self._codes = CodeUse(self._shown, self._errands, tools, Learning(self._note, self.read_again), self._log)

    @property
    def view(self) -> ReaderView:
        """The reader as it is on the board."""
        return self._shown.view

    def inserted(self, atr: bytes) -> None:
        """Take note that a card came: forget what was there, and read it."""
        self._begin(atr, doubtful=False)

    def removed(self) -> None:
        """Take note that the card went."""
        self._forget()
        self._shown.show(ReaderStatus.EMPTY)

    def mute(self) -> None:
        """Take note that a card is there which does not answer to a reset."""
        self._forget()
        self._shown.show(
            ReaderStatus.MUTE, InsertedCard(b""), ErrorCode.CARD_UNREADABLE, "the card does not answer to a reset"
        )

    def end(self) -> asyncio.Task[None]:
        """Show nothing from now on, and end the reading and the worker: the reader went, or the daemon ends.

        Operations under way get their answers; the task returned is done when nothing of the slot runs any more.
        """
        self._shown.ended = True
        tasks = {task for task in (self._reading, self._vigil.end()) if task is not None}
        self._forget()
        return asyncio.get_running_loop().create_task(self._close(tasks))

    async def _close(self, tasks: set[asyncio.Task[None]]) -> None:
        self._worker.stop(0)
        await asyncio.to_thread(self._worker.join, _GRACE)
        if tasks:
            await asyncio.wait(tasks)

    async def settled(self) -> float:
        """Wait a little for a reading under way; return how many seconds of the patience are left."""
        if self._reading is None or self._reading.done():
            return self._tools.patience
        begun = time.monotonic()
        await asyncio.wait([self._reading], timeout=self._tools.patience)
        return max(self._tools.patience - (time.monotonic() - begun), _LEAST_PATIENCE)

    def certificates(self) -> tuple[JudgedCertificate, ...]:
        """Return the certificates of the card in the reader, from memory. Raises card.absent or what hides the card."""
        return self._shown.known()[0].certificates

    def sleep(self) -> None:
        """Forget the card: the machine is going to sleep, and whatever is in the reader afterwards has to be read."""
        card = self._shown.view.card
        self._forget()
        if card is not None:
            self._shown.show(ReaderStatus.READING, InsertedCard(card.atr))

    def wake(self) -> None:
        """Read the card that is in the reader now."""
        if self._shown.view.card is not None:
            self._begin(self._shown.view.card.atr, doubtful=True)

    async def read_codes(self) -> tuple[ReaderView, Look]:
        """Read the state of all codes from the card, without using a try; return the new view and what was seen."""
        held = await self.card(None)
        card, read, insertion = held.card, held.read, held.insertion
        try:
            look = await self._errands.answered(lambda connection: operations.look(connection, read), held.patience)
        except SithsdError as error:
            self._note(error, insertion)
            raise await self._shown.refused(error, card) from None
        if insertion != self._shown.insertion:
            raise self._shown.placed(SithsdError(ErrorCode.CARD_REMOVED, "the card was taken out"), card)
        self._tools.herald.seen(self._name, card.serial, look.states, self._shown)
        return self._shown.learn(insertion, look.states), look

    async def ask_reader(self, question: Callable[[Connection], T]) -> T:
        """Ask the reader, not the card in it, whatever that card is. Raises what keeps the card from being had."""
        try:
            return await self._errands.answered(question, await self.settled())
        except SithsdError as error:
            raise await self._shown.refused(error, self._shown.view.card) from None

    async def use(
        self, held: Held, trail: Trail, beginning: Beginning, operation: Callable[[Connection, ReadCard], Outcome]
    ) -> Done:
        """Do what is done with a code, once; see `sithsd.session.code_use`."""
        return await self._codes.use(held, trail, beginning, operation)

    def read_again(self, held: Held) -> None:
        """Read the whole card again, if it is still there as it was: what its files say of it may have changed."""
        if held.insertion == self._shown.insertion:
            self.wake()

    def placed(self, error: SithsdError, card: InsertedCard | None) -> SithsdError:
        """Return the error with its place: this reader, the card, and the latest event."""
        return self._shown.placed(error, card)

    async def card(self, serial: str | None) -> Held:
        """Return the card that can be worked with now, after waiting a little for a reading under way.

        `serial`, if given, is the card that the caller means. Raises card.absent, card.changed, card.unsupported,
        reader.unknown, or why the card could not be read.
        """
        patience = await self.settled()
        shown = self._shown
        if shown.ended:
            raise shown.placed(SithsdError(ErrorCode.READER_UNKNOWN, "the reader is gone"), None)
        if shown.view.status is ReaderStatus.BUSY:
            busy = SithsdError(ErrorCode.READER_BUSY, shown.view.detail or _HELD)
            raise await shown.refused(busy, shown.view.card)
        card, read = shown.known()
        if shown.view.status is ReaderStatus.UNSUPPORTED:
            raise shown.placed(SithsdError(ErrorCode.CARD_UNSUPPORTED, "this is not a SITHS card"), card)
        if serial is not None and serial != card.serial:
            raise shown.placed(SithsdError(ErrorCode.CARD_CHANGED, "another card is in the reader"), card)
        return Held(card, read, shown.insertion, patience)

    def _begin(self, atr: bytes, *, doubtful: bool) -> None:
        self._forget()
        self._shown.show(ReaderStatus.READING, InsertedCard(atr))
        reading = self._read(atr, self._shown.insertion, doubtful=doubtful)
        self._reading = asyncio.get_running_loop().create_task(reading)

    async def _read(self, atr: bytes, insertion: int, *, doubtful: bool) -> None:
        error: SithsdError | None = None
        for reading in range(_READINGS):
            uses = self._codes.uses
            try:
                atr, read = await self._read_once(atr, insertion, doubtful=doubtful)
                judge, now, tables = self._tools.verdicts, self._tools.clock.now(), self._tools.tables
                card = await asyncio.to_thread(inserted_card, atr, read, judge, now, tables)
                card = self._tools.adviser.advised(card, now)
            except SithsdError as reason:
                error = reason
            except Exception as reason:  # noqa: BLE001 - a bug must not leave the reader "reading" for ever
                error = fault(self._log, reason)
            else:
                if uses == self._codes.uses or reading == _READINGS - 1:
                    self._ready(card, read)
                    return
                continue  # a code was used meanwhile: what was read of the counters may be old
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
            ours = partial(is_ours, tables=tools.tables)
            return now, operations.read(connection, tools.registry, ours, now, tools.known, anew=doubtful)

        reading = asyncio.ensure_future(self._worker.run(operation, patience=None))
        try:
            await asyncio.wait([reading], timeout=self._tools.patience)
            if not reading.done() and not started:
                await self._show_busy(atr, insertion, lambda: reading.done() or started)
            return await reading
        finally:
            reading.cancel()

    async def _show_busy(self, atr: bytes, insertion: int, got_it: Callable[[], bool]) -> None:
        """Say that another program holds the card, and which, unless the card was had meanwhile."""
        holder = await self._shown.holder()
        if not got_it() and insertion == self._shown.insertion:
            held = _HELD if holder is None else f"{_HELD}: {holder}"
            self._shown.show(ReaderStatus.BUSY, InsertedCard(atr), ErrorCode.READER_BUSY, held)

    def _ready(self, card: InsertedCard, read: ReadCard) -> None:
        self._log.info(
            "card.read",
            profile=read.identified.profile.name,
            kind=str(card.facts.kind) if card.facts else None,
            serial=card.serial,
            commands=read.commands,
            sent=read.sent,
            received=read.received,
            known=read.known,
        )
        if read.ours:
            self._shown.show(ReaderStatus.READY, card)
            self._tools.herald.seen(self._name, card.serial, read.codes, self._shown)
            self._vigil.begin()
        else:
            self._shown.show(ReaderStatus.UNSUPPORTED, card, ErrorCode.CARD_UNSUPPORTED, "this is not a SITHS card")

    def _unread(self, atr: bytes, error: SithsdError) -> None:
        self._log.warning("card.notRead", code=str(error.code), detail=error.detail, status_word=error.status_word)
        status = _STATUS_OF.get(error.code, ReaderStatus.UNREADABLE)
        passed_over = error.passed_over if isinstance(error, UnidentifiedError) else ()
        self._shown.show(status, InsertedCard(atr, passed_over=passed_over), error.code, error.detail)

    def _note(self, error: SithsdError, insertion: int) -> None:
        """Take from a failed operation what it tells of the card."""
        self._log.info("card.refused", code=str(error.code), role=error.role, tries_left=error.tries_left)
        card = self._shown.view.card
        if insertion != self._shown.insertion or card is None:
            return
        if error.code in _DOUBTFUL:
            self._begin(card.atr, doubtful=True)
        elif error.role is not None and error.tries_left is not None:
            self._shown.learn_tries(insertion, Role(error.role), error.tries_left)

    def _forget(self) -> None:
        self._shown.insertion += 1
        self._vigil.end()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
