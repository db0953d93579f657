"""Other users at the socket, as the kernel tells of them."""

import asyncio
import grp
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sithsd.api.peer import Caller, caller_of, program_of
from sithsd.api.rights import Rights
from sithsd.policy.rights import Rules

GAMES = grp.getgrnam("games").gr_gid


@contextmanager
def as_user(uid: int, gid: int, groups: list[int]) -> Iterator[None]:
    """Be another user for a moment; a socket keeps the user that connected it."""
    own = os.getgroups()
    os.setgroups(groups)
    os.setegid(gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(own)


@contextmanager
def accepted(folder: Path, connect: Callable[[socket.socket, str], None]) -> Iterator[socket.socket]:
    """Give the server's end of a connection that `connect` makes."""
    path = folder / "peer"
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as client:
        listening.bind(str(path))
        path.chmod(0o666)
        listening.listen()
        connect(client, str(path))
        server, _address = listening.accept()
        with server:
            yield server


def test_the_caller_is_this_process(folder: Path) -> None:
    """User, group, process and all groups of whoever connected, root or not."""
    with accepted(folder, socket.socket.connect) as server:
        assert caller_of(server) == Caller(
            uid=os.geteuid(), gid=os.getegid(), pid=os.getpid(), groups=frozenset({*os.getgroups(), os.getegid()})
        )


@pytest.mark.skipif(
    os.geteuid() != 0 and not os.environ.get("CI"), reason="only root can be several users; run as root in CI"
)
@pytest.mark.parametrize(("groups", "allowed"), [([], False), ([GAMES], True), ([1, 2, GAMES], True), ([1, 2], False)])
async def test_a_member_of_the_group_is_known_by_the_groups_of_the_process(
    folder: Path, groups: list[int], allowed: bool
) -> None:
    """The supplementary groups are those the process has, not what a database says of its user."""

    def connect(client: socket.socket, path: str) -> None:
        with as_user(65534, 65534, groups):
            client.connect(path)

    with accepted(folder, connect) as server:
        caller = caller_of(server)
    assert (caller.uid, caller.gid) == (65534, 65534)
    assert caller.groups == {65534, *groups}
    rules = Rules(status=(), personal_numbers=(), codes=("group:games",), authenticate=(), sign=(), desk=())
    assert Rights(rules, own_uid=0).codes(caller) is allowed


@pytest.mark.skipif(
    os.geteuid() != 0 and not os.environ.get("CI"), reason="only root can be several users; run as root in CI"
)
def test_more_groups_than_the_kernel_tells_at_once(folder: Path) -> None:
    """A user in hundreds of groups (a directory's) is looked up in the user database instead."""

    def connect(client: socket.socket, path: str) -> None:
        with as_user(65534, 65534, list(range(5000, 5400))):
            client.connect(path)

    with accepted(folder, connect) as server:
        assert caller_of(server).groups == {65534, *os.getgrouplist("nobody", 65534)}


@pytest.mark.skipif(
    os.geteuid() != 0 and not os.environ.get("CI"), reason="only root can be several users; run as root in CI"
)
async def test_another_user_is_answered_as_that_user(served: Any) -> None:
    """The server tells users apart on the same socket."""
    with as_user(65534, 65534, []):
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(str(served.path))
    reader, writer = await asyncio.open_unix_connection(sock=peer)
    writer.write(b'{"method":"org.example.Room.WhoAmI"}\0')
    reply = await reader.readuntil(b"\0")
    assert b'"uid":65534' in reply
    writer.close()
    await writer.wait_closed()


def test_the_program_of_a_process() -> None:
    """Its name as the kernel has it; one that has ended, or can't be looked at, is unknown."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"x")
        process.stdin.flush()
        assert process.stdout.read(1) == b"x"  # by now it is that program
        assert program_of(process.pid) == "cat"
        process.stdin.close()
    assert program_of(process.pid) == "unknown"
    assert program_of(-1) == "unknown"
