"""The agent's socket: connections of this user alone, bounded in number, size and time. A thread for each."""

import os
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sithsd.api.peer import caller_of
from sithsd.cli.ssh.asking import Client
from sithsd.cli.ssh.packing import MalformedError
from sithsd.cli.ssh.protocol import LENGTH_BYTES, framed, length_of

_RETRY_SECONDS = 0.5

Converse = Callable[[Client], Callable[[bytes], bytes]]


@dataclass(frozen=True)
class Bounds:
    """`connections` at once; seconds of a silent connection, of a message from its first byte, of an answer unread."""

    connections: int = 64
    idle_seconds: float = 600.0
    message_seconds: float = 10.0
    write_seconds: float = 10.0


class Server:
    """Serves a listening socket from its start until it is closed. `converse` gives what answers a connection.

    What a connection does not keep to (`Bounds`, a length that is none) ends it. `failed` is told of faults.
    """

    def __init__(
        self,
        listening: socket.socket,
        converse: Converse,
        failed: Callable[[Exception], None],
        bounds: Bounds | None = None,
    ) -> None:
        self._listening = listening
        self._converse = converse
        self._failed = failed
        self._bounds = bounds or Bounds()
        self._places = threading.Semaphore(self._bounds.connections)
        self._wake_reader, self._wake_writer = os.pipe()
        self._thread = threading.Thread(target=self._accept, name="accept", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._wake_writer)
        self._thread.join()
        os.close(self._wake_reader)

    def _accept(self) -> None:
        poll = select.poll()
        poll.register(self._listening, select.POLLIN)
        poll.register(self._wake_reader, 0)
        while all(number != self._wake_reader for number, _ in poll.poll()):
            try:
                connection, _ = self._listening.accept()
            except (BlockingIOError, ConnectionError):
                continue
            except OSError as error:
                # No descriptor is free, say: whoever waits may get in later.
                self._failed(error)
                select.select([self._wake_reader], [], [], _RETRY_SECONDS)
                continue
            self._admit(connection)

    def _admit(self, connection: socket.socket) -> None:
        """Serve a connection, or end it: it has to be of this user, or of root."""
        mine = False
        with suppress(OSError):
            mine = caller_of(connection).uid in {os.geteuid(), 0}
        if not mine or not self._places.acquire(blocking=False):
            connection.close()
            return
        threading.Thread(target=self._serve, args=(connection,), name="connection", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, suppress(OSError, MalformedError):
                answer = self._converse(connection)
                while (message := self._received(connection)) is not None:
                    answered = framed(answer(message))
                    connection.settimeout(self._bounds.write_seconds)
                    connection.sendall(answered)
        except Exception as error:  # noqa: BLE001 - the end of a thread: a fault ends this connection, and is told
            self._failed(error)
        finally:
            self._places.release()

    def _received(self, connection: socket.socket) -> bytes | None:
        """Return the next message, None at the end. Raises MalformedError and OSError, of which TimeoutError is one."""
        connection.settimeout(self._bounds.idle_seconds)
        data = bytearray(connection.recv(LENGTH_BYTES))
        if not data:
            return None
        deadline = time.monotonic() + self._bounds.message_seconds
        self._fill(connection, data, LENGTH_BYTES, deadline)
        message = bytearray()
        self._fill(connection, message, length_of(bytes(data)), deadline)
        return bytes(message)

    @staticmethod
    def _fill(connection: socket.socket, data: bytearray, length: int, deadline: float) -> None:
        while len(data) < length:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection.settimeout(left)
            more = connection.recv(length - len(data))
            if not more:
                raise MalformedError("ended in the midst of a message")
            data += more
