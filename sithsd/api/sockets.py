"""The listening sockets: taken over from systemd, or made here, and then removed at the end."""

import fcntl
import os
import socket
import stat
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sithsd.api.rights import Rights
from sithsd.locations import CARDS_SOCKET, CODES_SOCKET

_FIRST_FD = 3  # sd_listen_fds(3): SD_LISTEN_FDS_START
_PROBE_SECONDS = 1.0


class SocketError(Exception):
    """The sockets can't be had. The message is one line for whoever started the program."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may connect to a socket made here: its file mode, and its group (None: the process's own)."""

    mode: int
    group: int | None = None


def usual_access(rights: Rights) -> dict[str, Access]:
    """Return who may connect to the two sockets: everybody, unless root and one group are all that the codes' serves.

    Each call is judged by its caller all the same. A file's mode knows no more than its owner and one group.
    """
    may = rights.connecting
    if may.everyone or may.active_session or may.users - {0} or len(may.groups) > 1:
        codes = Access(0o666)
    else:
        codes = Access(0o660, next(iter(may.groups))) if may.groups else Access(0o600)
    return {CARDS_SOCKET: Access(0o666), CODES_SOCKET: codes}


class Sockets:
    """Listening Unix sockets by the name of their interface, which is the name of their file too.

    A context manager: at the end all are closed, and the files that were made here are removed.
    """

    def __init__(self) -> None:
        self.listening: dict[str, socket.socket] = {}
        self._made: dict[Path, tuple[int, int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the files made here, unless somebody else's stand in their places, and close the sockets."""
        for path, made in self._made.items():
            if _identity(path) == made:
                path.unlink()
        self._made.clear()
        for listening in self.listening.values():
            listening.close()
        self.listening.clear()

    def adopt(self, names: Mapping[str, Access], environ: MutableMapping[str, str]) -> None:
        """Take over what systemd passed (sd_listen_fds(3)): each socket's name is that of its interface.

        The variables are removed from `environ`, so that no child believes that they are for it. Raises SocketError.
        """
        pid, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
        given = environ.pop("LISTEN_FDNAMES", "").split(":")
        if pid != str(os.getpid()) or not count.isdecimal():
            return
        for index in range(int(count)):
            name = given[index] if index < len(given) else ""
            if name not in names or name in self.listening:
                raise SocketError(f"systemd passed a socket named {name!r}, expected each once: {', '.join(names)}")
            try:
                os.set_inheritable(_FIRST_FD + index, False)
                passed = socket.socket(fileno=_FIRST_FD + index)
            except OSError as error:
                raise SocketError(f"what systemd passed as {name} is no socket: {error.strerror}") from None
            self.listening[name] = passed
            listens = passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if passed.family != socket.AF_UNIX or passed.type != socket.SOCK_STREAM or not listens:
                raise SocketError(f"what systemd passed as {name} is no listening Unix stream socket")
            passed.setblocking(False)

    def make(self, path: Path, access: Access, *, lock: str = ".lock") -> None:
        """Make the socket `path` and listen on it; the file of a dead daemon is replaced.

        `lock` is a file beside it that keeps others who are starting out. Raises SocketError, also when a living
        program listens there.
        """
        try:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            with _alone(path.parent / lock):
                _clear(path)
                made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
                self.listening[path.name] = made
                made.bind(str(path))
                identity = _identity(path)
                if identity is not None:
                    self._made[path] = identity
                # Nobody can connect before listen, so nobody connects under the wrong mode.
                _grant(path, access)
                made.listen()
        except OSError as error:
            raise SocketError(f"{path}: {error.strerror or error}") from None


def open_sockets(folder: Path, names: Mapping[str, Access], environ: MutableMapping[str, str] = os.environ) -> Sockets:
    """Return listening sockets of all `names`: those that systemd passed, the others made in `folder`.

    Raises SocketError.
    """
    sockets = Sockets()
    try:
        sockets.adopt(names, environ)
        for name, access in names.items():
            if name not in sockets.listening:
                sockets.make(folder / name, access)
    except SocketError:
        sockets.close()
        raise
    return sockets


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Keep others that are starting out; the file is nobody else's to lock."""
    lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _clear(path: Path) -> None:
    """Remove the socket file of a daemon that is dead. Raises SocketError where something else stands."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SocketError(f"{path} is in the way: it is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_SECONDS)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except (BlockingIOError, TimeoutError):
            pass  # nobody accepts at this moment, but somebody listens
    raise SocketError(f"{path}: another program listens here already")


def _grant(path: Path, access: Access) -> None:
    mode = access.mode
    if access.group is not None:
        try:
            os.chown(path, -1, access.group)
        except PermissionError:
            # A person who is not in the group runs the daemon by hand: then the socket is for that person alone.
            mode &= 0o707
    path.chmod(mode)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
