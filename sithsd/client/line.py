"""One connection of asyncio, for one call: the twin of `sithsd.api.client`, with the same messages and errors."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from sithsd.api import exchange
from sithsd.api.framing import MessageBuffer, MessageTooLongError, wipe
from sithsd.api.wire import Wire

T = TypeVar("T")


class Line:
    """A connection to the socket at `path`, within an `async with`.

    The loop's own calls on the socket are used, and none of asyncio's streams: those keep copies of what is written.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._incoming = MessageBuffer(exchange.REPLY_BYTES)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._socket.close()
        self._incoming.wipe()

    async def call(
        self, method: str, parameters: Wire | Mapping[str, Any], reply_type: type[T], *, patience: float
    ) -> T:
        """Return the reply of one call, within `patience` seconds. Raises SithsdError."""
        try:
            async with asyncio.timeout(patience):
                await self._send(method, parameters, more=False)
                return exchange.shaped(await self._receive(method), reply_type)
        except TimeoutError:
            raise exchange.lost(self._path, method, "did not answer in time") from None

    async def stream(
        self, method: str, parameters: Wire | Mapping[str, Any], reply_type: type[T], *, patience: float
    ) -> AsyncGenerator[T, None]:
        """Yield the replies of a call with `more`. `patience` is for sending it; replies may take any time."""
        try:
            async with asyncio.timeout(patience):
                await self._send(method, parameters, more=True)
        except TimeoutError:
            raise exchange.lost(self._path, method, "does not read") from None
        while True:
            answer = await self._receive(method)
            yield exchange.shaped(answer, reply_type)
            if not answer.continues:
                return

    async def _send(self, method: str, parameters: Wire | Mapping[str, Any], *, more: bool) -> None:
        message = exchange.call_message(method, parameters, more=more)
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(self._socket, self._path)
            # A daemon that refuses the connection has told why before it closed: that is then read.
            with suppress(BrokenPipeError, ConnectionResetError):
                await loop.sock_sendall(self._socket, message)
                await loop.sock_sendall(self._socket, b"\0")
        except OSError as error:
            # Also where nobody accepts: asyncio takes such a socket for a connected one, until it is written to.
            raise exchange.not_connected(self._path, error) from None
        finally:
            wipe(message)

    async def _receive(self, method: str) -> exchange.Answer:
        """Return the next reply. Raises what it tells."""
        loop = asyncio.get_running_loop()
        try:
            while (message := self._incoming.take()) is None:
                count = await loop.sock_recv_into(self._socket, self._incoming.free())
                if not count:
                    raise exchange.lost(self._path, method, "closed the connection")
                self._incoming.received(count)
            answer = exchange.answer_in(message)
        except OSError as error:
            raise exchange.lost(self._path, method, error.strerror or "closed the connection") from None
        except (MessageTooLongError, ValueError, RecursionError):
            raise exchange.no_answer() from None
        if answer.error is not None:
            raise exchange.told(answer.error, answer.parameters)
        return answer
