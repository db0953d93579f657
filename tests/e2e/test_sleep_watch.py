"""Suspend and resume, on a real bus with a logind that is played by python-dbusmock."""

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sithsd.daemon.sleep import SleepWatch
from sithsd.simulator.stage import end

DEADLINE = 30.0
CONFIGURATION = """
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
NAME, PATH = "org.freedesktop.login1", "/org/freedesktop/login1"


class Machine:
    """A private bus, and a logind on it that hands out locks and says when it sleeps."""

    def __init__(self, folder: Path) -> None:
        self._stack = ExitStack()
        self.path = folder / "bus"
        self.address = f"unix:path={self.path}"
        self._environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.address}
        (folder / "bus.conf").write_text(CONFIGURATION.format(socket=self.path))
        self.bus = self._run("dbus-daemon", f"--config-file={folder / 'bus.conf'}", "--nofork", "--print-address")
        assert self.bus.stdout is not None
        assert self.bus.stdout.readline().startswith(b"unix:")

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._stack.callback(end, child)
        return child

    def close(self) -> None:
        """End both."""
        self._stack.close()

    def start_logind(self) -> subprocess.Popen[bytes]:
        """Play logind; its lock is the writing end of a pipe, as logind's own is."""
        played = self._run("/usr/bin/python3", "-m", "dbusmock", "--system", "--template", "logind")
        self.ask("org.freedesktop.DBus.Peer", "Ping", tries=200)
        inhibit = (
            "import os; r, w = os.pipe(); self.pipes = getattr(self, 'pipes', []) + [r]; "
            "ret = dbus.types.UnixFd(w); os.close(w)"
        )
        self.method("Inhibit", "ssss", "h", inhibit)
        # How many locks are held: a pipe whose writing ends are all closed is at its end, and ready to be read.
        held = (
            "import select; ret = 0\nfor r in getattr(self, 'pipes', []): ret += not select.select([r], [], [], 0)[0]"
        )
        self.method("Held", "", "i", held)
        return played

    def ask(self, interface: str, method: str, *arguments: str, tries: int = 1) -> str:
        """Call a method of the played logind by dbus-send; return what that prints."""
        command = ["dbus-send", "--system", "--print-reply=literal", f"--dest={NAME}", PATH, f"{interface}.{method}"]
        for left in reversed(range(tries)):
            done = subprocess.run(
                [*command, *arguments],
                env=self._environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=DEADLINE,
            )
            if done.returncode == 0:
                return done.stdout
            assert left, done.stderr
            time.sleep(0.05)
        raise AssertionError("not asked")

    def method(self, name: str, takes: str, gives: str, code: str) -> None:
        """Teach the play a method."""
        strings = [f"string:{word}" for word in (f"{NAME}.Manager", name, takes, gives, code)]
        self.ask("org.freedesktop.DBus.Mock", "AddMethod", *strings)

    def held(self) -> int:
        """Return how many locks are held."""
        return int(self.ask(f"{NAME}.Manager", "Held").split()[-1])

    def say(self, *, sleeps: bool) -> None:
        """Let logind say that the machine is about to sleep, or awake again."""
        script = (
            "import sys, dbus\n"
            "o = dbus.SystemBus().get_object('org.freedesktop.login1', '/org/freedesktop/login1')\n"
            "o.EmitSignal('org.freedesktop.login1.Manager', 'PrepareForSleep', 'b', [sys.argv[1] == 'True'],\n"
            "             dbus_interface='org.freedesktop.DBus.Mock')\n"
        )
        subprocess.run(["/usr/bin/python3", "-c", script, str(sleeps)], env=self._environment, check=True)

    def lie(self, watcher: str) -> None:
        """Let somebody who is not logind say to one client that the machine sleeps."""
        signal = ["dbus-send", "--system", "--type=signal", f"--dest={watcher}", PATH]
        command = [*signal, f"{NAME}.Manager.PrepareForSleep", "boolean:true"]
        subprocess.run(command, env=self._environment, check=True)

    def clients(self) -> list[str]:
        """Return the bus's clients by their unique names."""
        command = ["dbus-send", "--system", "--print-reply=literal", "--dest=org.freedesktop.DBus", "/",
                   "org.freedesktop.DBus.ListNames"]  # fmt: skip
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=True)
        return [word for word in done.stdout.split() if word.startswith(":")]


class Watched:
    """A watch under way, and what it called."""

    def __init__(self, address: str) -> None:
        self.calls: list[str] = []
        self.may_sleep = asyncio.Event()
        self.may_sleep.set()
        self.watch = SleepWatch(self._sleep, lambda: self.calls.append("wake"), address)
        self.task = asyncio.create_task(self.watch.run())

    async def _sleep(self) -> None:
        self.calls.append("sleep")
        await self.may_sleep.wait()
        self.calls.append("ended")

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for something."""
        async with asyncio.timeout(DEADLINE):
            while not await asyncio.to_thread(true):
                assert not self.task.done(), self.task
                await asyncio.sleep(0.02)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Return a machine with a bus, logind not yet started."""
    made = Machine(tmp_path)
    yield made
    made.close()


@pytest.fixture
async def watched(machine: Machine) -> AsyncIterator[Callable[[], Watched]]:
    """Start a watch."""
    started: list[Watched] = []

    def start() -> Watched:
        started.append(Watched(machine.address))
        return started[-1]

    yield start
    for one in started:
        one.task.cancel()
        with suppress(asyncio.CancelledError):
            await one.task


async def test_work_ends_before_the_machine_sleeps(machine: Machine, watched: Callable[[], Watched]) -> None:
    """A lock is held while awake, kept until the work has ended, let go then, and taken again after waking."""
    machine.start_logind()
    one = watched()
    await one.until(lambda: machine.held() == 1)
    for sleep in range(2):
        one.calls.clear()
        one.may_sleep.clear()
        await asyncio.to_thread(machine.say, sleeps=True)
        await one.until(lambda: one.calls == ["sleep"])
        assert await asyncio.to_thread(machine.held) == 1, sleep
        one.may_sleep.set()
        await one.until(lambda: one.calls == ["sleep", "ended"] and machine.held() == 0)
        await asyncio.to_thread(machine.say, sleeps=False)
        await one.until(lambda: one.calls == ["sleep", "ended", "wake"] and machine.held() == 1)


async def test_only_logind_is_believed(machine: Machine, watched: Callable[[], Watched]) -> None:
    """A signal that another client of the bus sends to the watch alone changes nothing."""
    machine.start_logind()
    before = set(await asyncio.to_thread(machine.clients))
    one = watched()
    await one.until(lambda: machine.held() == 1)
    new = set(await asyncio.to_thread(machine.clients)) - before
    for client in sorted(new):
        await asyncio.to_thread(machine.lie, client)
    await asyncio.to_thread(machine.say, sleeps=True)
    await asyncio.to_thread(machine.say, sleeps=False)
    await one.until(lambda: "wake" in one.calls)
    assert one.calls == ["sleep", "ended", "wake"]


async def test_a_logind_that_comes_and_goes(machine: Machine, watched: Callable[[], Watched]) -> None:
    """It is waited for, and a new one's lock is taken; a sleep that the old one told of ends then."""
    one = watched()
    async with asyncio.timeout(DEADLINE):
        await one.watch.watching.wait()
    first = await asyncio.to_thread(machine.start_logind)
    # The method that gives locks comes after the name: the first lock is the next sleep's end.
    await asyncio.to_thread(machine.say, sleeps=True)
    await one.until(lambda: one.calls == ["sleep", "ended"])
    end(first)
    await asyncio.to_thread(machine.start_logind)
    await one.until(lambda: one.calls == ["sleep", "ended", "wake"])
    await asyncio.to_thread(machine.say, sleeps=True)
    await asyncio.to_thread(machine.say, sleeps=False)
    await one.until(lambda: machine.held() == 1)


async def test_a_bus_that_is_lost_is_told_once(machine: Machine, watched: Callable[[], Watched]) -> None:
    """The watch ends, one warning says so, and who was told of a sleep is told that it is over."""
    machine.start_logind()
    one = watched()
    await one.until(lambda: machine.held() == 1)
    await asyncio.to_thread(machine.say, sleeps=True)
    await one.until(lambda: one.calls == ["sleep", "ended"])
    with capture_logs() as lines:
        end(machine.bus)
        async with asyncio.timeout(DEADLINE):
            await one.task
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == [
        "suspend is not noticed until the next start: the system bus is lost"
    ]
    assert one.calls == ["sleep", "ended", "wake"]


async def test_a_machine_without_a_bus(tmp_path: Path) -> None:
    """No bus, nobody who accepts, or one who speaks another language: one warning, and the watch ends."""
    for address in (f"unix:path={tmp_path}/none", "tcp:host=localhost", "nonsense"):
        with capture_logs() as lines:
            await SleepWatch(lambda: None, lambda: None, address).run()
        assert [line["log_level"] for line in lines] == ["warning"], address
    with socket.socket(socket.AF_UNIX) as stranger, capture_logs() as lines:
        stranger.bind(str(tmp_path / "stranger"))
        stranger.listen()
        stranger.setblocking(False)
        watch = asyncio.create_task(SleepWatch(lambda: None, lambda: None, f"unix:path={tmp_path}/stranger").run())
        loop = asyncio.get_running_loop()
        ours, _ = await loop.sock_accept(stranger)
        with ours:
            await loop.sock_sendall(ours, b"220 mail.example ESMTP\r\n")
            async with asyncio.timeout(DEADLINE):
                await watch
    assert [line["log_level"] for line in lines] == ["warning"]
