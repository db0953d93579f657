"""One reader: reads the card that comes, forgets it when it goes, and does what is asked with it.

Belongs to the asyncio loop's thread; what touches the card runs in the reader's worker thread.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import structlog

from sithsd.card import operations
from sithsd.card.code_operations import CERTAIN, Outcome, Trail
from sithsd.card.operations import Connection, Look, ReadCard
from sithsd.card.registry import UnidentifiedError
from sithsd.errors import ErrorCode, More, SithsdError, Where
from sithsd.session.aftermath import denied, in_doubt, is_clear_refusal
from sithsd.session.beginning import AbandonedError, Beginning
from sithsd.session.counters import Doubt
from sithsd.session.describe import inserted_card, is_ours
from sithsd.session.fault import fault
from sithsd.session.model import InsertedCard, JudgedCertificate, ReaderStatus, ReaderView
from sithsd.session.tools import PAD_SECONDS, Done, Held, Tools, Worker
from sithsd.values import CodeState, Role

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
        self._insertion = 0
        self._uses = 0
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
        tasks = {self._reading} if self._reading else set()
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
        return self._known()[0].certificates

    def sleep(self) -> None:
        """Forget the card: the machine is going to sleep, and whatever is in the reader afterwards has to be read."""
        card = self._view.card
        self._forget()
        if card is not None:
            self._show(ReaderStatus.READING, InsertedCard(card.atr))

    def wake(self) -> None:
        """Read the card that is in the reader now."""
        if self._view.card is not None:
            self._begin(self._view.card.atr, doubtful=True)

    async def read_codes(self) -> tuple[ReaderView, Look]:
        """Read the state of all codes from the card, without using a try; return the new view and what was seen."""
        held = await self.card(None)
        card, read, insertion = held.card, held.read, held.insertion
        try:
            look = await self._answered(lambda connection: operations.look(connection, read), held.patience)
        except SithsdError as error:
            self._note(error, insertion)
            raise await self._refused(error, card) from None
        if insertion != self._insertion:
            raise self.placed(SithsdError(ErrorCode.CARD_REMOVED, "the card was taken out"), card)
        self._tools.herald.seen(self._name, card.serial, look.states, self)
        return self._learn(insertion, look.states), look

    async def ask_reader(self, question: Callable[[Connection], T]) -> T:
        """Ask the reader, not the card in it, whatever that card is. Raises what keeps the card from being had."""
        try:
            return await self._answered(question, await self.settled())
        except SithsdError as error:
            raise await self._refused(error, self._view.card) from None

    async def use(
        self, held: Held, trail: Trail, beginning: Beginning, operation: Callable[[Connection, ReadCard], Outcome]
    ) -> Done:
        """Do what is done with a code, once. Not to be cancelled: what has begun has to be told to the end.

        Raises SithsdError; AbandonedError if the caller gave it up before it began.
        """
        serial, herald = held.card.serial, self._tools.herald
        if held.insertion != self._insertion:
            # Were it done after a reading that has begun, what that finds would be older than what is learnt here.
            raise self.placed(self._gone(), held.card)

        def once(connection: Connection) -> Outcome:
            beginning.begin()
            return operation(connection, held.read)

        self._uses += 1
        herald.using(serial, self)
        seconds = PAD_SECONDS if trail.at_pad else self._tools.answer_seconds
        task = await self._begun(once, held.patience, seconds)
        if not task.done():
            # From here on no code is sent; whether one was is known, and what became of it is not.
            trail.given_up = True
            error = self._overdue(trail)
            self._fail(held, trail, error)
            task.add_done_callback(lambda done: self._end_late(done, held, trail))
            raise await self._refused(error, held.card)
        try:
            outcome = task.result()
        except AbandonedError:
            herald.ended(self._name, serial, self)
            raise
        except SithsdError as error:
            if error.code is ErrorCode.CARD_OUTCOME_UNKNOWN and isinstance(error.__cause__, Exception):
                self._log_bug(error.__cause__)
            self._fail(held, trail, error)
            herald.ended(self._name, serial, self)
            raise await self._refused(error, held.card) from None
        return await self._succeeded(held, trail, outcome)

    async def _succeeded(self, held: Held, trail: Trail, outcome: Outcome) -> Done:
        """Take from an operation that the card did what it tells, unless the card's own counters deny it."""
        serial, herald = held.card.serial, self._tools.herald
        for one in trail.faults:
            fault(self._log, one)
        not_done = denied(trail, outcome.states or ())
        if not_done:
            trail.done = [role for role in trail.done if role not in not_done]
            detail = "the card said that it was done, its counter says no"
            denial = SithsdError(ErrorCode.CARD_OUTCOME_UNKNOWN, detail, role=trail.judged)
            self._fail(held, trail, denial)
            herald.ended(self._name, serial, self)
            raise await self._refused(denial, held.card)
        herald.seen(self._name, serial, trail.before.values(), self)
        # At once: a look that comes later may be told of before the answers of operations in between.
        herald.used(serial, outcome.states or (outcome.state,))
        herald.ended(self._name, serial, self)
        states = outcome.states or await self._states_again(held)
        if outcome.state.tries_left is None:
            herald.used(serial, states)  # the profile does not know how many tries a right code gives back
        if not states:
            self._learn_one(held.insertion, outcome.state)
        else:
            self._learn(held.insertion, states)
        state = next((one for one in states if one.role == outcome.state.role), outcome.state)
        return Done(self._view, state, serial, states, tuple(trail.done), signature=outcome.signature)

    def _log_bug(self, cause: Exception) -> None:
        if not isinstance(cause, SithsdError):
            fault(self._log, cause)

    def _fail(self, held: Held, trail: Trail, error: SithsdError) -> None:
        """Take from an operation that failed what it tells of the card, and what it leaves in doubt."""
        serial, herald = held.card.serial, self._tools.herald
        herald.seen(self._name, serial, trail.before.values(), self)
        if trail.judged is not None and error.code not in CERTAIN:
            herald.doubt(serial, Doubt(trail.judged, in_doubt(trail), refused=is_clear_refusal(error)))
        elif error.role is not None and error.tries_left is not None:
            herald.used(serial, [CodeState(Role(error.role), error.tries_left)])
        self._note(error, held.insertion)

    def _overdue(self, trail: Trail) -> SithsdError:
        """Return what is told of an operation that a card does not answer."""
        if trail.judged is None:
            what = "it took the code, and gave no signature" if trail.done else "no code was sent to it"
            return SithsdError(ErrorCode.CARD_UNREADABLE, f"the card does not answer; {what}")
        return SithsdError(
            ErrorCode.CARD_OUTCOME_UNKNOWN, "a code was sent and the card does not answer", role=trail.judged
        )

    def _end_late(self, task: "asyncio.Future[Outcome]", held: Held, trail: Trail) -> None:
        """Take note that an operation ended after its caller was told an end. The card itself tells how, when read."""
        _forget_result(task)
        self._log.warning("code.answeredLate", judged=str(trail.judged))
        self._tools.herald.ended(self._name, held.card.serial, self)
        self.read_again(held)

    async def _states_again(self, held: Held) -> tuple[CodeState, ...]:
        """Return the counters of a card that was reset to lock it, from a new transaction; none if it can't be had."""
        if held.insertion != self._insertion:
            return ()
        try:
            return await self._answered(lambda connection: operations.code_states(connection, held.read))
        except SithsdError as error:
            self._log.warning("codes.notRead", code=str(error.code))
            self._note(error, held.insertion)
            return ()

    def read_again(self, held: Held) -> None:
        """Read the whole card again, if it is still there as it was: what its files say of it may have changed."""
        if held.insertion == self._insertion and self._view.card is not None:
            self._begin(self._view.card.atr, doubtful=True)

    async def _answered(self, operation: Callable[[Connection], T], patience: float | None = None) -> T:
        """Have the worker run `operation`, but don't wait for ever for a card that does not answer.

        Raises card.unreadable then; the operation goes on, and whatever it finds is of no use to anybody.
        """
        task = await self._begun(operation, patience, self._tools.answer_seconds)
        if task.done():
            return task.result()
        task.add_done_callback(_forget_result)
        raise SithsdError(ErrorCode.CARD_UNREADABLE, "the card does not answer")

    async def _begun(
        self, operation: Callable[[Connection], T], patience: float | None, seconds: float
    ) -> "asyncio.Task[T]":
        """Have the worker run `operation` and wait for its end, at most so many seconds once the card was had."""
        task = asyncio.get_running_loop().create_task(self._perform(operation, patience))
        try:
            await asyncio.wait({task}, timeout=self._tools.patience + seconds)
        except asyncio.CancelledError:
            task.cancel()
            raise
        return task

    async def _perform(self, operation: Callable[[Connection], T], patience: float | None = None) -> T:
        """Have the worker run `operation`; whatever is no named error becomes one."""
        try:
            return await self._worker.run(operation, patience=self._tools.patience if patience is None else patience)
        except SithsdError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug in an operation is an answer to its caller, like any error
            raise fault(self._log, error) from None

    async def card(self, serial: str | None) -> Held:
        """Return the card that can be worked with now, after waiting a little for a reading under way.

        `serial`, if given, is the card that the caller means. Raises card.absent, card.changed, card.unsupported,
        reader.unknown, or why the card could not be read.
        """
        patience = await self.settled()
        if self._ended:
            raise self.placed(SithsdError(ErrorCode.READER_UNKNOWN, "the reader is gone"), None)
        if self._view.status is ReaderStatus.BUSY:
            raise await self._refused(SithsdError(ErrorCode.READER_BUSY, self._view.detail or _HELD), self._view.card)
        card, read = self._known()
        if self._view.status is ReaderStatus.UNSUPPORTED:
            raise self.placed(SithsdError(ErrorCode.CARD_UNSUPPORTED, "this is not a SITHS card"), card)
        if serial is not None and serial != card.serial:
            raise self.placed(SithsdError(ErrorCode.CARD_CHANGED, "another card is in the reader"), card)
        return Held(card, read, self._insertion, patience)

    def _gone(self) -> SithsdError:
        """Return why a card that was held is to be had no more."""
        if self._ended:
            return SithsdError(ErrorCode.READER_UNKNOWN, "the reader is gone")
        if self._view.card is None:
            return SithsdError(ErrorCode.CARD_REMOVED, "the card was taken out")
        return SithsdError(ErrorCode.CARD_CHANGED, "the card was put in, or is being read, anew")

    def _known(self) -> tuple[InsertedCard, ReadCard]:
        """Return the card that was read. Raises card.absent, or why it could not be read."""
        view, card = self._view, self._view.card
        if card is None:
            raise self.placed(SithsdError(ErrorCode.CARD_ABSENT, "there is no card in the reader"), card)
        if card.read is None:
            code = view.reason or ErrorCode.READER_BUSY
            raise self.placed(SithsdError(code, view.detail or "the card is still being read"), card)
        return card, card.read

    def _begin(self, atr: bytes, *, doubtful: bool) -> None:
        self._forget()
        self._show(ReaderStatus.READING, InsertedCard(atr))
        self._reading = asyncio.get_running_loop().create_task(self._read(atr, self._insertion, doubtful=doubtful))

    async def _read(self, atr: bytes, insertion: int, *, doubtful: bool) -> None:
        error: SithsdError | None = None
        for reading in range(_READINGS):
            uses = self._uses
            try:
                atr, read = await self._read_once(atr, insertion, doubtful=doubtful)
                card = await asyncio.to_thread(inserted_card, atr, read, self._tools.judge, self._tools.clock.now())
            except SithsdError as reason:
                error = reason
            except Exception as reason:  # noqa: BLE001 - a bug must not leave the reader "reading" for ever
                error = fault(self._log, reason)
            else:
                if uses == self._uses or reading == _READINGS - 1:
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
            return now, operations.read(connection, tools.registry, is_ours, now)

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
        holder = await self._holder()
        if not got_it() and insertion == self._insertion:
            held = _HELD if holder is None else f"{_HELD}: {holder}"
            self._show(ReaderStatus.BUSY, InsertedCard(atr), ErrorCode.READER_BUSY, held)

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
            self._tools.herald.seen(self._name, card.serial, read.codes, self)
        else:
            self._show(ReaderStatus.UNSUPPORTED, card, ErrorCode.CARD_UNSUPPORTED, "this is not a SITHS card")

    def _unread(self, atr: bytes, error: SithsdError) -> None:
        self._log.warning("card.notRead", code=str(error.code), detail=error.detail, status_word=error.status_word)
        status = _STATUS_OF.get(error.code, ReaderStatus.UNREADABLE)
        passed_over = error.passed_over if isinstance(error, UnidentifiedError) else ()
        self._show(status, InsertedCard(atr, passed_over=passed_over), error.code, error.detail)

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

    async def _holder(self) -> str | None:
        """Return the name of the program that may hold the card, None where that can't be seen."""
        try:
            return await asyncio.to_thread(self._tools.who_holds)
        except OSError as error:
            self._log.warning("holder.notSeen", error=type(error).__name__)
            return None

    async def _refused(self, error: SithsdError, card: InsertedCard | None) -> SithsdError:
        """Return the error with its place, and with the name of the program that holds the card, if one does."""
        if error.code is ErrorCode.READER_BUSY:
            error.more = More(holder=await self._holder())
        return self.placed(error, card)

    def placed(self, error: SithsdError, card: InsertedCard | None) -> SithsdError:
        """Return the error with its place: this reader, the card, and the latest event."""
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


def _forget_result(task: "asyncio.Future[T]") -> None:
    """Take the result off the hands of a task that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
