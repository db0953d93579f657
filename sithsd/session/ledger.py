"""The audit, as the asyncio loop uses it: the writing goes on in threads, and each row is told in the log.

The log tells each row's number and hash, so that the journal is a second witness of the chain.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from sithsd.audit.log import AuditLog, Ticket
from sithsd.audit.model import Operation, Row
from sithsd.errors import SithsdError
from sithsd.session.model import Notice, NoticeKind


class Ledger:
    """Writes the rows. Notices are written in the background, one after the other."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit
        self._writing: set[asyncio.Task[None]] = set()
        self._beginning = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._log = structlog.get_logger("sithsd.audit")

    async def begin(self, operation: Operation) -> Ticket:
        """Make room for an operation's row. Raises audit.unavailable: then the card is not to be touched.

        In the order of the calls: so the operations keep theirs.
        """
        async with self._beginning:
            return await asyncio.to_thread(self._audit.begin, operation)

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
        task = asyncio.get_running_loop().create_task(self._note(notice))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        """Wait for the rows on their way, and close the audit."""
        if self._writing:
            await asyncio.wait(self._writing)
        await asyncio.to_thread(self._audit.close)

    async def _note(self, notice: Notice) -> None:
        operation = Operation(
            operation=str(notice.kind), reader=notice.reader, card_serial=notice.card_serial, role=str(notice.role)
        )
        result = {True: "happened", False: "didNotHappen", None: "unknown"}[notice.happened]
        if notice.kind is NoticeKind.TRIES_LOST_ELSEWHERE:
            result = "happened"
        async with self._turn:
            try:
                row = await asyncio.to_thread(
                    self._audit.note,
                    operation,
                    result,
                    tries_before=notice.tries_before,
                    tries_after=notice.tries_after,
                )
            except SithsdError as error:
                self._log.error("audit.noticeNotWritten", code=str(error.code), kind=str(notice.kind))
            else:
                self._tell(row)

    def _tell(self, row: Row | None) -> None:
        if row is not None:
            self._log.info("audit.row", number=row.number, hash=row.hash)
