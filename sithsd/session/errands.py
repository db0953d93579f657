"""What a reader's worker thread is asked to do with the card, and for how long its answer is waited for.

Belongs to the asyncio loop's thread.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from structlog.typing import FilteringBoundLogger

from sithsd.card.operations import Connection
from sithsd.errors import ErrorCode, SithsdError
from sithsd.session.fault import fault
from sithsd.session.tools import Tools, Worker

T = TypeVar("T")


class Errands:
    """Has one reader's worker do what is asked for."""

    def __init__(self, worker: Worker, tools: Tools, log: FilteringBoundLogger) -> None:
        self._worker = worker
        self._tools = tools
        self._log = log

    async def answered(self, operation: Callable[[Connection], T], patience: float | None = None) -> T:
        """Have the worker run `operation`, but don't wait for ever for a card that does not answer.

        Raises card.unreadable then; the operation goes on, and whatever it finds is of no use to anybody.
        """
        task = await self.begun(operation, patience, self._tools.answer_seconds)
        if task.done():
            return task.result()
        task.add_done_callback(forget_result)
        raise SithsdError(ErrorCode.CARD_UNREADABLE, "the card does not answer")

    async def begun(
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


def forget_result(task: "asyncio.Future[T]") -> None:
    """Take the result off the hands of a task that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
