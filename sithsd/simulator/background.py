"""Processes in the background: the one that serves cards when nobody runs `sithsd-sim serve`, and the responder."""

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sithsd.simulator.control import ControlError, NotServingError, State, ask
from sithsd.simulator.stage import Stage

LOG: Final = "sithsd-sim.log"
"""The file in the runtime folder that a serving process logs into."""

_START_SECONDS = 15.0


class BackgroundError(Exception):
    """The process does not start; the message says where its log is."""


def start_server(runtime: Path, state: Path) -> subprocess.Popen[bytes]:
    """Start a process that serves cards until the last one is taken out, and wait until it takes orders.

    It is in a session of its own and outlives this process; the namespaces are this process's. Raises BackgroundError.
    """
    runtime.mkdir(parents=True, exist_ok=True)
    folders = ["--runtime-dir", str(runtime), "--state-dir", str(state)]
    command = [sys.executable, "-m", "sithsd.simulator.main", *folders, "serve", "--until-empty"]
    with (runtime / LOG).open("ab") as log:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True
        )
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            ask(runtime, State())
        except NotServingError:
            if child.poll() is not None:
                break
            time.sleep(0.02)
        except ControlError:
            break
        else:
            # Ours, or that of a call at the same time: then ours found it and ended.
            return child
    child.kill()
    child.wait()
    raise BackgroundError(f"the cards' process does not start; its log is {runtime / LOG}")


def start_responder(stage: Stage, environment: Mapping[str, str], *options: str) -> "subprocess.Popen[str]":
    """Start `sithsd-sim responder` on a stage, and wait until it listens; it ends with the stage.

    `environment` names the state folder; `options` are the command's. Raises BackgroundError.
    """
    command = [sys.executable, "-m", "sithsd.simulator.main", "responder", *options]
    child: subprocess.Popen[str] = stage.spawn(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if child.stdout is not None and child.stdout.readline():
        return child
    said = child.communicate()[1].strip()
    raise BackgroundError(f"the responder does not start: {said or 'it said nothing'}")
