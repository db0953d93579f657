"""Waiting for a key, which no signal may be lost to."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sithsd.cli.signals import wait_until_readable

LONG = 20.0


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Give the two ends of a pipe."""
    reader, writer = os.pipe()
    yield reader, writer
    for end in (reader, writer):
        try:
            os.close(end)
        except OSError:
            continue  # the test closed it


def descriptors() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_what_is_there_and_the_end(pipe: tuple[int, int]) -> None:
    """The wait is over when there is something to read, and at the end of the input; nothing is read by it."""
    reader, writer = pipe
    before = descriptors()
    os.write(writer, b"1")
    wait_until_readable(reader)
    assert os.read(reader, 2) == b"1"
    os.close(writer)
    wait_until_readable(reader)
    assert os.read(reader, 1) == b""
    assert descriptors() == before - 1


def test_what_comes_later(pipe: tuple[int, int]) -> None:
    """Signals that end nothing don't end the wait either; what comes after them does."""
    reader, writer = pipe
    heard: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: heard.append(number))

    def act() -> None:
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGUSR1)
        while not heard:
            pass
        os.write(writer, b"1")

    thread = threading.Thread(target=act)
    thread.start()
    try:
        wait_until_readable(reader)
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)
    assert heard


def test_an_interrupt_ends_it(pipe: tuple[int, int]) -> None:
    """Ctrl-C raises KeyboardInterrupt; the descriptor that signals were told to before is told again."""
    reader, _ = pipe
    mine = os.pipe2(os.O_NONBLOCK)
    earlier = signal.set_wakeup_fd(mine[1])
    open_files = descriptors()
    # As python does it: pytest may run where interrupts are ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            wait_until_readable(reader)
        assert descriptors() == open_files
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
        assert signal.set_wakeup_fd(earlier) == mine[1]
        for end in mine:
            os.close(end)


def test_another_thread_does_not_wait(pipe: tuple[int, int]) -> None:
    """Signals are the main thread's alone: in another one a read is as good."""
    thread = threading.Thread(target=wait_until_readable, args=(pipe[0],))
    thread.start()
    thread.join(LONG)
    assert not thread.is_alive()
