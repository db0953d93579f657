"""A connection to the system bus (D-Bus specification 0.41), for one task: calls, signals, and file descriptors.

The bytes are jeepney's affair; this module moves them with asyncio, and bounds what may come.
"""

import asyncio
import socket
import struct
from collections import deque
from itertools import count
from typing import Any, Final, Self

from jeepney import DBusAddress, HeaderFields, Message, MessageType, Parser, new_method_call
from jeepney.auth import BEGIN, AuthenticationError, Authenticator
from jeepney.bus import get_bus
from jeepney.fds import FileDescriptor

_SECONDS: Final = 10.0  # for a call, and for connecting
_LARGEST_MESSAGE: Final = 64 * 1024  # what is spoken here takes some hundred bytes
_MOST_WAITING: Final = 256
_MOST_DESCRIPTORS: Final = 16
_LINE_BYTES: Final = 1024

BUS: Final = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")

# All that jeepney may raise for bytes that are no message.
_MALFORMED: Final = (ValueError, TypeError, KeyError, IndexError, AssertionError, RecursionError, struct.error)


class BusError(Exception):
    """The bus is not there, was lost, or sent what can't be read; the message says which. The connection is over."""


class RefusedError(Exception):
    """A call was answered with an error, or not in time; the message is the error's name. The connection goes on."""


class Bus:
    """One connection; `Bus.connect` makes it."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._parser = Parser()
        self._serials = count(1)
        self._waiting: deque[Message] = deque()

    @classmethod
    async def connect(cls, address: str | None = None) -> Self:
        """Connect to the bus at a D-Bus address, the system bus by default. Raises BusError."""
        try:
            path = get_bus(address or "SYSTEM")
        except (ValueError, RuntimeError, StopIteration, KeyError) as error:
            raise BusError("the bus has no address that can be used") from error
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        bus = cls(end)
        try:
            async with asyncio.timeout(_SECONDS):
                await asyncio.get_running_loop().sock_connect(end, path)
                await bus._authenticate()
                await bus.call(new_method_call(BUS, "Hello"))
        except BaseException as error:
            bus.close()
            if isinstance(error, RefusedError | OSError):  # of these is TimeoutError
                raise BusError(f"no connection: {str(error) or 'no answer'}") from error
            raise
        return bus

    def close(self) -> None:
        """Close the connection."""
        self._end.close()

    async def call(self, message: Message) -> tuple[Any, ...]:
        """Make a call; return what was answered. A file descriptor in it, as `FileDescriptor`, is the caller's.

        Raises RefusedError and BusError.
        """
        serial = next(self._serials)
        sent = False
        try:
            async with asyncio.timeout(_SECONDS):
                await asyncio.get_running_loop().sock_sendall(self._end, message.serialise(serial))
                sent = True
                while True:
                    answer = await self._receive(serial)
                    if answer.header.fields.get(HeaderFields.reply_serial) == serial:
                        break
                    if len(self._waiting) >= _MOST_WAITING:
                        raise BusError("more signals than can be kept")
                    self._waiting.append(answer)
        except TimeoutError as error:
            if not sent:
                raise BusError("the bus takes nothing") from error
            raise RefusedError("no answer in time") from error
        except OSError as error:
            raise BusError(f"the bus was lost: {error.strerror}") from error
        if answer.header.message_type is not MessageType.method_return:
            raise RefusedError(str(answer.header.fields.get(HeaderFields.error_name)))
        return tuple(answer.body)

    async def signal(self) -> Message:
        """Return the next message that answers no call. Raises BusError."""
        if self._waiting:
            return self._waiting.popleft()
        return await self._receive(None)

    async def _authenticate(self) -> None:
        loop = asyncio.get_running_loop()
        authenticator = Authenticator(enable_fds=True)
        try:
            for line in authenticator:
                await loop.sock_sendall(self._end, line)
                answer = await loop.sock_recv(self._end, _LINE_BYTES)
                if not answer:
                    raise BusError("the bus hung up")
                authenticator.feed(answer)
        except AuthenticationError as error:
            raise BusError("the bus refuses this user, or passes no file descriptors") from error
        await loop.sock_sendall(self._end, BEGIN)

    async def _receive(self, serial: int | None) -> Message:
        """Return the next message; only the answer to the call `serial` keeps the descriptors that came with it."""
        descriptors: list[FileDescriptor] = []
        kept: tuple[Any, ...] = ()
        try:
            while (message := self._parsed()) is None:
                await self._read(descriptors)
            self._parser.fds = []  # those that the message did not count are not the next one's
            if serial is not None and message.header.fields.get(HeaderFields.reply_serial) == serial:
                kept = tuple(message.body)
            return message
        finally:
            for descriptor in descriptors:
                if not any(descriptor is one for one in kept):
                    descriptor.close()

    def _parsed(self) -> Message | None:
        try:
            return self._parser.get_next_message()
        except _MALFORMED as error:
            raise BusError("the bus sent what is no message") from error

    async def _read(self, descriptors: list[FileDescriptor]) -> None:
        """Read on, but no more than this message: the descriptors that come along are its own."""
        try:
            wanted = self._parser.bytes_desired()
        except _MALFORMED as error:
            raise BusError("the bus sent what is no message") from error
        if wanted > _LARGEST_MESSAGE:
            raise BusError("the bus sent a message that is too large")
        await self._readable()
        try:
            data, numbers, _, _ = socket.recv_fds(self._end, wanted, _MOST_DESCRIPTORS)
        except BlockingIOError:
            return
        except OSError as error:
            raise BusError(f"the bus was lost: {error.strerror}") from error
        fresh = [FileDescriptor(number) for number in numbers]
        descriptors += fresh
        if not data:
            raise BusError("the bus hung up")
        self._parser.add_data(data, fresh)

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._end, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._end)
