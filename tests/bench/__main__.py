"""make bench: measure, and print a table; the same figures as JSON in .cache/bench.json.

With the word "cards" or "million" only the one or the other half is measured.

Figures of one machine at one time: compare the rows of one run with each other, not with another run's.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sithsd import __version__
from sithsd.simulator.stage import Stage
from tests.bench import million, reading
from tests.bench.stagehand import Bench, resident_megabytes, wake_ups

_OUTPUT = Path(".cache/bench.json")
_IDLE_SECONDS = 5.0
# Clients, calls of each, and seconds of rest between: as fast as one and a hundred can, and a hundred that ask calmly.
_LOADS = {"1 client": (1, 2000, 0.0), "100 clients": (100, 100, 0.0), "100 clients, 1000/s": (100, 30, 0.1)}


def main() -> None:
    """Measure everything, or what is named."""
    named = sys.argv[1:] or ["cards", "million"]
    figures: dict[str, Any] = {
        "sithsd": __version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
    }
    if "cards" in named:
        figures |= _cards()
    if "million" in named:
        figures["million"] = million.measure()
    _OUTPUT.parent.mkdir(exist_ok=True)
    _OUTPUT.write_text(json.dumps(figures, indent=2) + "\n")
    console = Console(width=100)
    console.print(f"sithsd {figures['sithsd']}, {figures['date']}, {figures['machine']}")
    if "cards" in named:
        _show_cards(console, figures)
    if "million" in named:
        _show_million(console, figures["million"])
    console.print(f"JSON: {_OUTPUT}")


def _cards() -> dict[str, Any]:
    """Measure what a card costs, in one run on one stage."""
    with tempfile.TemporaryDirectory(prefix="sithsd-bench-") as folder, Stage(readers=2) as stage:
        bench = Bench(stage, Path(folder))
        bench.simulator("insert", "ordinary")  # personalises the card: not a thing to measure
        bench.simulator("remove")
        bench.simulator("build")
        lengths = reading.certificate_lengths(bench)
        readings = reading.measure(bench)
        return {
            "floor": {
                "apdus": reading.floor_apdus(lengths),
                "bytes": sum(lengths),
                "milliseconds": {str(delay): reading.floor_milliseconds(lengths, delay) for delay in reading.DELAYS_MS},
            },
            "reading": [
                {
                    "what": one.name,
                    "delayMs": one.delay_ms,
                    "apdus": one.traffic.apdus,
                    "bytesIn": one.traffic.bytes_in,
                    "bytesOut": one.traffic.bytes_out,
                    "milliseconds": round(one.milliseconds, 1),
                }
                for one in readings
            ],
            "daemon": _daemon(bench),
        }


def _daemon(bench: Bench) -> dict[str, float]:
    ready = []
    for _ in range(5):
        began = time.monotonic()
        with bench.daemon():
            ready.append((time.monotonic() - began) * 1000)
    figures = {"timeToReadyMs": statistics.median(ready)}
    bench.simulator("insert", "ordinary")
    with bench.daemon() as daemon:
        next(picture for picture in bench.stream() if _is_ready(picture))
        bench.traffic(reset=True)
        for what, load_of in _LOADS.items():
            load = subprocess.run(
                [sys.executable, "-m", "tests.bench.load", str(bench.cards_socket), *map(str, load_of)],
                stdout=subprocess.PIPE, check=True,
            )  # fmt: skip
            for name, value in json.loads(load.stdout).items():
                figures[f"status, {what}: {name}"] = value
        figures["status, all: apdus"] = bench.traffic().apdus
        figures["residentMiB"] = resident_megabytes(daemon.pid)
        before = wake_ups(daemon.pid)
        time.sleep(_IDLE_SECONDS)
        figures["idleWakeUpsPerSecond"] = (wake_ups(daemon.pid) - before) / _IDLE_SECONDS
        figures["pcscdRestartMs"] = _restart(bench)
    return figures


def _restart(bench: Bench) -> float:
    """Return the milliseconds from pcscd's being up again to the card's being shown again."""
    bench.stage.stop_pcscd()
    began = 0.0
    for picture in bench.stream():
        if not picture["service"] and not began:
            began = time.monotonic()
            bench.stage.start_pcscd()
        elif began and _is_ready(picture):
            return (time.monotonic() - began) * 1000
    raise TimeoutError("the card did not come back")


def _is_ready(picture: dict[str, Any]) -> bool:
    return any(reader["state"] == "ready" for reader in picture.get("readers", ()))


def _show_cards(console: Console, figures: dict[str, Any]) -> None:
    table = Table("reading one card with four certificates", title_justify="left")
    for heading in ("ms per APDU", "APDUs", "bytes to card", "bytes from card", "ms", "times sithsd"):
        table.add_column(heading, justify="right")
    whole = (one for one in figures["reading"] if one["what"].startswith("sithsd, insertion"))
    own = {one["delayMs"]: one["milliseconds"] for one in whole}
    for one in figures["reading"]:
        cells = (one["delayMs"], one["apdus"], one["bytesIn"], one["bytesOut"], f"{one['milliseconds']:.0f}")
        table.add_row(one["what"], *map(str, cells), f"{one['milliseconds'] / own[one['delayMs']]:.2f}")
    floor = figures["floor"]
    for delay, milliseconds in floor["milliseconds"].items():
        cells = (delay, floor["apdus"], "", floor["bytes"], f"{milliseconds:.0f}")
        table.add_row(
            "floor: certificates alone, 250 kbit/s", *map(str, cells), f"{milliseconds / own[int(delay)]:.2f}"
        )
    console.print(table)
    daemon = Table("the daemon", "figure")
    daemon.columns[1].justify = "right"
    for name, value in figures["daemon"].items():
        daemon.add_row(name, f"{value:,.2f}")
    console.print(daemon)


def _show_million(console: Console, figures: dict[str, Any]) -> None:
    own = figures["sithsd"]
    table = Table("a million certificates", "figure")
    table.columns[1].justify = "right"
    for name, value in own.items():
        table.add_row(name, f"{value:,.0f}")
    console.print(table)
    others = Table("one certificate")
    for heading in ("µs of a core", "times sithsd"):
        others.add_column(heading, justify="right")
    for name, value in figures["microsecondsOfOneCore"].items():
        others.add_row(name, f"{value:,.0f}", f"{figures['timesSithsd'].get(name, 1):.1f}")
    console.print(others)
    console.print(figures["note"])


if __name__ == "__main__":
    main()
