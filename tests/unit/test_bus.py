"""The bus connection against a bus that is made up, and says what a true one never would."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from jeepney import DBusAddress, HeaderFields, Message, MessageType, new_method_call, new_method_return, new_signal
from jeepney.fds import FileDescriptor
from jeepney.low_level import Header

from sithsd.bus import BUS, Bus, BusError, RefusedError

DEADLINE = 20.0
EMITTER = DBusAddress("/somewhere", interface="somewhere.Else")
PING = new_method_call(BUS, "Ping")
NAME, OWNER, OTHER, STRANGER = "somewhere.Name", ":1.7", ":1.8", ":1.66"
GUID = b"OK 0123456789abcdef0123456789abcdef\r\n"


class FakeBus:
    """Accepts one client, goes through the greetings, and answers each call as told."""

    def __init__(self, path: Path) -> None:
        self.address = f"unix:path={path}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self.answer: Callable[[socket.socket, Message], None] = reply
        self.greetings = [GUID, b"AGREE_UNIX_FD\r\n"]
        self.end: socket.socket | None = None

    def serve(self) -> None:
        """Serve, in a thread, until the client hangs up."""
        end, _ = self._listener.accept()
        end.settimeout(DEADLINE)
        self.end = end
        lines = end.makefile("rb")
        for greeting in self.greetings:
            lines.readline()
            end.sendall(greeting)
        if not lines.readline():
            return
        with suppress(OSError):
            self._calls(end, lines)

    def _calls(self, end: socket.socket, lines: Any) -> None:
        first = True
        while head := lines.read(16):
            size = int.from_bytes(head[4:8], "little") + (int.from_bytes(head[12:16], "little") + 7) // 8 * 8
            call = Message.from_buffer(head + lines.read(size))
            if first:
                reply(end, call, "s", (":1.1",))
            else:
                self.answer(end, call)
            first = False

    def close(self) -> None:
        """Close what is open."""
        self._listener.close()
        if self.end is not None:
            self.end.close()


def reply(end: socket.socket, call: Message, signature: str | None = None, body: tuple[Any, ...] = ()) -> None:
    """Answer a call."""
    end.sendall(new_method_return(call, signature, body).serialise(7))


def rang(sender: str, number: int = 0) -> Message:
    """Return a signal, with the sender's name that the bus puts in."""
    signal = new_signal(EMITTER, "Rang", "i", (number,))
    signal.header.fields[HeaderFields.sender] = sender
    return signal


def owner_changed(old: str, new: str, sender: str = BUS.bus_name) -> bytes:
    """Return what the bus says when a name goes to another one."""
    signal = new_signal(BUS, "NameOwnerChanged", "sss", (NAME, old, new))
    signal.header.fields[HeaderFields.sender] = sender
    return signal.serialise(9)


@pytest.fixture
async def fake(tmp_path: Path) -> AsyncIterator[FakeBus]:
    """Return a bus that serves one client."""
    made = FakeBus(tmp_path / "bus")
    served = asyncio.create_task(asyncio.to_thread(made.serve))
    yield made
    if made.end is not None:
        with suppress(OSError):
            made.end.shutdown(socket.SHUT_RDWR)
    made.close()
    served.cancel()


def descriptors() -> int:
    """Return how many files this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - as many as there are, no paths


async def test_a_call_is_answered_though_signals_come_before(fake: FakeBus) -> None:
    """Signals that come before an answer are kept, in order."""

    def answer(end: socket.socket, call: Message) -> None:
        for number in (1, 2):
            end.sendall(new_signal(EMITTER, "Rang", "i", (number,)).serialise(number))
        reply(end, call, "s", ("pong",))

    fake.answer = answer
    with closing(await Bus.connect(fake.address)) as bus:
        assert await bus.call(PING) == ("pong",)
        assert [(await bus.signal()).body for _ in range(2)] == [(1,), (2,)]


async def test_an_error_is_a_refusal(fake: FakeBus) -> None:
    """An error reply has its name told, and the connection goes on."""

    def answer(end: socket.socket, call: Message) -> None:
        fields = {HeaderFields.error_name: "not.Today", HeaderFields.reply_serial: call.header.serial}
        header = Header(call.header.endianness, MessageType.error, 0, 1, 0, 3, fields)
        end.sendall(Message(header, ()).serialise(3))
        fake.answer = reply

    fake.answer = answer
    with closing(await Bus.connect(fake.address)) as bus:
        with pytest.raises(RefusedError, match=r"not\.Today"):
            await bus.call(PING)
        assert await bus.call(PING) == ()


async def test_a_descriptor_is_the_callers_only_in_an_answer(fake: FakeBus) -> None:
    """One that is answered arrives; those that come with a signal are closed, however many."""

    def answer(end: socket.socket, call: Message) -> None:
        with Path("/dev/null").open("rb") as null:
            signal = new_signal(EMITTER, "Here", "h", (null,))
            raw = signal.serialise(5, fds=(carried := []))
            socket.send_fds(end, [raw], [*carried, null.fileno(), null.fileno()])
            answered = new_method_return(call, "h", (null,)).serialise(6, fds=(carried := []))
            socket.send_fds(end, [answered], list(carried))

    fake.answer = answer
    with closing(await Bus.connect(fake.address)) as bus:
        before = descriptors()
        (given,) = await bus.call(PING)
        assert isinstance(given, FileDescriptor)
        assert descriptors() == before + 1
        given.close()
        assert descriptors() == before


@pytest.mark.parametrize(
    "sent",
    [
        b"l\x04\x00\x01" + (1 << 20).to_bytes(4, "little") + bytes(8),
        b"l\x04\x00\x01" + bytes(8) + (1 << 26).to_bytes(4, "little"),
        b"HTTP/1.1 400 Bad Request\r\n\r\n" * 40,
        bytes(64),
        b"",
    ],
    ids=["large body", "large header", "no message", "zeros", "hung up"],
)
async def test_what_is_no_message_ends_the_connection(fake: FakeBus, sent: bytes) -> None:
    """Messages that are too large, broken or torn are one named error."""

    def answer(end: socket.socket, _: Message) -> None:
        end.sendall(sent)
        if not sent:
            end.shutdown(socket.SHUT_RDWR)

    fake.answer = answer
    with closing(await Bus.connect(fake.address)) as bus, pytest.raises(BusError):
        async with asyncio.timeout(DEADLINE):
            await bus.call(PING)


async def test_a_flood_of_signals_has_a_bound(fake: FakeBus) -> None:
    """Signals without end instead of an answer: the connection is given up."""

    def answer(end: socket.socket, _: Message) -> None:
        for number in range(1, 400):
            end.sendall(new_signal(EMITTER, "Rang").serialise(number))

    fake.answer = answer
    with closing(await Bus.connect(fake.address)) as bus, pytest.raises(BusError, match="more signals"):
        await bus.call(PING)


async def test_a_followed_owner_has_the_same_bound(fake: FakeBus) -> None:
    """What is kept is counted, whoever is followed."""

    def answer(end: socket.socket, call: Message) -> None:
        if call.header.fields[HeaderFields.member] == "GetNameOwner":
            reply(end, call, "s", (OWNER,))
            fake.answer = flood
        else:
            reply(end, call)

    def flood(end: socket.socket, _: Message) -> None:
        for number in range(1, 400):
            end.sendall(rang(OWNER).serialise(number))

    fake.answer = answer
    with closing(await Bus.connect(fake.address)) as bus:
        assert await bus.follow(NAME) == OWNER
        with pytest.raises(BusError, match="more signals"):
            await bus.call(PING)


async def test_strangers_are_not_kept(fake: FakeBus) -> None:
    """However much somebody sends whom nobody follows: the answer comes, and nothing that others said is lost."""

    def answer(end: socket.socket, call: Message) -> None:
        end.sendall(rang(BUS.bus_name, 1).serialise(1))
        late = new_method_return(Message(Header(call.header.endianness, MessageType.method_call, 0, 1, 0, 99, {}), ()))
        for number in range(1, 1000):
            end.sendall(rang(STRANGER).serialise(number))
            end.sendall(late.serialise(number))
        end.sendall(rang(BUS.bus_name, 2).serialise(2))
        reply(end, call, "s", ("pong",))
        end.sendall(rang(STRANGER).serialise(3))
        end.sendall(rang(BUS.bus_name, 3).serialise(4))

    fake.answer = answer
    with closing(await Bus.connect(fake.address)) as bus:
        assert await bus.call(PING) == ("pong",)
        async with asyncio.timeout(DEADLINE):
            assert [(await bus.signal()).body for _ in range(3)] == [(1,), (2,), (3,)]


def unreadable(kind: str) -> bytes:
    """Return a stranger's signal as the bus passes it on, which can't be taken."""
    signal = new_signal(EMITTER, "Rang")
    signal.header.fields[HeaderFields.sender] = STRANGER
    fields = signal.header.fields
    match kind:
        case "large body":
            fields[HeaderFields.signature] = "s"
            signal.body = ("x" * 3_000_000,)
        case "large header":
            fields[HeaderFields.path] = "/x" * 50_000
        case "a descriptor that is not there":
            fields[HeaderFields.signature] = "u"
            signal.body = (4,)
            return signal.serialise(5).replace(b"\x08\x01g\x00\x01u", b"\x08\x01g\x00\x01h")
        case "descriptors that did not fit":
            fields[HeaderFields.unix_fds] = 40
        case "an answer's number":
            fields[HeaderFields.reply_serial] = 2  # of the call after Hello
    return signal.serialise(5)


@pytest.mark.parametrize(
    "kind",
    [
        "large body",
        "large header",
        "a descriptor that is not there",
        "descriptors that did not fit",
        "an answer's number",
    ],
)
async def test_a_stranger_can_not_end_the_connection(fake: FakeBus, kind: str) -> None:
    """What nobody waits for need not be small, nor understood; and it answers nothing."""

    def answer(end: socket.socket, call: Message) -> None:
        with Path("/dev/null").open("rb") as null:
            raw = unreadable(kind)
            socket.send_fds(end, [raw[:8]], [null.fileno()] * 20)
            end.sendall(raw[8:])
        reply(end, call, "s", ("pong",))

    fake.answer = answer
    with closing(await Bus.connect(fake.address)) as bus:
        before = descriptors()
        assert await bus.call(PING) == ("pong",)
        assert descriptors() == before


async def test_an_owner_is_followed(fake: FakeBus) -> None:
    """Who has the name is believed as the bus tells it, from then on, and a waiting call makes no difference."""
    asked: list[str] = []

    def answer(end: socket.socket, call: Message) -> None:
        asked.append(call.header.fields[HeaderFields.member])
        match asked[-1]:
            case "GetNameOwner":
                end.sendall(owner_changed("", OTHER))
                end.sendall(owner_changed(OTHER, OWNER))
                reply(end, call, "s", (OWNER,))
            case "Ping":
                end.sendall(owner_changed(OWNER, STRANGER, sender=STRANGER))
                end.sendall(rang(STRANGER, 1).serialise(3))
                end.sendall(rang(OTHER, 2).serialise(3))
                end.sendall(rang(OWNER, 3).serialise(3))
                end.sendall(owner_changed(OWNER, OTHER))
                end.sendall(rang(OTHER, 4).serialise(3))
                end.sendall(rang(OWNER, 5).serialise(3))
                end.sendall(owner_changed(OTHER, ""))
                end.sendall(rang(OTHER, 6).serialise(3))
                reply(end, call)
            case _:
                reply(end, call)

    fake.answer = answer
    with closing(await Bus.connect(fake.address)) as bus:
        assert await bus.follow(NAME) == OWNER
        assert asked == ["AddMatch", "GetNameOwner"]  # in the other order a change in between would be missed
        await bus.call(PING)
        async with asyncio.timeout(DEADLINE):
            told = [(await bus.signal()).body for _ in range(6)]
        assert told == [(NAME, "", OTHER), (NAME, OTHER, OWNER), (3,), (NAME, OWNER, OTHER), (4,), (NAME, OTHER, "")]


@pytest.mark.parametrize("name", ["org.freedesktop.DBus.Error.NameHasNoOwner", "org.freedesktop.DBus.Error.NoMemory"])
async def test_a_name_without_an_owner(fake: FakeBus, name: str) -> None:
    """Nobody has it, until the bus tells of one; any other refusal is one."""

    def answer(end: socket.socket, call: Message) -> None:
        if call.header.fields[HeaderFields.member] == "AddMatch":
            reply(end, call)
            return
        fields = {HeaderFields.error_name: name, HeaderFields.reply_serial: call.header.serial}
        end.sendall(Message(Header(call.header.endianness, MessageType.error, 0, 1, 0, 3, fields), ()).serialise(3))
        end.sendall(rang(OWNER, 1).serialise(4) + owner_changed("", OWNER) + rang(OWNER, 2).serialise(5))

    fake.answer = answer
    with closing(await Bus.connect(fake.address)) as bus:
        if not name.endswith("NameHasNoOwner"):
            with pytest.raises(RefusedError, match="NoMemory"):
                await bus.follow(NAME)
            return
        assert await bus.follow(NAME) is None
        async with asyncio.timeout(DEADLINE):
            assert [(await bus.signal()).body for _ in range(2)] == [(NAME, "", OWNER), (2,)]


@pytest.mark.parametrize("greetings", [[b"REJECTED EXTERNAL\r\n"], [GUID, b"ERROR\r\n"], [b"x" * 9000]])
async def test_a_bus_that_does_not_want_us(fake: FakeBus, greetings: list[bytes]) -> None:
    """A refused user, no descriptors, or a line without an end: there is no connection, and nothing is left open."""
    fake.greetings = greetings
    before = descriptors()
    with pytest.raises(BusError):
        async with asyncio.timeout(DEADLINE):
            await Bus.connect(fake.address)
    assert descriptors() <= before + 1  # the fake's own end


@pytest.mark.parametrize("address", ["", "unix:", "tcp:host=x", "unix:path=/nowhere/bus", "x"])
async def test_an_address_that_is_none(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands in the environment or the address: an error by name."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/at/all")
    with pytest.raises(BusError):
        await Bus.connect(address)
