"""Whatever one client sends, the daemon goes on answering another."""

import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sithsd.api.client import Client
from sithsd.api.limits import MESSAGE_BYTES

CARDS, CODES = "io.sithsd.Cards", "io.sithsd.Codes"
FAKE_DAEMON = Path(__file__).parent.parent / "api" / "fake_daemon.py"
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
METHODS = st.sampled_from(
    [
        "io.sithsd.Cards.List",
        "io.sithsd.Cards.Monitor",
        "io.sithsd.Cards.GetCodes",
        "io.sithsd.Codes.Verify",
        "io.sithsd.Codes.Unblock",
        "org.varlink.service.GetInfo",
        "org.varlink.service.GetInterfaceDescription",
    ]
)
FIELDS = st.sampled_from(["reader", "unmasked", "role", "code", "puk", "newCode", "cardSerial", "interface"])
CALLS = st.fixed_dictionaries(
    {"method": METHODS},
    optional={
        "parameters": st.dictionaries(FIELDS, JSON | st.sampled_from(["authentication", "signature"])) | JSON,
        "more": st.booleans() | JSON,
        "oneway": st.booleans() | JSON,
        "upgrade": st.booleans(),
    },
)
CODES_OF_ERRORS = {"request.invalid", "request.denied", "reader.unknown", "pin.wrong", "pin.malformed"}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Give the sockets of a daemon that must still run at the end, and must not have had a fault."""
    made = Path(tempfile.mkdtemp(prefix="sithsd-fuzz-"))
    with (made / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, str(FAKE_DAEMON), str(made)], stdin=-1, stdout=-1, stderr=log)
    try:
        assert process.stdout.readline() == b"ready\n"
        yield made
    finally:
        process.communicate()
        told = (made / "log").read_text()
        shutil.rmtree(made)
    assert process.returncode == 0
    assert "call failed" not in told
    assert "Traceback" not in told


@pytest.fixture(scope="module")
def second(folder: Path) -> Iterator[Callable[[], str]]:
    """Give a second client, connected all the time, that must be answered whatever the first one does."""
    with Client(folder / CARDS) as client:
        yield lambda: client.call("io.sithsd.Cards.List")["readers"][0]["name"]


@contextmanager
def connected(path: Path) -> Iterator[socket.socket]:
    """Give a plain connection to the daemon."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(30)
        line.connect(str(path))
        yield line


def exchange(path: Path, data: Any) -> bytes:
    """Send bytes, write no more, and return all that comes back until the daemon closes."""
    answer = b""
    with connected(path) as line:
        try:
            line.sendall(data)
            line.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the daemon refused the rest: what it said is read below
        try:
            while received := line.recv(100_000):
                answer += received
        except ConnectionResetError:
            pass  # it closed with bytes of ours unread
    return answer


def replies(answer: bytes) -> list[Any]:
    """Return the replies in an answer, each of which must be one whole JSON object."""
    assert answer == b"" or answer.endswith(b"\0")
    return [json.loads(reply) for reply in answer.split(b"\0")[:-1]]


def is_named(reply: dict[str, Any]) -> bool:
    """Tell whether a reply is a good one, or an error with a name that we or varlink gave it."""
    if "error" not in reply:
        return "parameters" in reply
    if reply["error"].startswith("org.varlink.service."):
        return True
    return reply["error"].startswith("io.sithsd.C") and reply["parameters"]["code"] in CODES_OF_ERRORS


@FUZZ
@given(data=st.binary(max_size=3000), name=st.sampled_from([CARDS, CODES]))
def test_random_bytes(folder: Path, second: Callable[[], str], data: Any, name: str) -> None:
    """Each message of random bytes gets a named error, and the next client its answer."""
    answers = replies(exchange(folder / name, data))
    assert len(answers) == data.count(b"\0")
    assert all(is_named(reply) and "error" in reply for reply in answers)
    assert second()


@FUZZ
@given(calls=st.lists(CALLS | JSON, min_size=1, max_size=5), name=st.sampled_from([CARDS, CODES]))
def test_calls_that_are_almost_right(folder: Path, second: Callable[[], str], calls: Any, name: str) -> None:
    """Each call gets one reply, unless it wants none; every error has a name, and none is a fault."""
    answers = replies(exchange(folder / name, b"".join(json.dumps(call).encode() + b"\0" for call in calls)))
    loud = [call for call in calls if not (isinstance(call, dict) and call.get("oneway") is True)]
    assert len(loud) <= len(answers) <= len(calls)
    assert all(is_named(reply) for reply in answers), answers
    assert second()


@FUZZ
@given(call=CALLS, data=st.data())
def test_truncated_calls(folder: Path, second: Callable[[], str], call: Any, data: Any) -> None:
    """A call cut anywhere is an error if its NUL follows, and nothing if it does not."""
    whole = json.dumps(call).encode()
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    assert exchange(folder / CARDS, cut) == b""
    (reply,) = replies(exchange(folder / CARDS, cut + b"\0"))
    assert reply["parameters"]["code"] == "request.invalid"
    assert second()


@pytest.mark.parametrize(
    "piece", [b"[", b'{"a":', b'{"method":"io.sithsd.Cards.List","parameters":{"reader":', b"[[[],"]
)
@pytest.mark.parametrize("size", [100, 5_000, MESSAGE_BYTES])
def test_nested_json(folder: Path, second: Callable[[], str], piece: bytes, size: int) -> None:
    """Depth is bounded: no endless nesting brings the parser down."""
    bomb = (piece * size)[:size] + b"\0"
    (reply,) = replies(exchange(folder / CARDS, bomb))
    assert reply["parameters"]["code"] == "request.invalid"
    assert second()


@pytest.mark.parametrize(
    "wide",
    [
        json.dumps({"method": "io.sithsd.Cards.List", "parameters": {f"k{n}": n for n in range(4000)}}),
        json.dumps({"method": "io.sithsd.Cards.List", **{f"k{n}": n for n in range(4000)}}),
        '{"method":"io.sithsd.Cards.List","parameters":{"unmasked":' + "9" * 60_000 + "}}",
        '{"method":"io.sithsd.Cards.List","parameters":{"unmasked":1e' + "9" * 60_000 + "}}",
        '{"method":"' + "io." * 20_000 + 'List"}',
        '{"method":"' + "\\u0061" * 10_000 + '"}',
    ],
)
def test_wide_json(folder: Path, second: Callable[[], str], wide: str) -> None:
    """Width, long numbers and long names are answered like anything else."""
    (reply,) = replies(exchange(folder / CARDS, wide.encode() + b"\0"))
    assert is_named(reply)
    assert second()


@pytest.mark.parametrize("name", [CARDS, CODES])
def test_ten_megabytes_without_an_end(folder: Path, second: Callable[[], str], name: str) -> None:
    """The daemon stops reading at its cap, says why, and closes that connection."""
    (reply,) = replies(exchange(folder / name, b"7" * 10_000_000))
    assert reply["error"] == f"{name}.RequestInvalid"
    assert second()


def test_many_connections(folder: Path, second: Callable[[], str]) -> None:
    """Connections above the budget are told so; those within it, and the second client, are answered."""
    lines = []
    refused = answered = 0
    try:
        for _ in range(400):
            line = socket.socket(socket.AF_UNIX)
            lines.append(line)
            line.settimeout(30)
            line.connect(str(folder / CARDS))
        for line in lines:
            try:
                line.sendall(b'{"method":"org.varlink.service.GetInfo"}\0')
            except (BrokenPipeError, ConnectionResetError):
                refused += 1
                assert b"request.tooMany" in line.recv(10_000)
            else:
                told = line.recv(10_000)
                refused += b"request.tooMany" in told
                answered += b'"vendor"' in told
        assert second()
    finally:
        for line in lines:
            line.close()
    assert refused + answered == 400
    assert answered >= 200
    assert refused >= 100
    assert second()


@pytest.mark.parametrize("seed", range(10))
def test_clients_that_come_and_go(folder: Path, second: Callable[[], str], seed: int) -> None:
    """Half-closed sockets, clients that leave in the middle, that never read, that only connect: none is felt."""
    chance = random.Random(seed)  # noqa: S311 - chance that can be repeated
    call = b'{"method":"io.sithsd.Cards.Monitor","more":true}\0{"method":"io.sithsd.Cards.List"}\0'
    lines = []
    for _ in range(60):
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(30)
        line.connect(str(folder / chance.choice([CARDS, CODES])))
        try:
            for _ in range(chance.randrange(4)):
                line.sendall(call[: chance.randrange(len(call) + 1)])
            if chance.random() < 0.4:
                line.shutdown(chance.choice([socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR]))
            if chance.random() < 0.3:
                line.setblocking(False)
                line.recv(chance.randrange(1, 500))
        except (BlockingIOError, ConnectionError):
            pass  # the daemon was quicker
        lines.append(line)
        if chance.random() < 0.5:
            lines.pop(chance.randrange(len(lines))).close()
        assert second()
    for line in lines:
        line.close()
    assert second()


def test_the_daemon_holds_nothing_of_those_who_left(folder: Path, second: Callable[[], str]) -> None:
    """After all that no connection is left open in the daemon but the second client's."""

    def ends(name: str) -> int:
        """Return how many sockets are bound to the name: the listening one, and the daemon's end of each connection."""
        return sum(line.endswith(f"{folder}/{name}") for line in Path("/proc/net/unix").read_text().splitlines())

    for _ in range(3000):
        assert second()
        if ends(CARDS) + ends(CODES) == 3:
            break
    assert (ends(CARDS), ends(CODES)) == (2, 1)
