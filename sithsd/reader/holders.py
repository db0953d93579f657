"""Who else uses PC/SC on this machine, as far as /proc shows it.

pcscd does not tell its clients of one another. But each has pcsc-lite's client library mapped and a Unix socket
connected to pcscd, so a program that shows both may be the one that holds the card. This is a hint for a person, never
a ground for a decision: a process that may not be looked at is not found, and several may be.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

# The library and its copies beside a program, as snaps and browsers bring them.
_LIBRARY: Final = re.compile(rb"/libpcsclite(?:_real)?\.so[.0-9]*(?: \(deleted\))?$", re.MULTILINE)
_SERVICE: Final = "pcscd"
# Programs that are better known by what they run: their first argument that is no option.
_INTERPRETER: Final = re.compile(r"(?:python|perl|ruby|node|java|bash|dash|sh)[0-9.]*")

# Who asks waits for a person's hint, and what is found late comes too late: this, and what one process takes.
_SECONDS: Final = 0.2
_MOST_PROCESSES: Final = 8192
_MOST_PROGRAMS: Final = 16
_MOST_DESCRIPTORS: Final = 4096
_MAPS_BYTES: Final = 4 << 20
_COMMAND_BYTES: Final = 4096
_TABLE_BYTES: Final = 8 << 20
_LONGEST_NAME: Final = 64
_CONNECTED: Final = b"03"  # SS_CONNECTED of linux/net.h, as /proc/net/unix shows it
_COLUMNS: Final = 7  # Num, RefCount, Protocol, Flags, Type, St, Inode, and a path if the socket has one


@dataclass(frozen=True, slots=True, order=True)
class Program:
    """A running program: the name that a person knows it by, and its process number."""

    name: str
    pid: int

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})"


def others(
    proc: Path = Path("/proc"), own: int | None = None, clock: Callable[[], float] = time.monotonic
) -> tuple[Program, ...]:
    """Return the programs that use PC/SC, at most 16 of them, by name; without pcscd and process `own` (this one).

    Nor are those told that `own` has started: the process of a PKCS#11 module has a card only while it is lent.

    Processes that end meanwhile, or whose owner we are not to look at, are left out. So are those that it would take
    more than 0.2 seconds of `clock` to come to; the newest, of the highest numbers, come first.
    """
    own = os.getpid() if own is None else own
    end = clock() + _SECONDS
    found: list[Program] = []
    for pid in islice(_processes(proc), _MOST_PROCESSES):
        if clock() >= end:
            break
        folder = proc / str(pid)
        try:
            if pid == own or not _LIBRARY.search(_head(folder / "maps", _MAPS_BYTES)) or _parent(folder) == own:
                continue
            name = _name(folder)
            if name != _SERVICE and _has_connected_socket(folder):
                found.append(Program(name, pid))
        except OSError:
            continue  # it has ended, or is another user's
        if len(found) == _MOST_PROGRAMS:
            break
    return tuple(sorted(found))


def tell(programs: tuple[Program, ...]) -> str | None:
    """Return programs in a sentence's words: "perhaps firefox (pid 123)", "perhaps one of …, …"; None for none.

    Perhaps, because each of them only could be it, and one that is not seen may be it, too.
    """
    if not programs:
        return None
    names = ", ".join(str(program) for program in programs)
    return f"perhaps {names}" if len(programs) == 1 else f"perhaps one of {names}"


def _processes(proc: Path) -> Iterator[int]:
    names = (entry.name for entry in proc.iterdir())
    return iter(sorted((int(name) for name in names if name.isascii() and name.isdecimal()), reverse=True))


def _head(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most)


def _parent(folder: Path) -> int:
    """Return the number of the process that started this one: what follows its name and its state (proc(5), stat)."""
    return int(_head(folder / "stat", _COMMAND_BYTES).rpartition(b")")[2].split()[1])


def _has_connected_socket(folder: Path) -> bool:
    # In the process's own network namespace: a client in a container is a client, too.
    connected = _connected(_head(folder / "net" / "unix", _TABLE_BYTES))
    sockets = (_socket(descriptor) for descriptor in islice((folder / "fd").iterdir(), _MOST_DESCRIPTORS))
    return any(inode in connected for inode in sockets)


def _socket(descriptor: Path) -> bytes | None:
    """Return the number of the socket that a file descriptor is; None for another file, or one closed meanwhile."""
    try:
        target = os.fsencode(descriptor.readlink())
    except OSError:
        return None
    return target[8:-1] if target.startswith(b"socket:[") else None


def _connected(table: bytes) -> frozenset[bytes]:
    rows = (row.split(None, _COLUMNS) for row in table.splitlines()[1:])
    return frozenset(row[6] for row in rows if len(row) >= _COLUMNS and row[5] == _CONNECTED)


def _name(folder: Path) -> str:
    """Return the name of the program, or of the script that an interpreter runs."""
    words = [os.fsdecode(word) for word in _head(folder / "cmdline", _COMMAND_BYTES).split(b"\0") if word]
    try:
        program = (folder / "exe").readlink().name.removesuffix(" (deleted)")
    except OSError:
        program = os.fsdecode(_head(folder / "comm", _LONGEST_NAME)).strip()
    if _INTERPRETER.fullmatch(program):
        # `-m MODULE` and a script look alike here; the text of `-c` is no name, and may be anything.
        arguments = words[1:]
        script = next((word for word in arguments if not word.startswith("-")), None)
        if script is not None and not {"-c", "-e"}.intersection(arguments[: arguments.index(script)]):
            program = Path(script).name
    clean = "".join(character if character.isprintable() else "?" for character in program)[:_LONGEST_NAME]
    return clean or "?"
