"""Operations on the card in one reader, one after the other, in a thread of the reader's own.

The calls that take a card (SCardConnect, SCardBeginTransaction) have no time-out: they block for as long as another
process holds it. So the caller's patience and the thread go separate ways. Whether an operation takes place is decided
in one atomic step on its future, which the thread and the caller both want to take: the thread when it has the card
(pending -> running), the caller when patience is at an end or its task is cancelled (pending -> cancelled). Whoever
comes second gets nothing. A caller who was told "busy" can rely on it that nothing was sent to the card.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import structlog

from sithsd.errors import ErrorCode, SithsdError
from sithsd.reader import scard
from sithsd.reader.connection import CardConnection
from sithsd.reader.trace import ExchangeTrace
from sithsd.reader.translation import translate

__all__ = ["CardConnection", "ReaderWorker"]

_log = structlog.get_logger()

T = TypeVar("T")

# For a free card far more than enough; and it leaves time to find out who has it, within two seconds.
PATIENCE: Final = 1.5
# How often in a row a card may be reset by others between connecting and the transaction; nothing was sent to it then.
_MAX_RESETS: Final = 5

# SCardConnect refuses at once while another program has the reader for itself: rests between the tries.
_FIRST_REST: Final = 0.05
_LONGEST_REST: Final = 0.5


@dataclass(eq=False, slots=True)
class _Job(Generic[T]):
    operation: Callable[[CardConnection], T]
    outcome: Future[T] = field(default_factory=Future)

    def refuse(self, error: Exception) -> None:
        """Let the operation fail without having begun, unless the caller gave it up before."""
        if self.outcome.set_running_or_notify_cancel():
            self.outcome.set_exception(error)


class ReaderWorker:
    """Takes the card in `reader` for one operation at a time.

    `trace` is told of each exchange, in the worker's thread. `establish` makes a PC/SC context; the worker keeps one,
    and replaces it when the service was restarted.
    """

    def __init__(
        self,
        reader: str,
        *,
        trace: ExchangeTrace | None = None,
        establish: Callable[[], scard.Context] = scard.Context.establish,
    ) -> None:
        self.reader: Final = reader
        self._trace = trace
        self._establish = establish
        # In their order; whoever gives up takes his out, so that a thread that hangs leaves no heap behind it.
        self._jobs: dict[_Job[Any], None] = {}
        self._came = threading.Condition()  # guards the jobs; told of a new one and of the end
        self._stopping = threading.Event()
        self._pending: set[Future[Any]] = set()
        # A daemon thread, for one reason: it may hang in SCardBeginTransaction for as long as another process likes,
        # and no call ends that.
        self._thread = threading.Thread(target=self._work, name=f"card {reader}", daemon=True)
        self._context: scard.Context | None = None

    def start(self) -> None:
        """Begin to work. A worker is started once."""
        self._thread.start()

    def stop(self, grace: float = 1.0) -> bool:
        """Give up what has not begun; True if the thread has ended within `grace` seconds.

        Call it from the thread of the callers' event loop: with a `grace` of 0, which does not hold the loop up, and
        `join` in another thread.
        """
        self._stopping.set()
        with self._came:
            self._jobs.clear()
            self._came.notify()
        for outcome in tuple(self._pending):
            outcome.cancel()
        return self.join(grace) if grace else not self._thread.is_alive()

    def join(self, grace: float = 1.0) -> bool:
        """Wait for the end of a worker that was stopped; True if the thread has ended within `grace` seconds.

        Otherwise it ends by itself when the operation, or the PC/SC call that it hangs in, does; it sends nothing more
        than that operation's commands. May be called in any thread.
        """
        if self._thread.is_alive():
            self._thread.join(grace)
        if self._thread.is_alive():
            _log.warning("a reader's thread is left behind in a PC/SC call", reader=self.reader)
        return not self._thread.is_alive()

    async def run(self, operation: Callable[[CardConnection], T], *, patience: float | None = PATIENCE) -> T:
        """Carry out `operation` on the card, in the worker's thread and within one transaction; return its result.

        `patience` is for how many seconds to wait for the card, while it is held by other programs or used by
        operations called before this one; None: for ever. When it is at an end the call raises SithsdError
        `reader.busy` and nothing was sent to the card, nor will be. The same goes for a caller whose task is cancelled.
        Once begun, an operation runs to its end, whoever waits for it; nothing is tried twice. The outcome of one whose
        caller was cancelled after it began is logged.

        Raises what `operation` raises, and SithsdError: `reader.busy`, `reader.unknown` (also if the worker does not
        run), `card.removed`, `card.changed`, `card.unreadable`, `pcsc.unavailable`.
        """
        if self._stopping.is_set() or not self._thread.is_alive():
            raise self._stopped()
        job = _Job(operation)
        outcome = job.outcome
        self._pending.add(outcome)
        with self._came:
            self._jobs[job] = None
            self._came.notify()
        waiter = asyncio.wrap_future(outcome)
        try:
            await asyncio.wait({waiter}, timeout=patience)
            if not waiter.done():
                if outcome.cancel():
                    raise SithsdError(ErrorCode.READER_BUSY, f"the card was not to be had within {patience} seconds")
                await asyncio.wait({waiter})  # it has begun
        except asyncio.CancelledError:
            if not outcome.cancel():
                waiter.cancel()
                outcome.add_done_callback(self._log_unclaimed)
            raise
        finally:
            self._pending.discard(outcome)
            with self._came:
                self._jobs.pop(job, None)
        if waiter.cancelled():
            raise self._stopped()
        return waiter.result()

    def _stopped(self) -> SithsdError:
        return SithsdError(ErrorCode.READER_UNKNOWN, "the reader is no longer served")

    def _log_unclaimed(self, outcome: Future[Any]) -> None:
        error = outcome.exception()
        said = "ok" if error is None else str(error.code) if isinstance(error, SithsdError) else type(error).__name__
        _log.warning("an operation ended after its caller had gone", reader=self.reader, outcome=said)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            self._perform(job)
        self._drop_context()

    def _next(self) -> _Job[Any] | None:
        """Wait for the next job and take it; None at the end."""
        with self._came:
            while not (self._jobs or self._stopping.is_set()):
                self._came.wait()
            if self._stopping.is_set():
                return None
            job = next(iter(self._jobs))
            del self._jobs[job]
            return job

    def _perform(self, job: _Job[Any]) -> None:
        try:
            handle = self._take_card(job)
        except Exception as error:  # noqa: BLE001 - the caller gets it, and the thread lives on for the next job
            job.refuse(error)
            return
        if handle is None:
            return
        if not job.outcome.set_running_or_notify_cancel():
            self._leave_card(handle, scard.LEAVE_CARD)
            return
        connection = CardConnection(handle, self._trace, self.reader)
        try:
            result = job.operation(connection)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the caller
            self._release(connection, handle)
            job.outcome.set_exception(error)
        else:
            self._release(connection, handle)
            job.outcome.set_result(result)

    def _take_card(self, job: _Job[Any]) -> scard.CardHandle | None:
        """Return the card with a transaction begun; None if the job was given up meanwhile. Raises SithsdError."""
        resets = renewals = 0
        rest = _FIRST_REST
        while not (job.outcome.cancelled() or self._stopping.is_set()):
            try:
                return self._connect()
            except scard.PcscError as error:
                if error.code in scard.DEAD:
                    self._drop_context()
                    renewals += 1
                    if renewals == 1:
                        continue  # the service was restarted since
                elif error.code == scard.SHARING_VIOLATION:
                    self._stopping.wait(rest)
                    rest = min(2 * rest, _LONGEST_REST)
                    continue
                elif error.code == scard.RESET_CARD:
                    resets += 1
                    if resets < _MAX_RESETS:
                        continue
                raise translate(error, begun=False) from error
        return None

    def _connect(self) -> scard.CardHandle:
        if self._context is None:
            self._context = self._establish()
        handle = self._context.connect(self.reader)
        try:
            handle.begin_transaction()
        except BaseException:
            self._disconnect(handle, scard.LEAVE_CARD)
            raise
        return handle

    def _release(self, connection: CardConnection, handle: scard.CardHandle) -> None:
        connection.end()
        self._leave_card(handle, connection.disposition)

    def _leave_card(self, handle: scard.CardHandle, disposition: int) -> None:
        try:
            handle.end_transaction(disposition)
        except scard.PcscError as error:
            # Usual when the card was taken out. If it was not, disconnecting does what is to be done.
            _log.debug("a transaction did not end", reader=self.reader, error=str(error))
            self._disconnect(handle, disposition)
        else:
            self._disconnect(handle, scard.LEAVE_CARD)

    def _disconnect(self, handle: scard.CardHandle, disposition: int) -> None:
        try:
            handle.disconnect(disposition)
        except scard.PcscError as error:
            # The service frees what a context held when the context goes, and resets cards left in a transaction.
            _log.debug("a connection did not end", reader=self.reader, error=str(error))
            self._drop_context()

    def _drop_context(self) -> None:
        context, self._context = self._context, None
        if context is not None:
            with suppress(scard.PcscError):  # of a service that is gone; the library forgets the context all the same
                context.release()
