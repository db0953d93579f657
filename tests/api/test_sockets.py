"""The listening sockets: made, taken over, and left as they were found."""

import grp
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sithsd.api.client import Client
from sithsd.api.rights import Rights
from sithsd.api.sockets import Access, SocketError, open_sockets, usual_access
from sithsd.policy.rights import Rules

FAKE_DAEMON = Path(__file__).parent / "fake_daemon.py"
NAMES = {"io.sithsd.Cards": Access(0o666), "io.sithsd.Codes": Access(0o600)}


def test_sockets_are_made_with_their_modes_and_removed_at_the_end(folder: Path) -> None:
    """Everybody may connect to the cards' socket, the trusted to the codes'; the umask does not change that."""
    runtime = folder / "made" / "here"
    before = os.umask(0o077)
    try:
        with open_sockets(runtime, NAMES, {}) as sockets:
            assert set(sockets.listening) == set(NAMES)
            for name, access in NAMES.items():
                assert stat.S_IMODE((runtime / name).stat().st_mode) == access.mode
    finally:
        os.umask(before)
    assert not any(path.is_socket() for path in runtime.iterdir())


GAMES = grp.getgrnam("games").gr_gid


@pytest.mark.parametrize(
    ("codes", "authenticate", "sign", "access"),
    [
        ([], [], [], Access(0o600)),
        (["root"], [], ["root"], Access(0o600)),
        (["root", "group:no-such-group-here"], [], [], Access(0o600)),
        (["root", "group:games"], ["group:games"], [], Access(0o660, GAMES)),
        ([], [], ["group:games"], Access(0o660, GAMES)),
        (["group:games"], ["group:users"], [], Access(0o666)),
        (["root"], ["active-session"], [], Access(0o666)),
        (["root"], [], ["user:games"], Access(0o666)),
        (["root"], [], ["everyone"], Access(0o666)),
    ],
)
def test_who_connects_to_the_codes_socket(
    codes: list[str], authenticate: list[str], sign: list[str], access: Access
) -> None:
    """A file has an owner and one group: where more have a right everybody connects, and each call is judged."""
    rules = Rules(
        status=(), personal_numbers=("everyone",), codes=tuple(codes), authenticate=tuple(authenticate),
        sign=tuple(sign), desk=("everyone",),
    )  # fmt: skip
    found = usual_access(Rights(rules, own_uid=1))
    assert found == {"io.sithsd.Cards": Access(0o666), "io.sithsd.Codes": access}


def test_the_group_is_given_where_it_may_be_and_else_nobody_more_gets_in(folder: Path) -> None:
    """Root gives the socket to the group; another user who can't keeps it alone."""
    with open_sockets(folder, {"a.b": Access(0o660, 4711)}, {}):
        found = (folder / "a.b").stat()
        expected = (0o660, 4711) if os.geteuid() == 0 else (0o600, os.getegid())
        assert (stat.S_IMODE(found.st_mode), found.st_gid) == expected


def test_the_file_of_a_dead_daemon_is_replaced(folder: Path) -> None:
    """A socket file on which nobody listens is in nobody's way."""
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(folder / "a.b"))
    dead.close()
    with open_sockets(folder, {"a.b": Access(0o666)}, {}), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / "a.b"))


def test_the_socket_of_a_living_daemon_is_not_taken(folder: Path) -> None:
    """The second daemon ends with one line, and the first one still listens."""
    with open_sockets(folder, {"a.b": Access(0o666)}, {}):
        with pytest.raises(SocketError) as caught:
            open_sockets(folder, {"a.c": Access(0o666), "a.b": Access(0o666)}, {})
        assert str(caught.value) == f"{folder}/a.b: another program listens here already"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(folder / "a.b"))
        assert not (folder / "a.c").exists()


@pytest.mark.parametrize("make", ["touch", "mkdir", "symlink"])
def test_what_is_no_socket_is_not_removed(folder: Path, make: str) -> None:
    """A file, a folder or a link of that name is somebody else's."""
    path = folder / "a.b"
    {"touch": path.touch, "mkdir": path.mkdir, "symlink": lambda: path.symlink_to(folder / "target")}[make]()
    with pytest.raises(SocketError, match="it is not a socket"):
        open_sockets(folder, {"a.b": Access(0o666)}, {})
    assert os.path.lexists(path)


def test_a_name_that_is_too_long_is_one_line(folder: Path) -> None:
    """What the system refuses is told with the path."""
    with pytest.raises(SocketError) as caught:
        open_sockets(folder / ("x" * 120), {"a.b": Access(0o666)}, {})
    assert "\n" not in str(caught.value)
    assert "AF_UNIX path too long" in str(caught.value)


def test_only_our_own_file_is_removed(folder: Path) -> None:
    """If somebody put another socket in its place, that one stays."""
    sockets = open_sockets(folder, {"a.b": Access(0o666)}, {})
    (folder / "a.b").unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(folder / "a.b"))
        sockets.close()
        assert (folder / "a.b").exists()


@pytest.fixture
def activate(folder: Path) -> Iterator[Callable[..., Any]]:
    """Give a function that lets systemd's own tool listen and start the fake daemon at the first connection."""
    started = []

    def start(*options: Any) -> Any:
        command = ["systemd-socket-activate", *options, "--", sys.executable, str(FAKE_DAEMON), str(folder)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.communicate()


def connect(path: Path) -> socket.socket:
    """Connect as soon as somebody listens."""
    deadline = time.monotonic() + 30
    while True:
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            line.close()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        else:
            return line


def test_sockets_are_taken_over_from_systemd(folder: Path, activate: Any) -> None:
    """Passed sockets serve the interfaces they are named after, in any order, and their files stay at the end."""
    cards, codes = folder / "cards.socket", folder / "codes.socket"
    daemon = activate("-l", str(codes), "-l", str(cards), "--fdname=io.sithsd.Codes:io.sithsd.Cards")
    connect(cards).close()
    assert daemon.stdout.readline() == "ready\n"
    with Client(cards) as client:
        assert client.call("io.sithsd.Cards.List")["readers"]
    with Client(codes) as client:
        assert client.call("org.varlink.service.GetInfo")["interfaces"] == ["io.sithsd.Codes", "org.varlink.service"]
    daemon.communicate()
    assert daemon.returncode == 0
    assert {path.name for path in folder.iterdir()} == {"cards.socket", "codes.socket"}


def test_what_systemd_does_not_pass_is_made(folder: Path, activate: Any) -> None:
    """With only one of the sockets from systemd the other is made, and only that one is removed."""
    cards = folder / "cards.socket"
    daemon = activate("-l", str(cards), "--fdname=io.sithsd.Cards")
    connect(cards).close()
    assert daemon.stdout.readline() == "ready\n"
    assert (folder / "io.sithsd.Codes").is_socket()
    daemon.communicate()
    assert {path.name for path in folder.iterdir() if path.is_socket()} == {"cards.socket"}


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--fdname=somebody"], "systemd passed a socket named 'somebody', expected each once: "),
        (["--datagram", "--fdname=io.sithsd.Cards"], "what systemd passed as io.sithsd.Cards is no listening Unix "),
    ],
)
def test_sockets_that_are_not_ours_are_refused_in_one_line(
    folder: Path, activate: Any, options: Any, line: str
) -> None:
    """A mistake in the units is told at the start, with the name."""
    path = folder / "cards.socket"
    daemon = activate("-l", str(path), *options)
    if "--datagram" in options:
        # A datagram starts the program then.
        while not path.exists():
            time.sleep(0.01)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x", str(path))
    else:
        connect(path).close()
    _out, told = daemon.communicate()
    assert daemon.returncode == 1
    assert told.splitlines()[-1].startswith(line)


def test_variables_that_are_for_another_process_are_ignored(folder: Path) -> None:
    """LISTEN_FDS of a parent is not ours: the sockets are made, and the variables are gone."""
    environ = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "a.b", "HOME": "/"}
    with open_sockets(folder, {"a.b": Access(0o666)}, environ):
        assert (folder / "a.b").is_socket()
    assert environ == {"HOME": "/"}
