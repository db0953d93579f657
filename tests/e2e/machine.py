"""A machine that can go to sleep: a private bus, and logind played by python-dbusmock."""

import os
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from jeepney import DBusAddress, HeaderFields, new_method_call, new_signal
from jeepney.io.blocking import open_dbus_connection

from sithsd.bus import BUS
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

    def await_held(self, locks: int) -> None:
        """Wait until so many locks are held."""
        deadline = time.monotonic() + DEADLINE
        while (held := self.held()) != locks:
            assert time.monotonic() < deadline, f"{held} locks are held"
            time.sleep(0.02)

    def say(self, *, sleeps: bool) -> None:
        """Let logind say that the machine is about to sleep, or awake again."""
        script = (
            "import sys, dbus\n"
            "o = dbus.SystemBus().get_object('org.freedesktop.login1', '/org/freedesktop/login1')\n"
            "o.EmitSignal('org.freedesktop.login1.Manager', 'PrepareForSleep', 'b', [sys.argv[1] == 'True'],\n"
            "             dbus_interface='org.freedesktop.DBus.Mock')\n"
        )
        subprocess.run(["/usr/bin/python3", "-c", script, str(sleeps)], env=self._environment, check=True)

    def lie(self, watcher: str, member: str, *arguments: str) -> None:
        """Let somebody who is not logind say to one client what only logind may say."""
        signal = ["dbus-send", "--system", "--type=signal", f"--dest={watcher}", PATH]
        command = [*signal, f"{NAME}.Manager.{member}", *arguments]
        subprocess.run(command, env=self._environment, check=True)

    def flood(self, watcher: str) -> None:
        """Let somebody send to one client what a bus lets everybody send: many signals, and one that is large."""
        to = DBusAddress(PATH, watcher, f"{NAME}.Manager")
        with open_dbus_connection(bus=self.address) as connection:
            for number in range(1000):
                signal = new_signal(to, "SeatNew", "so", (f"seat{number}", f"{PATH}/seat/seat{number}"))
                signal.header.fields[HeaderFields.destination] = watcher
                connection.send(signal)
            large = new_signal(to, "SeatNew", "s", ("x" * 1_000_000,))
            large.header.fields[HeaderFields.destination] = watcher
            connection.send(large)
            # The bus takes one client's messages in their order: it has passed them on.
            connection.send_and_get_reply(new_method_call(BUS, "GetId"), timeout=DEADLINE)

    def clients(self) -> list[str]:
        """Return the bus's clients by their unique names."""
        command = ["dbus-send", "--system", "--print-reply=literal", "--dest=org.freedesktop.DBus", "/",
                   "org.freedesktop.DBus.ListNames"]  # fmt: skip
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=True)
        return [word for word in done.stdout.split() if word.startswith(":")]
