"""Who is at the other end of a Unix socket: the kernel's word, never the client's."""

import os
import pwd
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

# From the kernel's asm-generic/socket.h (Linux 4.13): Python has no name for it.
_SO_PEERGROUPS = 59
_UCRED = struct.Struct("iII")
_GID = struct.Struct("I")
# The most that socket.getsockopt reads.
_MOST_BYTES = 1024
_UNKNOWN = "unknown"


class SocketOptions(Protocol):
    """What is needed of a socket (asyncio hands out its own kind)."""

    def getsockopt(self, level: int, name: int, length: int, /) -> bytes:
        """Return the option's bytes, at most `length`."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """The process that connected, as it was at that moment. `groups` holds the primary group too."""

    uid: int
    gid: int
    pid: int
    groups: frozenset[int]


def caller_of(connection: SocketOptions) -> Caller:
    """Return who connected (unix(7), SO_PEERCRED). Raises OSError if the socket is not a connected Unix socket."""
    pid, uid, gid = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return Caller(uid=uid, gid=gid, pid=pid, groups=frozenset(_groups(connection, uid, gid)) | {gid})


def program_of(pid: int) -> str:
    """Return the name of a process's program as the kernel has it (proc(5), comm), "unknown" if it can't be seen.

    A process chooses that name itself: it is told for people, nothing is decided by it.
    """
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip() or _UNKNOWN
    except OSError:
        return _UNKNOWN


def _groups(connection: SocketOptions, uid: int, gid: int) -> list[int]:
    try:
        packed = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MOST_BYTES)
    except OSError:
        # More than 256 groups, or an old kernel: what the user database says instead.
        try:
            return os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)
        except KeyError:
            return []
    return [group for (group,) in _GID.iter_unpack(packed)]
