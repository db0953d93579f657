"""The agent's socket: whose connections, how many, how long."""

import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

import sithsd.cli.ssh.server
from sithsd.cli.ssh.packing import uint32
from sithsd.cli.ssh.server import Bounds, Server
from sithsd.cli.ssh.turns import Turns

SECONDS = 20.0


class Bench:
    """A server that answers a message with itself, `held` or at once."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.path = folder / "agent"
        self.stack = stack
        self.faults: SimpleQueue[Exception] = SimpleQueue()
        self.answer: Callable[[bytes], bytes] = lambda message: message
        self._listening = stack.enter_context(socket.socket(socket.AF_UNIX))
        self._listening.bind(str(self.path))
        self._listening.listen()
        self._listening.setblocking(False)

    def start(self, **bounds: Any) -> None:
        """Start the server."""
        server = Server(self._listening, lambda _: self.answer, self.faults.put, replace(Bounds(), **bounds))
        self.stack.enter_context(server)

    def connect(self) -> socket.socket:
        """Return a connection."""
        made = self.stack.enter_context(socket.socket(socket.AF_UNIX))
        made.settimeout(SECONDS)
        made.connect(str(self.path))
        return made


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Return the bench; the test starts the server."""
    with ExitStack() as stack:
        yield Bench(tmp_path, stack)


def ended(connection: socket.socket) -> bool:
    """Whether the server ends the connection; waits for it."""
    try:
        return connection.recv(100) == b""
    except ConnectionError:
        return True


def test_messages_are_answered_in_their_order(bench: Bench) -> None:
    """Several messages in one segment, and one in many segments, have an answer each."""
    bench.start()
    wire = bench.connect()
    wire.sendall(uint32(1) + b"a" + uint32(2) + b"bc")
    received = b""
    while len(received) < 11:
        received += wire.recv(100)
    assert received == b"\0\0\0\1a\0\0\0\2bc"
    for byte in uint32(3) + b"def":
        wire.sendall(bytes([byte]))
    assert wire.recv(100) == b"\0\0\0\3def"


@pytest.mark.parametrize("data", [uint32(0), uint32(65537), b"\xff" * 4])
def test_a_length_out_of_bounds_ends_the_connection(bench: Bench, data: bytes) -> None:
    """Nothing is kept of a message that is too long; others are served on."""
    bench.start()
    wire = bench.connect()
    wire.sendall(data)
    assert ended(wire)
    other = bench.connect()
    other.sendall(uint32(1) + b"a")
    assert other.recv(100) == b"\0\0\0\1a"


def test_a_message_takes_no_longer_than_its_time(bench: Bench) -> None:
    """Whoever begins a message and does not end it, or says nothing at all, is not waited for for ever."""
    bench.start(message_seconds=0.1, idle_seconds=SECONDS)
    for beginning in (b"\0", uint32(5) + b"ab"):
        wire = bench.connect()
        wire.sendall(beginning)
        assert ended(wire)
    assert bench.faults.empty()


def test_a_silent_connection_has_an_end(bench: Bench) -> None:
    """A connection without a message is ended after its time."""
    bench.start(idle_seconds=0.1)
    assert ended(bench.connect())


def test_a_client_that_reads_nothing(bench: Bench) -> None:
    """An answer that nobody reads is given up after its time, and the place is free again."""
    bench.answer = lambda _: bytes(8_000_000)
    bench.start(write_seconds=0.1, connections=1)
    wire = bench.connect()
    wire.sendall(uint32(1) + b"a")
    while len(wire.recv(65536, socket.MSG_PEEK)) == 0:
        pass
    deadline = threading.Event()
    bench.answer = lambda message: message
    for _ in range(1000):
        other = bench.connect()
        try:
            other.sendall(uint32(1) + b"a")
            if other.recv(100) == b"\0\0\0\1a":
                break
        except ConnectionError:
            pass
        deadline.wait(0.02)
    else:
        pytest.fail("the place never became free")


def test_connections_are_bounded(bench: Bench) -> None:
    """As many as the bound are served at once, the next one is ended at once, and one that goes leaves its place."""
    bench.start(connections=2)
    first, second = bench.connect(), bench.connect()
    for wire in (first, second):
        wire.sendall(uint32(1) + b"a")
        assert wire.recv(100) == b"\0\0\0\1a"
    assert ended(bench.connect())
    first.close()
    waiting = threading.Event()
    for _ in range(1000):
        third = bench.connect()
        try:
            third.sendall(uint32(1) + b"c")
            if third.recv(100) == b"\0\0\0\1c":
                return
        except ConnectionError:
            pass
        waiting.wait(0.02)
    pytest.fail("the place never became free")


def test_another_users_connection_is_ended(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel says who connects: neither this user nor root is served, whatever the file's mode let in."""
    real = sithsd.cli.ssh.server.caller_of
    monkeypatch.setattr(
        sithsd.cli.ssh.server, "caller_of", lambda connection: replace(real(connection), uid=os.geteuid() + 1)
    )
    bench.start()
    assert ended(bench.connect())


def test_a_fault_ends_its_connection_alone(bench: Bench) -> None:
    """A fault is told to whoever runs the agent, and the next connection is served."""

    def fail(_message: bytes) -> bytes:
        raise struct.error("a fault")

    bench.answer = fail
    bench.start()
    wire = bench.connect()
    wire.sendall(uint32(1) + b"a")
    assert ended(wire)
    assert isinstance(bench.faults.get(timeout=SECONDS), struct.error)
    bench.answer = lambda message: message
    other = bench.connect()
    other.sendall(uint32(1) + b"a")
    assert other.recv(100) == b"\0\0\0\1a"


@pytest.fixture
def turns() -> Iterator[Turns]:
    """Return turns that this thread serves."""
    with Turns() as made:
        yield made


def test_turns_are_taken_one_by_one_in_the_main_thread(turns: Turns) -> None:
    """Work of other threads is done by the one that serves, never two at once; results and errors go back."""
    at_work: list[int] = []
    most = 0
    results: list[Any] = []

    def work(number: int) -> int:
        nonlocal most
        assert threading.current_thread() is threading.main_thread()
        at_work.append(number)
        most = max(most, len(at_work))
        at_work.remove(number)
        if number == 3:
            raise ValueError(number)
        return number

    def ask(number: int) -> None:
        try:
            results.append(turns.take(lambda: work(number)))
        except ValueError as error:
            results.append(str(error))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    finishing = threading.Thread(target=lambda: ([thread.join() for thread in threads], turns.end()))
    finishing.start()
    turns.serve()
    finishing.join()
    assert sorted(map(str, results)) == ["0", "1", "2", "3", "4"]
    assert most == 1


def test_a_signal_that_comes_to_another_thread_ends_the_turns(turns: Turns) -> None:
    """Whichever thread the system gives a signal to, its handler runs, also while there is nothing to do."""

    class EndError(Exception):
        pass

    def raise_end(_number: int, _frame: Any) -> None:
        raise EndError

    def signal_myself() -> None:
        turns.take(lambda: None)  # so that the turns are served
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, raise_end)
    other = threading.Thread(target=signal_myself)
    try:
        other.start()
        with pytest.raises(EndError):
            turns.serve()
    finally:
        other.join()
        signal.signal(signal.SIGUSR1, before)
