"""The audit, as the asyncio loop uses it: the writing goes on in threads, and each row is told in the log.

The log tells each row's number and hash, so that the journal is a second witness of the chain.

What nobody has to wait for (notices, orders refused before the card) is written in the background, and bounded: of each
card so many notices in an hour, of each refusal one in a minute. What goes beyond gets one row, which tells how many.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from sithsd.audit.log import AuditLog, Ticket
from sithsd.audit.model import Event, Operation, Row
from sithsd.errors import SithsdError
from sithsd.session.model import Notice, NoticeKind
from sithsd.session.throttle import Throttle

_ABANDONED = "abandoned"
# Rows kept in memory while the audit can't be written.
_MOST_WAITING = 256
NOTICES_IN_AN_HOUR = 20
_HOUR = 3600.0
_MINUTE = 60.0
# Of a refusal's rules, so that the row keeps its bound.
_MOST_RULES = 16
_LONGEST_RULE = 32


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row to be written in the background."""

    operation: Operation
    result: str
    tries_after: int | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


class Ledger:
    """Writes the rows. `tell_seconds` is a clock that only goes on, `notices_per_hour` those of one card with rows.

    Rows of the background stand in their order. While the audit can't be written they wait, for as long as the daemon
    runs, and go before the next operation; of more than there is room for the last ones are only counted.
    """

    def __init__(
        self,
        audit: AuditLog,
        tell_seconds: Callable[[], float] = time.monotonic,
        *,
        notices_per_hour: int = NOTICES_IN_AN_HOUR,
    ) -> None:
        self._audit = audit
        self._writing: set[asyncio.Task[None]] = set()
        self._waiting: deque[_Entry] = deque()
        self._dropped = 0
        self._notices: Throttle[_Entry] = Throttle(notices_per_hour, _HOUR, tell_seconds)
        self._refusals: Throttle[_Entry] = Throttle(1, _MINUTE, tell_seconds)
        self._beginning = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._log = structlog.get_logger("sithsd.audit")

    async def begin(self, operation: Operation) -> Ticket:
        """Make room for an operation's row. Raises audit.unavailable: then the card is not to be touched.

        In the order of the calls: so the operations keep theirs. Who is cancelled meanwhile has begun nothing: the row
        says "abandoned".
        """
        async with self._beginning:
            self._count_ended()
            # In a task of its own: one that is cancelled would not know whether its row was written.
            await asyncio.shield(self._beside(self._write()))
            begun = asyncio.get_running_loop().create_task(asyncio.to_thread(self._audit.begin, operation))
            try:
                return await asyncio.shield(begun)
            except asyncio.CancelledError:
                self._beside(self._give_up(begun))
                raise

    async def finish(
        self,
        ticket: Ticket,
        result: str,
        *,
        tries_before: int | None,
        tries_after: int | None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """Write an operation's row. One that can't be written now is kept by the audit, which says so."""
        self._tell(await asyncio.to_thread(self._audit.finish, ticket, result, tries_before, tries_after, more))

    def note(self, notice: Notice) -> None:
        """Write a notice's row, soon."""
        result = {True: "happened", False: "didNotHappen", None: "unknown"}[notice.happened]
        if notice.kind is NoticeKind.TRIES_LOST_ELSEWHERE:
            result = "happened"
        operation = Operation(
            operation=str(notice.kind),
            reader=notice.reader,
            card_serial=notice.card_serial,
            role=str(notice.role),
            tries_before=notice.tries_before,
        )
        self._add(self._notices, notice.card_serial, _Entry(operation, result, notice.tries_after))

    def refused(self, operation: Operation, code: str, rules: Sequence[str] = ()) -> None:
        """Write, soon, the row of an order that was refused before its card was touched; `code` is the error's.

        The checklist's answers are left out: `rules` names what is missing.
        """
        names = [rule for rule in rules if rule.isascii() and rule.isprintable() and len(rule) <= _LONGEST_RULE]
        more = {"rules": names[:_MOST_RULES]} if rules else {}
        entry = _Entry(replace(operation, checklist=None), code, more=more)
        self._add(self._refusals, (operation.uid, operation.card_serial, code), entry)

    async def close(self) -> None:
        """Wait for the rows on their way, write what waits, and close the audit."""
        while self._writing:
            await asyncio.wait(self._writing)
        self._count_ended(everything=True)
        await self._write()
        await asyncio.to_thread(self._audit.close)

    def _add(self, throttle: Throttle[_Entry], key: object, entry: _Entry) -> None:
        self._count_ended()
        if throttle.passes(key, entry):
            self._wait(entry)
        if self._waiting:
            self._beside(self._write())

    def _count_ended(self, *, everything: bool = False) -> None:
        """Have a row written for what went beyond its bound, where that is over."""
        for throttle in (self._notices, self._refusals):
            for entry, count in throttle.ended(everything=everything):
                self._wait(replace(entry, more={**entry.more, "notWritten": count}))

    def _wait(self, entry: _Entry) -> None:
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(entry)
        else:
            self._dropped += 1

    def _beside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return task

    async def _give_up(self, begun: asyncio.Task[Ticket]) -> None:
        try:
            ticket = await begun
        except SithsdError as error:
            # The operation did not begin, and nobody is there to be told.
            self._log.info("audit.notBegun", code=str(error.code))
            return
        await self.finish(ticket, _ABANDONED, tries_before=None, tries_after=None)

    async def _write(self) -> None:
        """Write the rows that wait. Those that can't be written go on waiting."""
        async with self._turn:
            for _ in range(len(self._waiting)):
                if not await self._written(self._waiting[0]):
                    return
                self._waiting.popleft()
            if self._dropped:
                count = self._dropped
                entry = _Entry(Operation(str(Event.NOT_WRITTEN)), "unknown", more={"notWritten": count})
                if await self._written(entry):
                    self._dropped -= count

    async def _written(self, entry: _Entry) -> bool:
        kind = entry.operation.operation
        try:
            row = await asyncio.to_thread(
                self._audit.note, entry.operation, entry.result, tries_after=entry.tries_after, more=entry.more or None
            )
        except SithsdError as error:
            self._log.error("audit.noticeNotWritten", code=str(error.code), kind=kind, waiting=len(self._waiting))
            return False
        except ValueError as error:
            # It will never be written, and must not keep back the others.
            self._log.error("audit.noticeLeftOut", detail=str(error), kind=kind)
            return True
        self._tell(row)
        return True

    def _tell(self, row: Row | None) -> None:
        if row is not None:
            self._log.info("audit.row", number=row.number, hash=row.hash)
