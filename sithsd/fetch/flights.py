"""One fetch for many askers: what is under way, and what has just ended, is shared."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")
MOST_FLIGHTS = 128
_MOST_ENDED = 256


class TooManyError(Exception):
    """More is under way than may be."""


class Flights(Generic[T]):
    """Runs each thing once at a time; who asks for it meanwhile, or within `rest` seconds after it, gets the same.

    A flight goes on when those who asked have left: what comes late is for the next one. `tell_seconds` is a clock that
    only goes on.
    """

    def __init__(self, rest: float, tell_seconds: Callable[[], float]) -> None:
        self._rest = rest
        self._tell_seconds = tell_seconds
        self._flying: dict[Hashable, asyncio.Task[T]] = {}
        self._ended: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many are under way."""
        return len(self._flying)

    async def join(self, key: Hashable, begin: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what the flight `key` brings; `begin` makes it. Raises TooManyError, and what the flight does."""
        self._forget_old()
        if (ended := self._ended.get(key)) is not None:
            return ended[1]
        task = self._flying.get(key)
        if task is None:
            if len(self._flying) >= MOST_FLIGHTS:
                raise TooManyError
            task = asyncio.get_running_loop().create_task(begin())
            self._flying[key] = task
            task.add_done_callback(lambda done: self._land(key, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Give up all that is under way."""
        tasks = list(self._flying.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _land(self, key: Hashable, task: asyncio.Task[T]) -> None:
        del self._flying[key]
        if task.cancelled() or task.exception() is not None:
            return
        self._ended[key] = (self._tell_seconds(), task.result())
        self._ended.move_to_end(key)
        self._forget_old()

    def _forget_old(self) -> None:
        """Let go of what is shared no more: it may be large."""
        over = self._tell_seconds() - self._rest
        while self._ended and (len(self._ended) > _MOST_ENDED or next(iter(self._ended.values()))[0] <= over):
            self._ended.popitem(last=False)
