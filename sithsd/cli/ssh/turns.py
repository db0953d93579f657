"""One thing at a time, in the main thread: what other threads want done there."""

import select
import signal
import socket
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Turns:
    """A queue of work, and a context manager.

    Signals come to the main thread, and a terminal's settings are put back by it alone. Python's handlers run there
    too, but a thread that waits for a queue may sleep through a signal: one that came to another thread, or just before
    it fell asleep. So this one waits for a socket, to which each signal writes (signal.set_wakeup_fd).
    """

    def __init__(self) -> None:
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._sleeper, self._waker = socket.socketpair()
        for end in (self._sleeper, self._waker):
            end.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sleeper.close()
        self._waker.close()

    def take(self, work: Callable[[], T]) -> T:
        """Have `work` done when its turn comes, and return or raise what it does. Call it from another thread."""
        future: Future[T] = Future()
        self._put((future, work))
        return future.result()

    def serve(self) -> None:
        """Do what is waited for, until `end` is called. Raises what a signal's handler raises."""
        before = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        try:
            while (turn := self._next()) is not None:
                future, work = turn
                try:
                    done = work()
                except Exception as error:  # noqa: BLE001 - it is raised where the work was asked for
                    future.set_exception(error)
                else:
                    future.set_result(done)
        finally:
            signal.set_wakeup_fd(before)

    def end(self) -> None:
        """Let `serve` return when everything before is done. Call it from any thread."""
        self._put(None)

    def _put(self, turn: tuple[Future[Any], Callable[[], Any]] | None) -> None:
        self._waiting.put(turn)
        # A buffer that is full wakes as well as one more byte; after the end nobody sleeps any more.
        with suppress(OSError):
            self._waker.send(b"\0")

    def _next(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        while True:
            with suppress(Empty):
                return self._waiting.get_nowait()
            select.select([self._sleeper], [], [])
            self._sleeper.recv(4096)
