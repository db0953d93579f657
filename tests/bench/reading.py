"""What it costs to learn whose card it is: sithsd beside OpenSC's tools, on the same card in the same run."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from sithsd.api import wire
from sithsd.api.client import Client
from sithsd.locations import CARDS_SOCKET
from tests.bench.stagehand import BIN, Bench, Traffic, fresh

DELAYS_MS = (0, 10)
_ROUNDS = 5
_TOOLS = (["pkcs11-tool", "-O"], ["pkcs15-tool", "--list-certificates"])
_NOTHING_KEPT = "[cards]\nkeep_hours = 0\n"
_OPENSC_KEEPS = "app default { framework pkcs15 { use_file_caching = yes; } }\n"
# The floor that no reader of four certificates gets below: SELECT and READ BINARY of their bytes, 256 at a time.
_PIECE = 256
_BITS_PER_SECOND = 250_000


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a card: its traffic, and the median time in milliseconds."""

    name: str
    delay_ms: int
    traffic: Traffic
    milliseconds: float


def measure(bench: Bench) -> list[Reading]:
    """Return the readings of sithsd and of both tools, with each delay; whole, and of a card that was read before."""
    readings = []
    for delay in DELAYS_MS:
        readings.append(_sithsd(bench, delay))
        bench.simulator("insert", "ordinary", "--delay-ms", str(delay))
        readings += [_tool(bench, delay, command) for command in _TOOLS]
        bench.simulator("remove")
        readings.append(_sithsd_again(bench, delay))
        bench.simulator("insert", "ordinary", "--delay-ms", str(delay))
        readings.append(_tool_again(bench, delay, _TOOLS[1]))
        bench.simulator("remove")
    return readings


def floor_apdus(certificate_lengths: list[int]) -> int:
    """Return the least number of commands for these certificates: a SELECT each, and their bytes in short pieces."""
    return sum(1 + -(-length // _PIECE) for length in certificate_lengths)


def floor_milliseconds(certificate_lengths: list[int], delay_ms: int) -> float:
    """Return the time of the floor on a card of 250 kbit/s whose commands take `delay_ms` each."""
    return floor_apdus(certificate_lengths) * delay_ms + sum(certificate_lengths) * 8000 / _BITS_PER_SECOND


def certificate_lengths(bench: Bench) -> list[int]:
    """Return the lengths of the ordinary card's certificates, as the daemon gives them out."""
    with bench.daemon():
        _follow(bench)
        shown = subprocess.run(
            [str(BIN / "sithsctl"), "certificates", "--json"],
            env=bench.environment, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        bench.simulator("remove")
    return [len(entry["der"]) * 3 // 4 for entry in json.loads(shown.stdout)["certificates"]]


def _sithsd(bench: Bench, delay: int) -> Reading:
    with bench.daemon(_NOTHING_KEPT):
        return _insertions(bench, delay, "sithsd, insertion to identity, codes and verdict")


def _sithsd_again(bench: Bench, delay: int) -> Reading:
    with bench.daemon():
        _follow(bench)
        bench.simulator("remove")
        return _insertions(bench, delay, "sithsd, known card inserted again")


def _insertions(bench: Bench, delay: int, name: str) -> Reading:
    times, traffic = [], Traffic(0, 0, 0)
    for _ in range(_ROUNDS):
        times.append(_follow(bench, "--delay-ms", str(delay)))
        traffic = bench.traffic()
        bench.simulator("remove")
    return Reading(name, delay, traffic, statistics.median(times))


def _follow(bench: Bench, *options: str) -> float:
    """Insert a card and return the milliseconds from the reader's word to the whole card, as a client hears them."""
    began = 0.0
    inserting: subprocess.Popen[bytes] | None = None
    with Client(bench.cards_socket) as client:
        for picture in client.stream(f"{CARDS_SOCKET}.Monitor", {}, wire.MonitorReply):
            state = picture.readers[0].state if picture.readers else ""
            if inserting is None and state == "empty":
                command = [str(BIN / "sithsd-sim"), "insert", "ordinary", *options]
                inserting = bench.stage.spawn(command, env=bench.environment)
            elif state == "reading":
                began = time.monotonic()
            elif state == "ready" and inserting is not None:
                took = (time.monotonic() - began) * 1000
                if inserting.wait() != 0:
                    break
                return took
    raise RuntimeError("the card was not read")


def _tool(bench: Bench, delay: int, command: list[str]) -> Reading:
    def cold() -> dict[str, str]:
        return fresh(bench.folder, bench.environment)

    return _calls(bench, delay, command, ", cold", cold)


def _tool_again(bench: Bench, delay: int, command: list[str]) -> Reading:
    """Have OpenSC use its own cache of files, which its settings switch on and which reads no counters."""
    settings = bench.folder / "opensc.conf"
    settings.write_text(_OPENSC_KEEPS, encoding="ascii")
    environment = fresh(bench.folder, bench.environment) | {"OPENSC_CONF": str(settings)}
    subprocess.run(command, env=environment, capture_output=True, check=True)
    return _calls(bench, delay, command, ", its file cache on and warm", lambda: environment)


def _calls(bench: Bench, delay: int, command: list[str], how: str, make: Callable[[], dict[str, str]]) -> Reading:
    times, traffic = [], Traffic(0, 0, 0)
    for _ in range(_ROUNDS):
        environment = make()
        bench.traffic(reset=True)
        began = time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, check=True)
        times.append((time.monotonic() - began) * 1000)
        if done.stdout.count(b"Legitimering") + done.stdout.count(b"Underskrift") == 0:
            sys.exit(f"{command[0]} did not read the card")
        traffic = bench.traffic()
    return Reading(" ".join(command) + how, delay, traffic, statistics.median(times))
