"""Programs that use PC/SC, in a /proc made up and in the true one."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sithsd.reader import holders
from sithsd.reader.holders import Program

LIBRARY = "/usr/lib/x86_64-linux-gnu/libpcsclite.so.1.0.0"
OWN = 1
TABLE = """Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000003 00000000 00000000 0001 03 500
0000000000000000: 00000003 00000000 00000000 0001 03 501 /run/pcscd/pcscd.comm
0000000000000000: 00000002 00000000 00010000 0001 01 502 /run/listens
"""

AddProgram = Callable[..., Path]


@pytest.fixture
def add(tmp_path: Path) -> AddProgram:
    """Return what lets a program run in the /proc that is the test's folder."""

    def run(
        pid: int,
        *words: str,
        executable: str | None = None,
        maps: Sequence[str] = (LIBRARY,),
        sockets: Sequence[int] = (500,),
        parent: int = 2,
    ) -> Path:
        folder = tmp_path / str(pid)
        (folder / "fd").mkdir(parents=True)
        (folder / "net").mkdir()
        (folder / "maps").write_text("".join(f"7f00-7f01 r--p 00000000 00:00 9        {path}\n" for path in maps))
        (folder / "net" / "unix").write_text(TABLE)
        (folder / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in words))
        (folder / "comm").write_text("in comm\n")
        (folder / "stat").write_text(f"{pid} (odd) name) S {parent} 1 1 0 -1\n")
        if executable is not None:
            (folder / "exe").symlink_to(executable)
        (folder / "fd" / "0").symlink_to("/dev/null")
        for number, inode in enumerate(sockets, 3):
            (folder / "fd" / str(number)).symlink_to(f"socket:[{inode}]")
        return folder

    return run


def test_a_program_with_the_library_and_a_socket_is_found(tmp_path: Path, add: AddProgram) -> None:
    """Both are needed, the socket connected; by name then number; without pcscd, who asks, and what that started."""
    add(20, executable="/usr/lib/firefox/firefox")
    add(3, executable="/usr/lib/gnupg/scdaemon", sockets=(501,))
    add(100, executable="/usr/lib/firefox/firefox", maps=("/usr/lib/libc.so", "/snap/x/libpcsclite_real.so.1"))
    add(4, executable="/usr/bin/no-library", maps=("/usr/lib/libc.so.6", "/usr/lib/libpcsclite.so.1.txt"))
    add(5, executable="/usr/bin/no-socket", sockets=())
    add(6, executable="/usr/bin/listens-only", sockets=(502, 777))
    add(7, executable="/usr/sbin/pcscd")
    add(OWN, executable="/usr/bin/sithsd")
    add(8, executable="/usr/bin/module-of-ours", parent=OWN)
    (tmp_path / "self").mkdir()
    found = holders.others(tmp_path, OWN)
    assert found == (Program("firefox", 20), Program("firefox", 100), Program("scdaemon", 3))


@pytest.mark.parametrize(
    ("executable", "words", "name"),
    [
        ("/usr/bin/python3.11", ["python3", "-I", "/usr/bin/tool.py", "x"], "tool.py"),
        ("/usr/bin/python3.11", ["python3", "-m", "some.module"], "some.module"),
        ("/usr/bin/python3.11", ["python3", "-c", "import secret", "file"], "python3.11"),
        ("/usr/bin/python3.11", ["python3"], "python3.11"),
        ("/usr/bin/scd (deleted)", ["-c", "x"], "scd"),
        ("/usr/bin/ev\x1b[31mil\n", [], "ev?[31mil?"),
        ("/usr/bin/" + "x" * 200, [], "x" * 64),
        (None, ["a"], "in comm"),
    ],
)
def test_the_name_is_what_a_person_knows(
    tmp_path: Path, add: AddProgram, executable: str | None, words: list[str], name: str
) -> None:
    """The executable, or the script that an interpreter runs; printable and bounded; never the text of `-c`."""
    add(20, *words, executable=executable)
    assert holders.others(tmp_path, OWN) == (Program(name, 20),)


def test_what_may_not_be_looked_at_is_not_found(tmp_path: Path, add: AddProgram) -> None:
    """A process that hides a file, or ended while it was looked at, is passed over; the others are found."""
    for pid, missing in ((11, "maps"), (12, "net/unix"), (13, "cmdline")):
        (add(pid, executable="/usr/bin/python3") / missing).unlink()
    (add(14) / "comm").unlink()
    folder = add(15, executable="/usr/bin/gone")
    (folder / "fd" / "0").unlink()
    (folder / "fd" / "0").write_text("closed between the listing and the look: no link")
    assert holders.others(tmp_path, OWN) == (Program("gone", 15),)


def test_a_machine_full_of_programs_has_a_bound(tmp_path: Path, add: AddProgram) -> None:
    """At most 16 are told."""
    for pid in range(100, 120):
        add(pid, executable="/usr/bin/many")
    assert len(holders.others(tmp_path, OWN)) == 16


def test_the_look_has_an_end(tmp_path: Path, add: AddProgram) -> None:
    """After 0.2 seconds it tells what it found so far; it begins with the newest."""
    for pid in (9, 20, 100, 1000):
        add(pid, executable="/usr/bin/many")
    ticks = itertools.count()
    found = holders.others(tmp_path, OWN, clock=lambda: next(ticks) * 0.08)
    assert found == (Program("many", 100), Program("many", 1000))


def test_told_to_a_person() -> None:
    """One may be the holder, of several one may be it, of none nothing is said."""
    assert holders.tell(()) is None
    assert holders.tell((Program("firefox", 123),)) == "perhaps firefox (pid 123)"
    both = (Program("firefox", 1), Program("scdaemon", 2))
    assert holders.tell(both) == "perhaps one of firefox (pid 1), scdaemon (pid 2)"


def test_a_true_program_is_found(tmp_path: Path) -> None:
    """A process of ours that has the true library loaded and a socket connected is found while it runs."""
    script = tmp_path / "card_user.py"
    script.write_text(
        "import socket, sys\n"
        "from smartcard import scard\n"
        "scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)\n"
        "pair = socket.socketpair()\n"
        "print(flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PCSCLITE_CSOCK_NAME": str(tmp_path / "none")},
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"\n"
        wanted = Program("card_user.py", child.pid)
        assert wanted in holders.others(own=1)
        assert wanted not in holders.others(own=child.pid)
        assert wanted not in holders.others(), "it is a child of this process"
        assert child.stdin is not None
        child.stdin.close()
        child.wait(20)
        assert wanted not in holders.others(own=1)
