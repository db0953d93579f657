"""A small interface on a socket of its own, served by the test's own event loop."""

import asyncio
import json
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Never

import pytest
from structlog.testing import CapturingLogger

from sithsd.api.interface import Interface, Method, NoParameters, StreamMethod
from sithsd.api.limits import Limits
from sithsd.api.peer import Caller
from sithsd.api.rights import everyone
from sithsd.api.server import Server
from sithsd.api.sockets import Access, open_sockets
from sithsd.api.wire import Wire
from sithsd.errors import ErrorCode, SithsdError, Where
from sithsd.secret import Secret

NAME = "org.example.Room"
TEXT = f"""# A room to try the server in.
interface {NAME}
method Echo(text: string, reader: ?string) -> (text: string)
method WhoAmI() -> (uid: int, gid: int, pid: int, groups: []int)
method Wait() -> (text: string)
method Fail(code: string) -> ()
method Break() -> ()
method Keep(code: string) -> (length: int)
method Watch(size: ?int) -> (number: int, filling: string)
method Silent() -> ()
method Count() -> (number: int, filling: string)
method Staff() -> ()
method Later() -> ()
"""


class EchoCall(Wire, forbid_unknown_fields=True):
    """Parameters of Echo."""

    text: str
    reader: str | None = None


class FailCall(Wire, forbid_unknown_fields=True):
    """Parameters of Fail."""

    code: ErrorCode


class KeepCall(Wire, forbid_unknown_fields=True):
    """Parameters of Keep."""

    code: Secret


class WatchCall(Wire, forbid_unknown_fields=True):
    """Parameters of Watch."""

    size: int | None = None


class Text(Wire):
    """A text."""

    text: str


class Who(Wire):
    """A caller."""

    uid: int
    gid: int
    pid: int
    groups: list[int]


class Length(Wire):
    """A length."""

    length: int


class Number(Wire):
    """A number, and something to make it long."""

    number: int
    filling: str = ""


class Room:
    """The methods, and what the tests need to see of them."""

    def __init__(self) -> None:
        self.waiting = asyncio.Event()  # Wait has been called
        self.release = asyncio.Event()  # lets Wait return
        self.waited = 0  # how often Wait returned
        self.kept = []  # the Secrets that Keep was given
        self.number = 1
        self.news = asyncio.Condition()
        self.watching = 0
        self.pulled = 0  # how many states a watcher was asked for

    def interface(self) -> Any:
        """Return the interface of this room."""
        return Interface(
            TEXT,
            [
                Method("Echo", EchoCall, everyone, self._echo),
                Method("WhoAmI", NoParameters, everyone, self._who),
                Method("Wait", NoParameters, everyone, self._wait),
                Method("Fail", FailCall, everyone, self._fail),
                Method("Break", NoParameters, everyone, self._break),
                Method("Keep", KeepCall, everyone, self._keep),
                Method("Staff", NoParameters, lambda caller: caller.uid < 0, self._break),
                StreamMethod("Watch", WatchCall, everyone, self._watch),
                StreamMethod("Silent", NoParameters, everyone, self._silent),
                StreamMethod("Count", NoParameters, everyone, self._count),
            ],
        )

    async def change(self) -> None:
        """Let the watchers see the next number."""
        async with self.news:
            self.number += 1
            self.news.notify_all()

    async def _echo(self, call: Any, _caller: Caller) -> Text:
        return Text(text=call.text)

    async def _who(self, _call: object, caller: Caller) -> Who:
        return Who(uid=caller.uid, gid=caller.gid, pid=caller.pid, groups=sorted(caller.groups))

    async def _wait(self, _call: object, _caller: Caller) -> Text:
        self.waiting.set()
        await self.release.wait()
        self.waited += 1
        return Text(text="waited")

    async def _fail(self, call: Any, _caller: Caller) -> Never:
        error = SithsdError(call.code, "as asked", tries_left=2, role="signature", status_word=0x63C2)
        error.where = Where("Reader 0", "4711", 9)
        raise error

    async def _break(self, _call: object, _caller: Caller) -> Never:
        raise KeyError("the words of a fault are not told: 739154")

    async def _keep(self, call: Any, _caller: Caller) -> Length:
        self.kept.append(call.code)
        return Length(length=len(call.code))

    async def _watch(self, call: Any, _caller: Caller) -> AsyncGenerator[Wire, None]:
        self.watching += 1
        seen = 0
        try:
            while True:
                async with self.news:
                    await self.news.wait_for(lambda seen=seen: self.number > seen)
                    seen = self.number
                self.pulled += 1
                yield Number(number=seen, filling="x" * (call.size or 0))
        finally:
            self.watching -= 1

    async def _silent(self, _call: object, _caller: Caller) -> AsyncGenerator[Wire, None]:
        for nothing in ():
            yield nothing

    async def _count(self, _call: object, _caller: Caller) -> AsyncGenerator[Wire, None]:
        for number in (1, 2, 3):
            yield Number(number=number)


class Line:
    """A raw client: bytes out, messages in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *calls: Any) -> None:
        """Send calls, each an object or the bytes of one, with their NULs."""
        for call in calls:
            self.writer.write((call if isinstance(call, bytes) else json.dumps(call).encode()) + b"\0")
        await self.writer.drain()

    async def receive(self) -> Any:
        """Return the next reply; None when the server has closed the connection."""
        try:
            return json.loads((await self.reader.readuntil(b"\0"))[:-1])
        except asyncio.IncompleteReadError as end:
            if end.partial:
                raise
            return None
        except ConnectionResetError:
            return None

    async def ask(self, method: str, more: bool | None = None, **parameters: Any) -> Any:
        """Call one method of the room and return its reply."""
        call = {"method": f"{NAME}.{method}", "parameters": parameters}
        await self.send(call if more is None else {**call, "more": more})
        return await self.receive()

    async def close(self) -> None:
        """Close the connection."""
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except (BrokenPipeError, ConnectionResetError):
            return


class Served:
    """A server that runs, and lines to it."""

    def __init__(self, room: "Room", server: Server, path: Path, log: CapturingLogger, stack: AsyncExitStack) -> None:
        self.room = room
        self.server = server
        self.path = path
        self.log = log
        self._stack = stack

    async def line(self) -> Line:
        """Return a new connection."""
        line = Line(*await asyncio.open_unix_connection(str(self.path), limit=2**22))
        self._stack.push_async_callback(line.close)
        return line

    async def exchange(self, *pieces: bytes, pause: float = 0.0) -> list[Any]:
        """Send pieces, with a pause before each, until the server has closed the connection; return its replies."""

        def talk() -> bytes:
            answer = b""
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(str(self.path))
                line.settimeout(30)
                try:
                    for piece in pieces:
                        time.sleep(pause)
                        line.sendall(piece)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # it would not read on: what it said before it closed is read below
                try:
                    while received := line.recv(100_000):
                        answer += received
                except ConnectionResetError:
                    pass  # it closed with bytes of ours unread
            return answer

        answer = await asyncio.to_thread(talk)
        return [json.loads(reply) for reply in answer.split(b"\0")[:-1]]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds; the test's own time limit ends a wait in vain."""
        async with asyncio.timeout(30):
            while not condition():  # noqa: ASYNC110 - the server has no event for what tests look at
                await asyncio.sleep(0.001)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder whose name is short enough for sockets, and that everybody may enter."""
    made = Path(tempfile.mkdtemp(prefix="sithsd-api-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def serve(folder: Path) -> AsyncIterator[Callable[..., Awaitable[Served]]]:
    """Give a function that serves a Room with the limits given to it, and returns Served."""
    async with AsyncExitStack() as stack:

        async def start(**limits: Any) -> Any:
            log = CapturingLogger()
            room = Room()
            sockets = stack.enter_context(open_sockets(folder, {NAME: Access(0o666)}, {}))
            served = [(room.interface(), sockets.listening[NAME])]
            server = await stack.enter_async_context(Server(served, limits=Limits(**limits), log=log))
            stack.callback(room.release.set)
            lines = await stack.enter_async_context(AsyncExitStack())
            return Served(room, server, folder / NAME, log, lines)

        yield start


@pytest.fixture
async def served(serve: Any) -> Served:
    """Serve a Room with the usual limits."""
    return await serve()
