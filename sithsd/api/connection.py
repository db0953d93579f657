"""One connection: requests in, replies out, in their order, within bounds.

- One request is worked on at a time. What a client sends meanwhile waits in the message buffer, and when that is full
  in the kernel: the client is not read from. So is a client that leaves its replies unread.
- A caller that hangs up altogether gives up its call: the task is cancelled, and so is a stream's. What a method has
  begun with a card it shields itself: that finishes.
- A half-closed connection (the client will not write any more) gets the replies it is owed, of a stream one.
- A connection keeps its place in the user's budget until its last call has ended.
"""

import asyncio
import select
import traceback
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import structlog

from sithsd.api.framing import MessageBuffer, MessageTooLongError, wipe
from sithsd.api.interface import Interface, Method, StreamMethod
from sithsd.api.limits import Budget, Limits
from sithsd.api.message import Reply, VarlinkError, error_parameters, parse_request, write
from sithsd.api.peer import Caller, caller_of
from sithsd.api.refusals import Refusals
from sithsd.api.service import SERVICE, Directory
from sithsd.api.shape import ParameterError
from sithsd.api.wire import Wire, error_name
from sithsd.errors import ErrorCode, SithsdError


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What the connections of one socket share.

    `came` is told when a connection begins, `gone` when it is over and its last call has ended.
    """

    directory: Directory
    limits: Limits
    budget: Budget
    refusals: Refusals
    log: structlog.typing.FilteringBoundLogger
    came: Callable[["Connection"], None]
    gone: Callable[["Connection"], None]


class Connection(asyncio.BufferedProtocol):
    """The server's side of one connection; asyncio calls it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._incoming = MessageBuffer(endpoint.limits.message_bytes)
        self._transport: asyncio.Transport | None = None  # None before the connection and after it
        self._caller: Caller | None = None  # None unless admitted
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unread: asyncio.Future[None] | None = None  # done when the client has read what was written
        self._half_closed = False
        self._ending = False
        self._paused = False
        self._streaming = False
        self._stream_spoke = False  # a stream runs, and has said something

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: find out who it is, and whether there is a place."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of a listening stream socket, always
        self._transport = transport
        self._endpoint.came(self)
        # At most one reply is ever unsent, and the next one is not made before it is on its way.
        transport.set_write_buffer_limits(high=0)
        try:
            caller = caller_of(transport.get_extra_info("socket"))
        except OSError as error:
            self._endpoint.log.warning("a caller without a name", error=error.strerror)
            transport.abort()
            return
        if self._endpoint.budget.admit(caller.uid):
            self._caller = caller
        else:
            self._endpoint.refusals.note("too many connections", caller)
            self._refuse(ErrorCode.REQUEST_TOO_MANY, "too many connections at once")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why makes no difference
        """End: what is still asked, call or stream, is given up; nobody is left to hear of it."""
        self._transport = None
        self._incoming.wipe()
        self._stop_timer()
        self.resume_writing()
        if self._task is None:
            self._depart()
        else:
            self._task.cancel()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the buffer's own size decides
        """Return the room for what is read next."""
        return self._incoming.free()

    def buffer_updated(self, nbytes: int) -> None:
        """Take note of what was read."""
        self._incoming.received(nbytes)
        self._advance()

    def eof_received(self) -> bool:
        """Take note that the client writes no more. Returns whether it is still owed something."""
        self._half_closed = True
        if self._hung_up():
            self._incoming.wipe()
            if self._task is not None:
                self._task.cancel()
            return False
        if self._stream_spoke and self._task is not None:
            self._task.cancel()
        self._advance()
        return self._task is not None

    def _hung_up(self) -> bool:
        """Tell whether the client has closed the whole connection, so that nobody is left to read: POLLHUP, poll(2)."""
        line = None if self._transport is None else self._transport.get_extra_info("socket")
        if line is None:
            return False
        poller = select.poll()
        poller.register(line.fileno(), 0)
        return any(event & select.POLLHUP for _, event in poller.poll(0))

    def pause_writing(self) -> None:
        """Hold the next reply back: the last one is not on its way yet."""
        self._unread = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Go on writing (or find out that the client is gone)."""
        unread, self._unread = self._unread, None
        if unread is not None and not unread.done():
            unread.set_result(None)

    # What the server calls.

    @property
    def idle(self) -> bool:
        """Whether nothing is asked, being asked or answered."""
        return self._task is None and not self._incoming

    def finish(self) -> None:
        """Answer the call that runs, if any, and close. A stream ends with daemon.unavailable."""
        self._ending = True
        if self._task is None:
            self._close()
        elif self._streaming:
            self._task.cancel()

    def abort(self) -> None:
        """Give up whatever goes on."""
        self._ending = True
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None:
            self._transport.abort()

    # From message to message.

    def _advance(self) -> None:
        """Begin with the next message if none is worked on, and read on or not."""
        if self._task is None:
            message = self._next()
            if message is not None:
                self._task = asyncio.get_running_loop().create_task(self._serve(message))
                self._task.add_done_callback(self._served)
        if self._transport is None or self._closed or self._half_closed:
            return
        if self._incoming.full != self._paused:
            self._paused = not self._paused
            (self._transport.pause_reading if self._paused else self._transport.resume_reading)()
        if self._task is None and self._incoming and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._endpoint.limits.message_seconds, self._too_slow)

    def _next(self) -> bytearray | None:
        """Return the next whole message if there is one to be worked on; closes the connection on one too long."""
        if self._closed or self._ending:
            return None
        try:
            message = self._incoming.take()
        except MessageTooLongError:
            self._refuse(
                ErrorCode.REQUEST_INVALID, f"a message is longer than {self._endpoint.limits.message_bytes} bytes"
            )
            return None
        if message is not None:
            self._stop_timer()
        return message

    async def _serve(self, message: bytearray | None) -> None:
        while message is not None:
            await self._answer(message)
            if not self._incoming:
                return
            await asyncio.sleep(0)  # the other connections' turn
            message = self._next()

    def _served(self, task: asyncio.Task[None]) -> None:
        self._task = None
        failed = task.cancelled() or task.exception() is not None
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log_fault("a connection failed", error)
        if self._transport is None:
            self._depart()
        elif failed or self._ending:
            self._close()
        else:
            self._advance()
            if self._half_closed and self._task is None:
                self._close()

    def _too_slow(self) -> None:
        self._timer = None
        self._refuse(ErrorCode.REQUEST_INVALID, "a message was begun and not completed in time")

    # One message.

    async def _answer(self, message: bytearray) -> None:
        """Do what a message asks and reply; whatever goes wrong is told by name."""
        name = self._endpoint.directory.own.name
        silent = False
        try:
            try:
                request = parse_request(message)
                silent = bool(request.oneway)
                interface, method = self._endpoint.directory.find(request.method)
                caller = self._allowed(interface, method)
                call = self._decoded(interface, method, request.parameters)
            finally:
                wipe(message)
            try:
                if isinstance(method, StreamMethod):
                    await self._stream(method, call, caller, more=bool(request.more), silent=silent)
                else:
                    reply = await method.call(call, caller)
                    await self._say(Reply(reply), silent=silent)
            finally:
                method.shape.wipe(call)
        except VarlinkError as error:
            await self._say(Reply(error.parameters, error=error.name), silent=silent)
        except SithsdError as error:
            await self._say(Reply(error_parameters(error), error=error_name(name, error.code)), silent=silent)
        except Exception as error:  # noqa: BLE001 - the boundary: told by type and place, never by words
            self._log_fault("a call failed", error)
            fault = SithsdError(ErrorCode.INTERNAL, "a fault in the daemon, see its log")
            await self._say(Reply(error_parameters(fault), error=error_name(name, fault.code)), silent=silent)

    def _allowed(self, interface: Interface, method: Method[Any] | StreamMethod[Any]) -> Caller:
        caller = self._caller
        if caller is not None and method.right(caller):
            return caller
        name = f"{interface.name}.{method.name}"
        if caller is not None:
            self._endpoint.refusals.note("denied", caller, name)
        raise SithsdError(ErrorCode.REQUEST_DENIED, f"this user may not call {name}")

    @staticmethod
    def _decoded(interface: Interface, method: Method[Any] | StreamMethod[Any], parameters: Any) -> Any:  # noqa: ANN401 - the shape is the method's
        """Return the parameters in the method's shape.

        The interfaces' own error tells field, reason and code; org.varlink.service has InvalidParameter, to which
        strict clients (asyncvarlink) allow no field but its own.
        """
        try:
            return method.shape.decode(parameters)
        except ParameterError as error:
            if interface.name == SERVICE:
                raise VarlinkError("InvalidParameter", parameter=error.field) from None
            what = f"{error.field}: " if error.field else ""
            raise SithsdError(ErrorCode.REQUEST_INVALID, what + error.detail) from None

    async def _stream(self, method: StreamMethod[Any], call: Any, caller: Caller, *, more: bool, silent: bool) -> None:  # noqa: ANN401 - the shape is the method's
        state: Wire | None = None
        self._streaming = True
        try:
            async with aclosing(method.stream(call, caller)) as states:
                async for state in states:
                    last = not more or self._leaving
                    await self._say(Reply(state, continues=not last), silent=silent, patient=True)
                    if last:
                        return
                    self._stream_spoke = True
                    if self._leaving:
                        return
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed or task is None:
                raise
            # Not the task was to end but the stream: the client writes no more, or the server ends.
            task.uncancel()
            if self._ending:
                raise SithsdError(ErrorCode.DAEMON_UNAVAILABLE, "the daemon is ending") from None
            return
        finally:
            self._streaming = self._stream_spoke = False
        # It ended by itself: the last reply is the last one, said again so that clients find the fields they expect.
        if state is None:
            raise RuntimeError(f"{method.name} said nothing")
        await self._say(Reply(state), silent=silent)

    # Writing, and the end.

    @property
    def _closed(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    @property
    def _leaving(self) -> bool:
        return self._half_closed or self._ending or self._closed

    async def _say(self, reply: Reply, *, silent: bool, patient: bool = False) -> None:
        """Write a reply, and wait until it is on its way; without patience only for so long."""
        if silent:
            return
        self._write(reply)
        unread = self._unread
        if unread is None:
            return
        try:
            async with asyncio.timeout(None if patient else self._endpoint.limits.write_seconds):
                await unread
        except TimeoutError:
            if self._transport is not None:
                self._transport.abort()

    def _write(self, reply: Reply) -> None:
        message = write(reply)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(message)

    def _refuse(self, code: ErrorCode, detail: str) -> None:
        """Tell why this connection closes, and close it."""
        name = self._endpoint.directory.own.name
        self._write(Reply(error_parameters(SithsdError(code, detail)), error=error_name(name, code)))
        self._close()

    def _close(self) -> None:
        """Close, leaving what is written some time to be read."""
        self._stop_timer()
        if self._transport is not None:
            self._transport.close()
            if self._transport.get_write_buffer_size():
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(self._endpoint.limits.write_seconds, self._transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _depart(self) -> None:
        if self._caller is not None:
            self._endpoint.budget.release(self._caller.uid)
            self._caller = None
        self._endpoint.gone(self)

    def _log_fault(self, event: str, error: BaseException) -> None:
        """Log an exception by its type and places; its words and the variables around it may hold a code."""
        places = [
            f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}"
            for frame, line in traceback.walk_tb(error.__traceback__)
        ]
        self._endpoint.log.error(event, error=type(error).__name__, places=places)
