"""A daemon, a reader and a simulated card on a private pcscd, for measuring."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sithsd.api import wire
from sithsd.api.client import Client
from sithsd.errors import SithsdError
from sithsd.locations import CARDS_SOCKET
from sithsd.simulator.stage import Stage, end

BIN = Path(sys.executable).parent
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """What went over the contacts: commands, bytes to the card, bytes from it (status words included)."""

    apdus: int
    bytes_in: int
    bytes_out: int


class Bench:
    """Where everything is, and how to start it."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage = stage
        self.folder = folder
        self.environment = {
            **stage.environment,
            "RUNTIME_DIRECTORY": str(folder / "run"),
            "STATE_DIRECTORY": str(folder / "state"),
            "OPENSC_CONF": "/dev/null",
            "LC_ALL": "C.UTF-8",
        }

    @property
    def cards_socket(self) -> Path:
        """The socket of io.sithsd.Cards."""
        return self.folder / "run" / CARDS_SOCKET

    def simulator(self, *arguments: str) -> str:
        """Run sithsd-sim on the stage; return what it prints."""
        done = self.stage.run(
            [str(BIN / "sithsd-sim"), *arguments], env=self.environment, stdout=subprocess.PIPE, text=True, check=True
        )
        return str(done.stdout)

    def traffic(self, *, reset: bool = False) -> Traffic:
        """Return what the card in the first reader has exchanged since insertion or the last reset."""
        counts = json.loads(self.simulator("count", "--json", *(["--reset"] if reset else [])))
        return Traffic(counts["apdus"], counts["bytesIn"], counts["bytesOut"])

    @contextmanager
    def daemon(self, settings: str = "") -> Iterator[subprocess.Popen[bytes]]:
        """Run the daemon, with more settings if some are given; it answers when the block begins."""
        file = self.folder / "sithsd.toml"
        trust = (self.folder / "state" / "simulator" / "sithsd.toml").read_text(encoding="utf-8")
        file.write_text(f"{trust}{settings}", encoding="utf-8")
        command = [str(BIN / "sithsd"), "--config", str(file)]
        with (self.folder / "sithsd.log").open("ab") as log:
            daemon = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
            try:
                self.await_answer()
                yield daemon
            finally:
                end(daemon)

    def await_answer(self) -> None:
        """Wait until the daemon answers and has found pcscd."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            try:
                with Client(self.cards_socket) as client:
                    if client.call(f"{CARDS_SOCKET}.List", {}, wire.ListReply).service:
                        return
            except SithsdError:
                pass  # not yet: the socket is not there
            time.sleep(0.001)
        raise TimeoutError("the daemon does not answer")

    def stream(self) -> Iterator[dict[str, Any]]:
        """Yield the pictures of io.sithsd.Cards.Monitor, as `sithsctl monitor --json` prints them."""
        with subprocess.Popen(
            ["timeout", str(_PATIENCE), str(BIN / "sithsctl"), "monitor", "--json"],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as monitor:
            try:
                for line in monitor.stdout or ():
                    yield json.loads(line)
            finally:
                end(monitor)


def resident_megabytes(pid: int) -> float:
    """Return the resident memory of a process in MiB (VmRSS)."""
    return _status(Path(f"/proc/{pid}/status"), "VmRSS") / 1024


def wake_ups(pid: int) -> int:
    """Return how often the threads of a process have waited and been woken so far."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(_status(task / "status", "voluntary_ctxt_switches") for task in tasks)


def _status(file: Path, field: str) -> int:
    for line in file.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0])
    raise ValueError(f"{file} has no {field}")


def fresh(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """Return the environment with an empty cache folder of its own: OpenSC keeps files by card serial."""
    cache = folder / f"cache-{time.monotonic_ns()}"
    cache.mkdir()
    return {**os.environ, **environment, "XDG_CACHE_HOME": str(cache), "HOME": str(cache)}
