"""Ends that come from outside, made orderly."""

import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_SIGNALS = 64


def _exit(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


@contextmanager
def ends_with_exit() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block by SystemExit, so that what it changed (a terminal) is put back."""
    before = {number: signal.signal(number, _exit) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def wait_until_readable(descriptor: int) -> None:
    """Wait until there is something to read at `descriptor`, or its end. A signal ends the wait whenever it comes.

    A read by itself may sleep through one that comes just before it: Python has noted the signal by then, and would
    call the handler between two of its own instructions, of which there is none before the next key. So this waits for
    a pipe as well, to which each signal writes. Outside the main thread, which has all signals, it does not wait.
    Raises OSError.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    os.fstat(descriptor)  # raises for one that is closed, whose number the pipe would get
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            poll.register(reader, select.POLLIN)
            while all(ready != descriptor for ready, _ in poll.poll()):
                os.read(reader, _SIGNALS)
        finally:
            signal.set_wakeup_fd(before, warn_on_full_buffer=False)
    finally:
        os.close(reader)
        os.close(writer)


@contextmanager
def interrupted_when_unread(descriptor: int) -> Iterator[None]:
    """Raise KeyboardInterrupt in the block when nobody reads the pipe or socket `descriptor` any more.

    Without this a program that waits for news would wait on, unheard (`sithsctl monitor | head -1`). One thread waits
    for the hang-up, and ends with the block. Call it from the main thread.
    """
    wake_reader, wake_writer = os.pipe()
    waiter = threading.Thread(
        target=_watch, args=(descriptor, wake_reader, threading.get_ident()), name="stdout-closed", daemon=True
    )
    waiter.start()
    try:
        yield
    finally:
        os.close(wake_writer)
        waiter.join()
        os.close(wake_reader)


def _watch(descriptor: int, wake: int, listener: int) -> None:
    poll = select.poll()
    # Errors and hang-ups are always told of; of a file, which has none, nothing ever comes.
    poll.register(descriptor, 0)
    poll.register(wake, 0)
    if all(ready != wake for ready, _ in poll.poll()):
        signal.pthread_kill(listener, signal.SIGINT)
