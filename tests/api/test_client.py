"""The client: replies in their shape, failures by name."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Never

import pytest

from sithsd.api.client import REPLY_BYTES, Client, DaemonError, LostError
from sithsd.api.code_wire import CodeReply, VerifyCall
from sithsd.api.wire import ListReply, MonitorReply
from sithsd.errors import ErrorCode, SithsdError
from sithsd.secret import Secret

FAKE_DAEMON = Path(__file__).parent / "fake_daemon.py"
LIST = "io.sithsd.Cards.List"


@pytest.fixture
def daemon(folder: Path) -> Iterator[Any]:
    """Start a daemon with the real interface texts."""
    process = subprocess.Popen([sys.executable, str(FAKE_DAEMON), str(folder)], stdin=-1, stdout=-1, text=True)
    assert process.stdout.readline() == "ready\n"
    yield process
    process.communicate()


@contextmanager
def answering(path: Path, *answers: bytes, then_close: bool = True) -> Iterator[None]:
    """Listen at `path` and answer the calls of one connection with these bytes, one after the other."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        ended = threading.Event()

        def answer() -> None:
            line, _address = listening.accept()
            with line:
                for one in answers:
                    received = b""
                    while not received.endswith(b"\0"):
                        received += line.recv(100_000)
                    try:
                        line.sendall(one)
                    except (BrokenPipeError, ConnectionResetError):
                        break
                if not then_close:
                    ended.wait(30)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def error_reply(**parameters: Any) -> bytes:
    """Return the bytes of an error as the daemon tells it."""
    told = {"code": "pin.wrong", "retryable": False, "detail": "", **parameters}
    return json.dumps({"error": "io.sithsd.Cards.Something", "parameters": told}).encode() + b"\0"


def test_a_reply_comes_as_json_or_in_its_shape(daemon: Any, folder: Path) -> None:
    """The same call gives plain JSON or a shape, over one connection, with and without parameters."""
    with Client(folder / "io.sithsd.Cards") as client:
        plain = client.call(LIST)
        shaped = client.call(LIST, {"unmasked": None}, ListReply)
        assert client.call(LIST, None, dict) == plain
    assert plain["readers"][0]["card"]["serial"] == shaped.readers[0].card.serial
    assert daemon.poll() is None


def test_a_stream_is_an_iterator(daemon: Any, folder: Path) -> None:
    """Replies come as they happen; to end the iteration is to end the stream, and the client can be used again."""
    with Client(folder / "io.sithsd.Cards") as client:
        changes = client.stream("io.sithsd.Cards.Monitor", {}, MonitorReply)
        assert next(changes).event == "state"
        daemon.stdin.write("change\n")
        daemon.stdin.flush()
        second = next(changes)
        assert (second.event, second.sequence) == ("changed", 2)
        changes.close()
        assert client.call(LIST)["sequence"] == 2


def test_an_error_of_the_daemon_comes_with_all_it_tells(daemon: Any, folder: Path) -> None:
    """Code, tries, role, status word and place are those of the reply."""
    with Client(folder / "io.sithsd.Codes") as client, Secret(b"000000") as code:
        with pytest.raises(DaemonError) as caught:
            client.call("io.sithsd.Codes.Verify", VerifyCall(role="authentication", code=code), CodeReply)
        error = caught.value
        assert (error.code, error.told, error.tries_left, error.role) == ("pin.wrong", "pin.wrong", 2, "authentication")
        assert error.where.reader == "Fake Reader 00 00"
        assert error.status_word == 0x63C0
        assert not error.retryable
    assert daemon.poll() is None


def test_a_code_that_this_release_does_not_know_survives(folder: Path) -> None:
    """A newer daemon's error is told by its own name, with the retryable that it came with, and does not crash."""
    with (
        answering(folder / "s", error_reply(code="card.onFire", retryable=True, newField=[1])),
        Client(folder / "s") as client,
        pytest.raises(DaemonError) as caught,
    ):
        client.call(LIST)
    assert (caught.value.code, caught.value.told, caught.value.retryable) == ("internal", "card.onFire", True)
    assert str(caught.value).startswith("card.onFire: ")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("org.varlink.service.MethodNotFound", "request.invalid"),
        ("org.varlink.service.InterfaceNotFound", "request.invalid"),
        ("org.varlink.service.PermissionDenied", "request.denied"),
        ("com.example.Something", "internal"),
    ],
)
def test_errors_without_a_code_get_one(folder: Path, error: str, code: str) -> None:
    """Varlink's own errors, and errors nobody told us of, have a code too."""
    reply = json.dumps({"error": error, "parameters": {"method": "x"}}).encode() + b"\0"
    with answering(folder / "s", reply), Client(folder / "s") as client, pytest.raises(SithsdError) as caught:
        client.call(LIST)
    assert caught.value.code == code
    assert error in caught.value.detail


def test_no_daemon_is_daemon_unavailable(folder: Path) -> None:
    """A socket that is not there, and one on which nobody listens, are the same to a client."""
    with Client(folder / "none") as client, pytest.raises(SithsdError) as caught:
        client.call(LIST)
    assert (caught.value.code, caught.value.retryable) == (ErrorCode.DAEMON_UNAVAILABLE, True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "dead"))
    with Client(folder / "dead") as client, pytest.raises(SithsdError) as caught:
        client.call(LIST)
    assert caught.value.code is ErrorCode.DAEMON_UNAVAILABLE


def test_a_socket_one_may_not_use_is_request_denied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mode of the codes' socket keeps others out before the daemon does."""

    def refuse(_line: socket.socket, _path: str) -> Never:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with Client(folder / "s") as client, pytest.raises(SithsdError) as caught:
        client.call(LIST)
    assert caught.value.code is ErrorCode.REQUEST_DENIED


def test_a_daemon_that_does_not_answer_in_time(folder: Path) -> None:
    """The time of a call is bounded, and the connection is not used again."""
    with answering(folder / "s", b"", then_close=False), Client(folder / "s", timeout=0.1) as client:
        with pytest.raises(SithsdError) as caught:
            client.call(LIST)
        assert client._socket is None
    assert (caught.value.code, caught.value.retryable) == (ErrorCode.DAEMON_UNAVAILABLE, True)


@pytest.mark.parametrize("then_close", [True, False])
def test_a_call_of_codes_that_was_lost_is_never_said_to_be_repeatable(folder: Path, then_close: bool) -> None:
    """When the daemon is lost after a code was sent a try may be gone: no program may simply try again."""
    with (
        answering(folder / "s", b'{"para', then_close=then_close),
        Client(folder / "s", timeout=0.2) as client,
        Secret(b"123456") as code,
        pytest.raises(LostError) as caught,
    ):
        client.call("io.sithsd.Codes.Verify", VerifyCall(role="signature", code=code), CodeReply)
    assert (caught.value.code, caught.value.retryable) == (ErrorCode.DAEMON_UNAVAILABLE, False)


def test_a_stream_that_breaks_off_is_an_error(folder: Path) -> None:
    """The end of the daemon is not the end of the changes."""
    reply = b'{"parameters":{"event":"state"},"continues":true}\0'
    with answering(folder / "s", reply), Client(folder / "s") as client:
        changes = client.stream("io.sithsd.Cards.Monitor")
        assert next(changes) == {"event": "state"}
        with pytest.raises(SithsdError) as caught:
            next(changes)
    assert caught.value.code is ErrorCode.DAEMON_UNAVAILABLE


def test_a_stream_ends_with_its_last_reply(folder: Path) -> None:
    """A reply that does not continue is the last, and the connection is kept."""
    first, last = b'{"parameters":{"a":1},"continues":true}\0', b'{"parameters":{"a":2}}\0'
    with answering(folder / "s", first + last, b'{"parameters":{"a":3}}\0'), Client(folder / "s") as client:
        assert list(client.stream("io.sithsd.Cards.Monitor")) == [{"a": 1}, {"a": 2}]
        assert client.call(LIST) == {"a": 3}


def test_the_reason_of_a_refused_connection_is_read(folder: Path) -> None:
    """A daemon that refuses the connection says why before it closes; the client tells that and not a broken pipe."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "s"))
        listening.listen()
        with Client(folder / "s") as client:
            client._connected(time.monotonic() + 30)
            line, _address = listening.accept()
            line.sendall(error_reply(code="request.tooMany", retryable=True))
            line.close()
            with pytest.raises(SithsdError) as caught:
                client.call(LIST)
    assert caught.value.code is ErrorCode.REQUEST_TOO_MANY


@pytest.mark.parametrize(
    "answer", [b"xx\0", b"[]\0", b'{"parameters":{"readers":5}}\0', b"x" * (REPLY_BYTES + 1), b"[" * 60_000 + b"\0"]
)
def test_a_reply_that_is_none_is_internal(folder: Path, answer: bytes) -> None:
    """A daemon that is none, or not ours, is an error by name, within bounds."""
    with answering(folder / "s", answer), Client(folder / "s") as client, pytest.raises(SithsdError) as caught:
        client.call(LIST, {}, ListReply)
    assert caught.value.code is ErrorCode.INTERNAL


def test_a_call_that_is_too_long_is_not_sent(folder: Path) -> None:
    """The daemon's cap is known to the client."""
    with Client(folder / "s") as client, pytest.raises(SithsdError) as caught:
        client.call(LIST, {"reader": "x" * 70_000})
    assert caught.value.code is ErrorCode.REQUEST_INVALID
    assert list(folder.iterdir()) == []
