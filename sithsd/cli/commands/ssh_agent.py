"""The command that is an agent for ssh."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from sithsd.api.sockets import Access, SocketError, Sockets
from sithsd.cli.failure import CommandError, parameters
from sithsd.cli.invocation import Invocation
from sithsd.cli.signals import ends_with_exit
from sithsd.cli.ssh.agent import Agent
from sithsd.cli.ssh.asking import Asker, Nobody, TerminalAsker, has_own_terminal
from sithsd.cli.ssh.askpass import Askpass, Way, way
from sithsd.cli.ssh.host_keys import known_name, usual_known_hosts
from sithsd.cli.ssh.identities import identities
from sithsd.cli.ssh.server import Server
from sithsd.cli.ssh.signing import Habits, Signing
from sithsd.cli.ssh.turns import Turns
from sithsd.errors import ErrorCode

SOCKET = "sithsd-ssh-agent.sock"
_ACCESS = Access(0o600)
# How long a person may take for one answer.
_ANSWER_SECONDS = 120.0
_WRITABLE_BY_OTHERS = 0o022
_STOPS = frozenset({128 + signal.SIGTERM, 128 + signal.SIGHUP})


@dataclass(frozen=True)
class Wanted:
    """What the command line says. `path` is the socket's; None: the usual one, or one of its own for `command`."""

    path: str | None
    foreground: bool
    list_keys: bool
    habits: Habits
    command: tuple[str, ...]


def ssh_agent(invocation: Invocation, wanted: Wanted) -> int:
    """Serve the cards' keys to ssh, in one of four ways, and return the exit status.

    With a command until that ends; in the foreground until somebody stops it; else in the background. With `list_keys`
    the keys are only shown.
    """
    if wanted.list_keys:
        _list(invocation)
        return 0
    with ExitStack() as stack:
        if wanted.command:
            return _with_command(invocation, wanted, stack)
        listening, path = _listening(wanted.path, stack, os.environ)
        if wanted.foreground:
            _tell_shell(invocation, path, os.getpid())
            with Turns() as turns, suppress(KeyboardInterrupt), _stopped_in_order():
                _serve(invocation, wanted, listening, turns)
            return 0
        if child := os.fork():
            # The socket is the child's now: nothing of it is to be closed or removed here.
            stack.pop_all()
            _tell_shell(invocation, path, child)
            sys.stdout.flush()
            os._exit(0)
        _leave_terminal()
        with Turns() as turns, _stopped_in_order():
            _serve(invocation, wanted, listening, turns)
        return 0


def _list(invocation: Invocation) -> None:
    found = identities(invocation.daemon)
    if invocation.as_json:
        keys = [
            {
                "key": one.key.line,
                "comment": one.comment(invocation.words),
                "reader": one.reader,
                "cardSerial": one.card.serial,
                "certificate": one.certificate.fingerprint,
            }
            for one in found
        ]
        invocation.output.json({"keys": keys})
        return
    for one in found:
        invocation.output.line(f"{one.key.line} {one.comment(invocation.words)}")
    if not found:
        invocation.output.complain(invocation.words.say("ssh-no-keys"))


def _with_command(invocation: Invocation, wanted: Wanted, stack: ExitStack) -> int:
    """Run a command that finds the agent, and end with it and its status (128 + N where signal N ended it)."""
    folder = None if wanted.path else stack.enter_context(tempfile.TemporaryDirectory(prefix="sithsd-ssh-"))
    path = wanted.path or f"{folder}/agent.{os.getpid()}"
    listening, made = _listening(path, stack, {})
    turns = stack.enter_context(Turns())
    environment = {**os.environ, "SSH_AUTH_SOCK": str(made), "SSH_AGENT_PID": str(os.getpid())}
    # Ctrl-C is the command's; a handler, unlike SIG_IGN, is not handed down to it.
    stack.enter_context(_handled(signal.SIGINT))
    with ends_with_exit():
        try:
            command = subprocess.Popen(wanted.command, env=environment)
        except OSError as error:
            found = parameters(ErrorCode.REQUEST_INVALID, f"the command can't be started: {error.strerror}")
            raise CommandError(found, key="ssh-no-command") from error
        threading.Thread(target=_end_with, args=(command, turns), name="command", daemon=True).start()
        try:
            _serve(invocation, wanted, listening, turns, own_terminal=False)
        finally:
            if command.poll() is None:
                command.terminate()
            status = command.wait()
    return status if status >= 0 else 128 - status


def _end_with(command: "subprocess.Popen[bytes]", turns: Turns) -> None:
    command.wait()
    turns.end()


def _serve(
    invocation: Invocation, wanted: Wanted, listening: socket.socket, turns: Turns, *, own_terminal: bool = True
) -> None:
    """Serve until `turns` end. Questions are asked from here, the main thread."""
    words, environment = invocation.words, dict(os.environ)
    askpass = Askpass(environment, _ANSWER_SECONDS)

    def asker() -> Asker:
        match way(environment, terminal=own_terminal and wanted.foreground and has_own_terminal()):
            case Way.ASKPASS:
                return askpass
            case Way.TERMINAL:
                return TerminalAsker(words, _ANSWER_SECONDS)
        return Nobody()

    signing = Signing(invocation, asker, wanted.habits)
    hosts = usual_known_hosts(Path.home())
    agent = Agent(
        invocation,
        lambda signature: turns.take(lambda: signing.sign(signature)),
        lambda key: known_name(key, hosts),
        invocation.output.complain,
    )

    def failed(error: Exception) -> None:
        invocation.output.complain(words.say("ssh-fault", detail=type(error).__name__))

    try:
        with Server(listening, agent.conversation, failed):
            turns.serve()
    finally:
        askpass.close()


def _listening(path: str | None, stack: ExitStack, environment: MutableMapping[str, str]) -> tuple[socket.socket, Path]:
    """Return the socket: the one that systemd passed, else one that is made in a folder where others can't write.

    A CommandError ("request.invalid") where it can't be had.
    """
    sockets = stack.enter_context(Sockets())
    try:
        sockets.adopt({SOCKET: _ACCESS}, environment)
        if SOCKET in sockets.listening:
            listening = sockets.listening[SOCKET]
            return listening, Path(listening.getsockname())
        place = Path(path).absolute() if path else _usual_place(environment)
        _check_folder(place.parent)
        sockets.make(place, _ACCESS, lock=f".{place.name}.lock")
        return sockets.listening[place.name], place
    except SocketError as error:
        raise CommandError(
            parameters(ErrorCode.REQUEST_INVALID, str(error)), key="ssh-no-socket", lines=[str(error)]
        ) from error


def _usual_place(environment: MutableMapping[str, str]) -> Path:
    folder = environment.get("XDG_RUNTIME_DIR")
    if not folder:
        raise SocketError("XDG_RUNTIME_DIR is not set: name a socket with -a")
    return Path(folder) / SOCKET


def _check_folder(folder: Path) -> None:
    try:
        found = folder.stat()
    except OSError as error:
        raise SocketError(f"{folder}: {error.strerror}") from error
    if found.st_uid not in {os.geteuid(), 0} or found.st_mode & _WRITABLE_BY_OTHERS:
        raise SocketError(f"{folder}: others may write there")


def _tell_shell(invocation: Invocation, path: Path, pid: int) -> None:
    """Write what a shell has to be told, as ssh-agent(1) does."""
    values = {"SSH_AUTH_SOCK": str(path), "SSH_AGENT_PID": str(pid)}
    c_shell = os.environ.get("SHELL", "").endswith("csh")
    for name, value in values.items():
        quoted = "'" + value.replace("'", "'\\''") + "'" if not _is_harmless(value) else value
        line = f"setenv {name} {quoted};" if c_shell else f"{name}={quoted}; export {name};"
        invocation.output.line(line)
    invocation.output.line(f"echo Agent pid {pid};")


def _is_harmless(value: str) -> bool:
    return all(character.isascii() and (character.isalnum() or character in "/._-+:@") for character in value)


def _leave_terminal() -> None:
    """Become a process of no terminal: who started it may go."""
    os.setsid()
    os.chdir("/")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


@contextmanager
def _stopped_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block, as a good end."""
    try:
        with ends_with_exit():
            yield
    except SystemExit as stop:
        if stop.code not in _STOPS:
            raise


@contextmanager
def _handled(number: signal.Signals) -> Iterator[None]:
    """Do nothing at this signal while the block lasts."""

    def ignore(_number: int, _frame: FrameType | None) -> None:
        pass

    before = signal.signal(number, ignore)
    try:
        yield
    finally:
        signal.signal(number, before)
