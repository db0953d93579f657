"""A code that has been used is nowhere in the daemon's memory, and was never in its log."""

import json
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sithsd.api.client import Client
from sithsd.api.code_wire import CodeReply, UnblockCall, VerifyCall
from sithsd.errors import SithsdError
from sithsd.secret import Secret

FAKE_DAEMON = Path(__file__).parent / "fake_daemon.py"


@pytest.fixture
def daemon(folder: Path) -> Iterator[Any]:
    """Start a daemon in a process of its own, whose memory can be looked at."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(FAKE_DAEMON), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.communicate()


def places_in_memory(pid: int, needle: bytes) -> list[str]:
    """Return the memory areas of a process in which `needle` stands."""
    found = []
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            start, end, rights, name = re.match(r"(\w+)-(\w+) (\S+) \S+ \S+ \S+ *(.*)", line).groups()
            if "r" not in rights or name in {"[vvar]", "[vsyscall]", "[vvar_vclock]"}:
                continue
            memory.seek(int(start, 16))
            if needle in memory.read(int(end, 16) - int(start, 16)):
                found.append(line)
    return found


@contextmanager
def connected(path: Path) -> Iterator[socket.socket]:
    """Give a plain connection."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(path))
        yield line


@pytest.fixture
def code() -> str:
    """Make up a code that stands in no memory by chance."""
    return "".join(secrets.choice("0123456789") for _ in range(16))


def raw_call(code: str) -> bytes:
    """Return the bytes of a Verify call."""
    parameters = {"role": "authentication", "code": code}
    return json.dumps({"method": "io.sithsd.Codes.Verify", "parameters": parameters}).encode() + b"\0"


def test_the_search_finds_what_is_there(daemon: Any, folder: Path, code: str) -> None:
    """The search itself works: a text that a reply was made of is found in the daemon's memory."""
    with Client(folder / "io.sithsd.Cards") as cards:
        cards.call("io.sithsd.Cards.List", {})
    assert places_in_memory(daemon.pid, b"9752269875000000001")
    assert not places_in_memory(daemon.pid, code.encode())


@pytest.mark.parametrize("size", [0, 5000])
def test_a_used_code_is_nowhere_in_the_daemons_memory(daemon: Any, folder: Path, code: str, size: int) -> None:
    """Neither the message nor what was made of it is left, in buffers in use or in memory given back."""
    reader = "x" * size  # makes the message outgrow its first buffer
    with Client(folder / "io.sithsd.Codes") as codes:
        for _ in range(20):
            with pytest.raises(SithsdError) as caught, Secret(code.encode()) as secret:
                codes.call(
                    "io.sithsd.Codes.Verify",
                    VerifyCall(role="authentication", code=secret, reader=reader or None),
                    CodeReply,
                )
            assert caught.value.code in {"pin.wrong", "reader.unknown"}
        with Secret(b"12345678") as puk, Secret(code.encode()) as new_code:
            codes.call("io.sithsd.Codes.Unblock", UnblockCall(role="signature", puk=puk, new_code=new_code), CodeReply)
        assert places_in_memory(daemon.pid, code.encode()) == []
    assert code not in (folder / "log").read_text()


@pytest.mark.parametrize(
    "mistake",
    [
        {"role": "authentication", "code": "CODE", "colour": 1},
        {"role": "authentication", "code": ["CODE"]},
        {"role": "authentication", "code": "CODE", "reader": 5},
        {"role": "authentication", "code": "CODE\\"},
    ],
)
def test_a_code_in_a_call_that_is_refused_is_nowhere_either(
    daemon: Any, folder: Path, code: str, mistake: dict[str, Any]
) -> None:
    """A mistake beside the code does not keep the code."""
    parameters = json.dumps(mistake).replace("CODE", code).replace("\\\\", "\\")
    with connected(folder / "io.sithsd.Codes") as line:
        line.sendall(b'{"method":"io.sithsd.Codes.Verify","parameters":' + parameters.encode() + b"}\0")
        answer = line.recv(10_000)
        assert b"request.invalid" in answer
        assert code.encode() not in answer
        assert places_in_memory(daemon.pid, code.encode()) == []
    assert code not in (folder / "log").read_text()


def test_a_call_broken_off_in_the_middle_leaves_nothing(daemon: Any, folder: Path, code: str) -> None:
    """A client that dies while it writes leaves no half message in memory."""
    with connected(folder / "io.sithsd.Codes") as line:
        line.sendall(raw_call(code)[:-3])
    with Client(folder / "io.sithsd.Cards") as cards:
        for _ in range(1000):
            # The daemon notices in its own time that the client is gone.
            cards.call("io.sithsd.Cards.List", {})
            if not places_in_memory(daemon.pid, code.encode()):
                break
    assert places_in_memory(daemon.pid, code.encode()) == []


CLIENT = """
import os, sys
from sithsd.api.client import Client
from sithsd.api.code_wire import CodeReply, VerifyCall
from sithsd.errors import SithsdError
from sithsd.secret import Secret

typed = bytearray(16)
os.readv(0, [typed])
with Client(sys.argv[1] + "/io.sithsd.Codes") as codes, Secret(typed) as secret:
    typed[:] = bytes(16)
    try:
        codes.call("io.sithsd.Codes.Verify", VerifyCall(role="authentication", code=secret), CodeReply)
    except SithsdError as error:
        said = error.code
# Said only now: the code is the caller's to wipe, which the end of the block above does.
print(said, flush=True)
sys.stdin.buffer.read()
"""


def test_the_client_leaves_no_copy_of_a_secret(daemon: Any, folder: Path, code: str) -> None:
    """What the client sent is overwritten, in its own process too."""
    command = [sys.executable, "-c", CLIENT, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        client.stdin.write(code.encode())
        client.stdin.flush()
        assert client.stdout.readline() == b"pin.wrong\n"
        found = places_in_memory(client.pid, code.encode())
        client.stdin.close()
    assert found == []
    assert daemon.poll() is None
