"""The daemon's side of a module: a child process that is asked, waited for so long and no longer, ended when it fails.

A child lives on from operation to operation, without a connection to any card in between (C_Finalize), and ends by
itself when nobody has asked it for a while. One that has gone is followed by a new one at the next call.
"""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

import structlog

from sithsd.card.backends.pkcs11 import messages
from sithsd.card.backends.pkcs11.cryptoki import name_of
from sithsd.card.backends.pkcs11.messages import Refused, Reply, Request, WireError
from sithsd.errors import ErrorCode, SithsdError
from sithsd.secret import Secret

_log = structlog.get_logger("sithsd.card")

R = TypeVar("R", bound=Reply)

_PROGRAM: Final = "sithsd.card.backends.pkcs11.child"
# What a child has of the daemon's own environment: where pcscd is. Everything else comes from the profile.
_PASSED_ON: Final = ("PCSCLITE_CSOCK_NAME",)
_BARE: Final[Mapping[str, str]] = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
_START_SECONDS: Final = 10.0


class RefusedError(Exception):
    """The module did its work and said no: `refused` tells which function, and what it returned."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.call, refused.rv)
        self.refused = refused

    def __str__(self) -> str:
        said = self.refused.why if self.refused.rv is None else name_of(self.refused.rv)
        return f"{self.refused.call}: {said}"


class Module:
    """One module in one child process, for one thread at a time."""

    def __init__(self, path: str, environment: Mapping[str, str]) -> None:
        self._path = path
        self._environment = {
            **_BARE,
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._wire: socket.socket | None = None
        self._begun = False

    @property
    def pid(self) -> int | None:
        """The child's process id, None while there is none."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def begin(self, seconds: float) -> None:
        """Have the module loaded and initialised, in a new child if there is none; once for each operation.

        Raises module.failed, module.timeout, or RefusedError.
        """
        if self._begun and self.pid is not None:
            return
        begin = messages.Begin(path=self._path)
        if (old := self.pid) is None:
            self._start()
        try:
            self._exchange(begin, seconds)
        except SithsdError:
            if old is None:
                raise
            # The child of the last operation may have ended just now, or hang in that one's C_Finalize.
            self._start()
            self._exchange(begin, seconds)
        self._begun = True

    def ask(self, request: Request, kind: type[R], seconds: float, codes: Sequence[Secret] = ()) -> R:
        """Return the module's answer, which has to be of this kind. Nothing is asked twice.

        Raises module.timeout after so many seconds, module.failed for a child that ended or speaks nonsense, and
        RefusedError. After the first two the child is gone: whatever was asked for was done, or was not.
        """
        if not self._begun:
            raise SithsdError(ErrorCode.MODULE_FAILED, "the module's process has ended in the midst of an operation")
        reply = self._exchange(request, seconds, codes)
        if not isinstance(reply, kind):
            self.end()
            raise SithsdError(ErrorCode.MODULE_FAILED, "the module's process answers something else than it was asked")
        return reply

    def finish(self) -> None:
        """Let the module go of the card, without waiting for it: the operation is over."""
        if self._begun and self._wire is not None:
            self._begun = False
            try:
                messages.send_request(self._wire, messages.Finish(), _START_SECONDS)
            except WireError:
                self.end()

    def end(self) -> str:
        """End the child at once, and what it has started; return how it ended, in words."""
        self._begun = False
        wire, self._wire = self._wire, None
        process, self._process = self._process, None
        if wire is not None:
            wire.close()
        if process is None:
            return "it did not run"
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # it leads a group of its own
        status = process.wait()
        return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"

    def _start(self) -> None:
        self.end()
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-I", "-m", _PROGRAM]
        with theirs:
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=self._environment,
                    cwd="/",
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                raise SithsdError(ErrorCode.MODULE_FAILED, f"no process for the module: {error.strerror}") from error
        self._wire = ours
        with self._ended_if_it_fails("start", _START_SECONDS):
            _answer(ours, self._process.pid, time.monotonic() + _START_SECONDS)
        # One that ends by itself is reaped at once, whenever that is.
        threading.Thread(target=self._process.wait, name="module's end", daemon=True).start()

    def _exchange(self, request: Request, seconds: float, codes: Sequence[Secret] = ()) -> Reply:
        wire, process = self._wire, self._process
        if wire is None or process is None:
            raise SithsdError(ErrorCode.MODULE_FAILED, "the module's process has ended")
        deadline = time.monotonic() + seconds
        asked = type(request).__name__
        with self._ended_if_it_fails(asked, seconds):
            messages.send_request(wire, request, seconds, codes)
            reply = _answer(wire, process.pid, deadline)
        if isinstance(reply, Refused):
            raise RefusedError(reply)
        return reply

    @contextmanager
    def _ended_if_it_fails(self, asked: str, seconds: float) -> Iterator[None]:
        try:
            yield
        except messages.LateError:
            self.end()
            _log.warning("module.timeout", module=self._path, asked=asked, seconds=seconds)
            raise SithsdError(ErrorCode.MODULE_TIMEOUT, f"the module did not answer in {seconds:g} seconds") from None
        except WireError as error:
            how = self.end()
            _log.warning("module.failed", module=self._path, asked=asked, ended=how, detail=str(error))
            raise SithsdError(ErrorCode.MODULE_FAILED, f"the module's process failed: {error} ({how})") from None
        except BaseException:
            self.end()  # in the midst of an exchange: what comes next on this wire would answer something else
            raise


def _answer(wire: socket.socket, pid: int, deadline: float) -> Reply:
    """Wait for an answer, or for the child's end: a process that the module has started may hold the wire open.

    Raises WireError.
    """
    try:
        end = os.pidfd_open(pid)
    except ProcessLookupError:
        raise messages.ClosedError("it has ended") from None
    try:
        waiting = select.poll()
        waiting.register(wire, select.POLLIN)
        waiting.register(end, select.POLLIN)
        if not (ready := waiting.poll(max(deadline - time.monotonic(), 0) * 1000)):
            raise messages.LateError("nothing came in time")
        if all(descriptor == end for descriptor, _ in ready):
            raise messages.ClosedError("it has ended")
    finally:
        os.close(end)
    return messages.receive_reply(wire, deadline)
