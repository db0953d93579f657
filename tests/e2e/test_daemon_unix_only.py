"""No network where codes are: the daemon runs under a rule that kills it if it opens any socket but a Unix socket.

Every daemon of these tests runs under it (`unix_only.py`), so that whatever they prove is proven without a network.
"""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e_household import DEADLINE, PIN, UNIX_ONLY, Household

# It opens a socket in another thread, as soon as it is ready.
_DISOBEYS = """
import socket, threading
from sithsd.daemon import main, wiring
told = wiring.notify
def notify(state):
    told(state)
    threading.Thread(target=socket.socket, args=(socket.{family}, socket.SOCK_RAW)).start()
wiring.notify = notify
main.main()
"""


def run(program: str) -> int:
    """Run a program under the rule; return what it ended with."""
    command = [*UNIX_ONLY, sys.executable, "-I", "-S", "-c", program]
    return subprocess.run(command, check=False, timeout=DEADLINE).returncode


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK"])
def test_the_rule_kills(family: str) -> None:
    """Whoever is under the rule and opens another socket is killed at once, whatever it would catch."""
    attempt = f"socket.socket(socket.{family}, socket.SOCK_RAW)"
    assert run(f"import socket\ntry:\n {attempt}\nexcept BaseException:\n pass") == -signal.SIGSYS


def test_the_rule_kills_a_child_and_io_uring() -> None:
    """A child of the program is under it too; so is the way to a socket that passes socket(2) by."""
    child = [sys.executable, "-c", "import socket; socket.socket()"]
    assert run(f"import subprocess, sys; sys.exit(-subprocess.run({child!r}).returncode)") == signal.SIGSYS
    assert run("import ctypes; ctypes.CDLL(None).syscall(425, 8, ctypes.create_string_buffer(256))") == -signal.SIGSYS


def test_the_rule_lets_unix_sockets_be() -> None:
    """Nothing else is forbidden: a Unix socket, a pair of them, a thread, a child."""
    work = "import os, socket, threading; a, b = socket.socketpair(); socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM);"
    assert (
        run(f"{work} threading.Thread(target=a.send, args=(b'x',)).start(); os.waitpid(os.fork() or os._exit(0), 0)")
        == 0
    )


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_NETLINK"])
def test_a_daemon_that_disobeys_dies(new_house: Callable[..., Household], family: str) -> None:
    """The rule holds for the daemon that these tests run, for all of its threads and at any time."""
    house = new_house(1)
    house.start(sys.executable, "-c", _DISOBEYS.format(family=family))
    assert house.daemon is not None
    assert house.daemon.wait(DEADLINE) == -signal.SIGSYS
    house.daemon = None


def test_the_daemon_is_under_the_rule_and_works(house: Household) -> None:
    """By the kernel's word the running daemon has the filter; it reads a card, judges it, and has it sign."""
    assert house.daemon is not None
    status = Path(f"/proc/{house.daemon.pid}/status").read_text(encoding="utf-8")
    told = dict(line.split(":\t", 1) for line in status.splitlines())
    assert (told["Seccomp"], told["NoNewPrivs"]) == ("2", "1")
    house.insert("ordinary")
    assert house.ctl("validity", "--json").status == 0
    assert house.verify(PIN).status == 0
    prove = ("authenticate", "--identity", "hsaId", "--require", "goodOrRevocationUnchecked")
    signed = house.ctl(*prove, "--code-fd", "0", "--json", codes=(PIN,))
    assert signed.status == 0
    assert house.daemon.poll() is None
