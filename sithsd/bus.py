"""A connection to the system bus (D-Bus specification 0.41), for one task: calls, signals, and file descriptors.

The bytes are jeepney's affair; this module moves them with asyncio, and bounds what may come. Every user of the bus may
send signals to this connection alone, as many and as large as the bus allows: who sent a message is looked at first,
and what nobody here waits for is dropped before it is kept, counted or understood.
"""

import asyncio
import socket
import struct
from collections import deque
from itertools import count
from typing import Any, Final, Self

from jeepney import DBusAddress, HeaderFields, Message, MessageType, new_method_call
from jeepney.auth import BEGIN, AuthenticationError, Authenticator
from jeepney.bus import get_bus
from jeepney.fds import FileDescriptor
from jeepney.low_level import Header, calc_msg_size

_SECONDS: Final = 10.0  # for a call, and for connecting
_LARGEST_MESSAGE: Final = 64 * 1024  # what is spoken here takes some hundred bytes
_LARGEST_DROPPED: Final = 32 * 1024 * 1024  # a stranger's: dbus-daemon(1), max_message_size of a system bus
_MOST_WAITING: Final = 256
_MOST_DESCRIPTORS: Final = 16
_LINE_BYTES: Final = 1024
_FIXED_BYTES: Final = 16  # with the lengths of all that comes after (D-Bus specification, "Message Format")
_ANSWERS: Final = (MessageType.method_return, MessageType.error)

BUS: Final = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
_OWNER_MATCH: Final = f"type='signal',sender='{BUS.bus_name}',interface='{BUS.interface}',member='NameOwnerChanged'"
_NO_OWNER: Final = "org.freedesktop.DBus.Error.NameHasNoOwner"

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
        self._begun = bytearray()  # of the message that is being received
        self._carried: list[FileDescriptor] = []  # came with it
        self._dropping = 0  # bytes that are left of a message that nobody waits for
        self._serials = count(1)
        self._owners: dict[str, str | None] = {}
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
                    if _answers(answer.header, serial):
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

    async def follow(self, name: str) -> str | None:
        """Keep the signals of a name's owner, whoever that becomes; return who it is now, None for nobody.

        NameOwnerChanged tells of another one. Match the owner's signals only after this, or the first are dropped.
        Raises RefusedError and BusError.
        """
        await self.call(new_method_call(BUS, "AddMatch", "s", (f"{_OWNER_MATCH},arg0='{name}'",)))
        self._owners[name] = None
        try:
            owner, *_ = await self.call(new_method_call(BUS, "GetNameOwner", "s", (name,)))
        except RefusedError as error:
            if str(error) != _NO_OWNER:
                raise
            owner = None
        # The bus answered after any NameOwnerChanged that has been read by now.
        self._owners[name] = None if owner is None else str(owner)
        return self._owners[name]

    async def signal(self) -> Message:
        """Return the next signal of the bus itself, or of an owner that is followed; cancelled, it loses none.

        Raises BusError.
        """
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
        """Return the next message that is waited for; only the answer to the call `serial` keeps its descriptors."""
        while True:
            kept: tuple[Any, ...] = ()
            fresh: list[FileDescriptor] = []
            try:
                message = await self._next(serial, fresh)
                if message is None:
                    continue
                if _answers(message.header, serial):
                    kept = tuple(message.body)
                return message
            finally:
                for descriptor in fresh:
                    if not any(descriptor is one for one in kept):
                        descriptor.close()

    async def _next(self, serial: int | None, fresh: list[FileDescriptor]) -> Message | None:
        """Return the next message, None for one that was dropped. The descriptors that come along go to `fresh`."""
        while self._dropping:
            self._dropping -= len(await self._some(min(self._dropping, _LARGEST_MESSAGE), fresh))
        await self._fill(_FIXED_BYTES, fresh)
        size, header_size = self._sizes()
        if size > _LARGEST_DROPPED:
            raise BusError("the bus sent a message that is too large")
        if header_size > _LARGEST_MESSAGE:  # the names and paths of all that is waited for are short
            self._drop(size)
            return None
        await self._fill(header_size, fresh)
        if not self._wanted(self._header(), serial):
            self._drop(size)
            return None
        if size > _LARGEST_MESSAGE:
            raise BusError("the bus sent a message that is too large")
        await self._fill(size, fresh)
        message = self._message()
        self._drop(size)
        self._take_note(message)
        return message

    def _drop(self, size: int) -> None:
        """Be done with the message under way, of which some may be yet to come."""
        self._dropping = size - len(self._begun)
        self._begun.clear()
        self._carried.clear()

    def _wanted(self, header: Header, serial: int | None) -> bool:
        # A bus names the sender of every message; without one it would be the bus's own.
        senders = (None, BUS.bus_name, *self._owners.values())
        told = header.message_type is MessageType.signal and header.fields.get(HeaderFields.sender) in senders
        return told or _answers(header, serial)

    def _take_note(self, message: Message) -> None:
        """Follow the owners of names as the bus tells of them, even when its signal itself has to wait for a call."""
        fields = message.header.fields
        match fields.get(HeaderFields.member), message.body:
            case "NameOwnerChanged", (str(name), str(), str(owner)) if name in self._owners:
                if fields.get(HeaderFields.sender) == BUS.bus_name:
                    self._owners[name] = owner or None

    def _sizes(self) -> tuple[int, int]:
        """Return how long the message is, and how long its header."""
        fixed = bytes(self._begun[:_FIXED_BYTES])
        try:
            return calc_msg_size(fixed), calc_msg_size(fixed[:4] + bytes(4) + fixed[8:])  # with a body of no length
        except _MALFORMED as error:
            raise BusError("the bus sent what is no message") from error

    def _header(self) -> Header:
        try:
            header, _ = Header.from_buffer(bytes(self._begun))
        except _MALFORMED as error:
            raise BusError("the bus sent what is no message") from error
        return header

    def _message(self) -> Message:
        try:
            return Message.from_buffer(bytes(self._begun), fds=self._carried)
        except _MALFORMED as error:
            raise BusError("the bus sent what is no message") from error

    async def _fill(self, size: int, fresh: list[FileDescriptor]) -> None:
        """Have so many bytes of the message."""
        while len(self._begun) < size:
            before = len(fresh)
            self._begun += await self._some(size - len(self._begun), fresh)
            self._carried += fresh[before:]

    async def _some(self, wanted: int, fresh: list[FileDescriptor]) -> bytes:
        """Return what there is, but no more than this message: the descriptors that come along are its own."""
        await self._readable()
        try:
            data, numbers, _, _ = socket.recv_fds(self._end, wanted, _MOST_DESCRIPTORS)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise BusError(f"the bus was lost: {error.strerror}") from error
        fresh += [FileDescriptor(number) for number in numbers]
        if not data:
            raise BusError("the bus hung up")
        return data

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._end, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._end)


def _answers(header: Header, serial: int | None) -> bool:
    """Tell whether this answers a call; a signal with the same number in it, which anybody may send, does not."""
    return (
        serial is not None
        and header.message_type in _ANSWERS
        and header.fields.get(HeaderFields.reply_serial) == serial
    )
