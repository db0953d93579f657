"""The varlink server: interfaces on their sockets.

The socket is the daemon's security boundary, so what is let in is bounded here (see `limits`), who asks is known from
the kernel (see `peer`), and what is asked has its shape before a method sees it (see `shape`).
"""

import asyncio
import os
import socket
from collections.abc import Iterable
from functools import partial
from types import TracebackType
from typing import Self

import structlog

from sithsd.api.connection import Connection, Endpoint
from sithsd.api.interface import Interface
from sithsd.api.limits import Budget, Limits
from sithsd.api.refusals import Refusals
from sithsd.api.service import About, Directory


class Server:
    """Serves each interface on a listening Unix stream socket of its own, together with org.varlink.service.

    The sockets stay their owner's to remove from the file system (see `sockets.Sockets`). Use it as an asynchronous
    context manager, or call `start` and `stop`. There is nothing to wake up for while nobody asks anything.
    """

    def __init__(
        self,
        served: Iterable[tuple[Interface, socket.socket]],
        *,
        about: About | None = None,
        limits: Limits | None = None,
        log: structlog.typing.FilteringBoundLogger | None = None,
    ) -> None:
        self._served = list(served)
        self._about = about or About.installed()
        self._limits = limits or Limits()
        self._log: structlog.typing.FilteringBoundLogger = log or structlog.get_logger("sithsd.api")
        self._budget = Budget(self._limits, os.geteuid())
        self._refusals = Refusals(self._log)
        self._listeners: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        self._stopping = False
        self._left: asyncio.Future[None] | None = None  # done when the last connection is gone

    @property
    def connections(self) -> int:
        """The number of connections, those included that are gone and whose call still runs."""
        return len(self._connections)

    async def start(self) -> None:
        """Begin to accept connections."""
        loop = asyncio.get_running_loop()
        for interface, listening in self._served:
            directory = Directory(interface, self._about)
            endpoint = Endpoint(
                directory, self._limits, self._budget, self._refusals, self._log, self._came, self._gone
            )
            # create_unix_server would remove the socket's file at the end, systemd's too (Python 3.13).
            listener = await loop.create_server(
                partial(Connection, endpoint), sock=listening, backlog=self._limits.connections
            )
            self._listeners.append(listener)

    async def stop(self) -> None:
        """Accept no more, answer the calls that run (not longer than `stop_seconds`), and close everything.

        A stream's last word is the error daemon.unavailable.
        """
        self._stopping = True
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        for connection in list(self._connections):
            connection.finish()
        try:
            async with asyncio.timeout(self._limits.stop_seconds):
                await self._empty()
        except TimeoutError:
            self._log.warning("calls given up at the end", connections=len(self._connections))
            for connection in list(self._connections):
                connection.abort()
            await self._empty()

    def drop_idle(self) -> None:
        """Close the connections on which nothing goes on."""
        for connection in list(self._connections):
            if connection.idle:
                connection.finish()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _came(self, connection: Connection) -> None:
        self._connections.add(connection)
        if self._stopping:
            connection.finish()

    def _gone(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections and self._left is not None and not self._left.done():
            self._left.set_result(None)

    async def _empty(self) -> None:
        """Wait until there is no connection."""
        if self._connections:
            self._left = asyncio.get_running_loop().create_future()
            await self._left
