"""By what a person is asked, and what becomes of the answer."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sithsd.cli.ssh.asking import CancelledError, Nobody, NoWayError, has_own_terminal
from sithsd.cli.ssh.askpass import Askpass, Way, way

PIN = "739146"
X, WAYLAND, NONE = {"DISPLAY": ":0"}, {"WAYLAND_DISPLAY": "wayland-0"}, {"DISPLAY": ""}


@pytest.mark.parametrize(
    ("environment", "with_terminal", "without"),
    [
        ({}, Way.TERMINAL, None),
        (NONE, Way.TERMINAL, None),
        (X, Way.TERMINAL, Way.ASKPASS),
        (WAYLAND, Way.TERMINAL, Way.ASKPASS),
        ({**X, "SSH_ASKPASS_REQUIRE": "prefer"}, Way.ASKPASS, Way.ASKPASS),
        ({"SSH_ASKPASS_REQUIRE": "prefer"}, Way.TERMINAL, None),
        ({"SSH_ASKPASS_REQUIRE": "force"}, Way.ASKPASS, Way.ASKPASS),
        ({"SSH_ASKPASS_REQUIRE": "Force"}, Way.ASKPASS, Way.ASKPASS),
        ({**X, "SSH_ASKPASS_REQUIRE": "never"}, Way.TERMINAL, None),
        ({**X, "SSH_ASKPASS_REQUIRE": "what?"}, Way.TERMINAL, Way.ASKPASS),
    ],
)
def test_the_way(environment: dict[str, str], with_terminal: Way | None, without: Way | None) -> None:
    """As ssh(1) has it: a display, a terminal and SSH_ASKPASS_REQUIRE decide."""
    assert way(environment, terminal=True) is with_terminal
    assert way(environment, terminal=False) is without


def test_the_tests_have_no_terminal_of_their_own() -> None:
    """A process that no terminal controls is never asked on one."""
    child = os.fork()
    if not child:
        os.setsid()
        os._exit(has_own_terminal())
    assert os.waitpid(child, 0)[1] == 0


@pytest.fixture
def client() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return both ends of a connection: the agent's and the client's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Callable[..., Askpass]]:
    """Make an asker whose program is a shell script."""
    made: list[Askpass] = []

    def make(script: str, seconds: float = 60.0) -> Askpass:
        program = tmp_path / "askpass"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        environment = {"PATH": os.environ["PATH"], "SSH_ASKPASS": str(program), "OUT": str(tmp_path / "out")}
        made.append(Askpass({**environment, "SSH_ASKPASS_PROMPT": "confirm"}, seconds))
        return made[-1]

    yield make
    for one in made:
        one.close()


Ends = tuple[socket.socket, socket.socket]


def test_the_answer_is_the_first_line(asking: Callable[..., Askpass], client: Ends) -> None:
    """What the program says is the code, up to the line's end; the question is its argument, one line a sentence."""
    for said in (f"{PIN}\\n", PIN, f"{PIN}\\r\\nmore\\n"):
        asker = asking(f'printf "%s" "$1 ${{SSH_ASKPASS_PROMPT-none}}" >"$OUT"; printf "{said}"')
        with asker.ask_code(["what for", "PIN:"], client[0]) as code:
            assert code.reveal() == PIN.encode()
    assert (Path(asker._environment["OUT"])).read_text() == "what for\nPIN: none"


@pytest.mark.parametrize("script", [f"echo {PIN}; exit 1", "exit 1", "true", "echo", f"echo {PIN}; kill -9 $$"])
def test_no_answer(asking: Callable[..., Askpass], client: Ends, script: str) -> None:
    """A program that fails, whatever it said, or says nothing, was cancelled."""
    with pytest.raises(CancelledError):
        asking(script).ask_code(["PIN:"], client[0])


def test_a_long_answer_is_bounded(asking: Callable[..., Askpass], client: Ends) -> None:
    """A program that says more than any code is read to a bound, comes back too long to be one, and is ended."""
    with pytest.raises(CancelledError):
        asking("yes").ask_code(["PIN:"], client[0])  # it has not ended by itself when it was stopped
    with asking("head -c 66 /dev/zero | tr '\\0' 7").ask_code(["PIN:"], client[0]) as code:
        assert len(code) == 65


def test_a_slow_person(asking: Callable[..., Askpass], client: Ends) -> None:
    """After the time that a person may take the question is gone, and nothing was given."""
    began = time.monotonic()
    for script in ("exec sleep 600", "exec >&-; exec sleep 600"):
        with pytest.raises(CancelledError):
            asking(script, 0.1).ask_code(["PIN:"], client[0])
    assert time.monotonic() - began < 60


def test_a_client_that_goes(asking: Callable[..., Askpass], client: Ends) -> None:
    """Whoever asked for the signature goes: so does the question. That it has said more is no reason."""
    client[1].send(b"more")
    closing = threading.Timer(0.2, client[1].close)
    closing.start()
    with pytest.raises(CancelledError):
        asking("exec sleep 600").ask_code(["PIN:"], client[0])
    closing.join()


@pytest.mark.parametrize(
    ("script", "agreed"),
    [
        ('test "$SSH_ASKPASS_PROMPT" = confirm', True),
        ("echo", True),
        ("echo YES", True),
        ("echo no", False),
        ("echo yes; exit 1", False),
        ("exit 1", False),
    ],
)
def test_a_confirmation(asking: Callable[..., Askpass], client: Ends, script: str, agreed: bool) -> None:
    """As ssh has it: the program ends well, and has said nothing or yes."""
    assert asking(script).ask_yes(["Do you want this?"], client[0]) is agreed


def test_what_is_told_goes_away(asking: Callable[..., Askpass], client: Ends) -> None:
    """Something that is told stays while the block lasts, or until the next question: then its program is ended."""
    asker = asking('if [ "$SSH_ASKPASS_PROMPT" = none ]; then exec sleep 600; fi; echo 1')
    with asker.telling(["Press the keys."]):
        pressing = asker._notice
        assert pressing is not None
        assert pressing.poll() is None
    assert pressing.returncode == -signal.SIGTERM
    asker.tell(["It was wrong."])
    notice = asker._notice
    assert notice is not None
    with asker.ask_code(["PIN:"], client[0]):
        assert notice.returncode == -signal.SIGTERM


def test_no_program(client: Ends) -> None:
    """Without the program there is no way to ask, and the reason is told."""
    asker = Askpass({"SSH_ASKPASS": "/nonexistent/askpass"}, 1.0)
    with pytest.raises(NoWayError, match="/nonexistent/askpass: No such file"):
        asker.ask_code(["PIN:"], client[0])
    for question in (Nobody().ask_code, Nobody().ask_yes):
        with pytest.raises(NoWayError):
            question(["PIN:"], client[0])
