"""The main job of sithsd, played on the terminal: real programs, a real pcscd, a simulated card.

Every line that begins with $ is a program that is run for real; what it prints is what you see. After each step the
daemon's own state is compared with what the step had to bring about. Exit status 0 only if all of it came true.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sithsd.simulator.ending import signals_unwind
from sithsd.simulator.stage import Stage, StageError, end

BIN = Path(sys.executable).parent
# Codes of a simulated card (fixtures/README.md). They go through a pipe, never onto a command line.
PIN, PUK = "123456", "12345678"
WRONG_PIN, NEW_PIN = "246810", "918273"
_PATIENCE_SECONDS = 20
VERIFY = ("verify", "--role", "authentication", "--code-fd", "0")
UNBLOCK = ("unblock", "--role", "authentication", "--code-fd", "0")


class Unexpected(Exception):  # noqa: N818 - the demonstration's own word
    """A step did not bring about what it had to."""


class Demo:
    """One daemon, one reader, and the person at the terminal."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self._stage = stage
        self._folder = folder
        self._environment = {
            **stage.environment,
            "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
            "RUNTIME_DIRECTORY": str(folder / "run"),
            "STATE_DIRECTORY": str(folder / "state"),
        }
        self._configuration = folder / "state" / "simulator" / "sithsd.toml"
        self._failures = 0

    def play(self) -> int:
        """Play all of it; return the exit status."""
        self._say("A certificate authority and a card are made (SIM: nothing here identifies a real person).")
        self._simulator("build")
        self._say("The daemon starts, on a pcscd of its own.")
        with (self._folder / "sithsd.log").open("wb") as log:
            daemon = subprocess.Popen(
                # It ends with us however we end.
                ["setpriv", "--pdeathsig", "TERM", str(BIN / "sithsd"), "--config", str(self._configuration)],
                env=self._environment, stdout=log, stderr=log,
            )  # fmt: skip
            try:
                self._main_job()
            except Unexpected as error:
                sys.stdout.write(f"\n✗ {error}\n\nThe daemon's log:\n{(self._folder / 'sithsd.log').read_text()}\n")
                return 1
            finally:
                self._simulator("stop", quiet=True)
                end(daemon)
        if daemon.returncode != 0:
            sys.stdout.write(f"\n✗ the daemon ended with status {daemon.returncode}\n")
            return 1
        self._say("Every answer was the expected one.")
        return 0

    def _main_job(self) -> None:
        self._await("the reader is there and empty", lambda reader: reader["state"] == "empty")

        self._say("The card comes.")
        self._simulator("insert", "ordinary")
        self._await("the card is read", lambda reader: reader["state"] == "ready")
        self._run(0, "status")
        card = self._card()
        self._expect("whose card it is", card["holder"]["displayName"], "Tolvan Tolvansson")
        self._expect("it is marked as simulated", card["environment"], "sim")
        self._expect("level of assurance", card["levelOfAssurance"], 3)
        self._expect("four certificates", len(card["certificates"]), 4)
        self._expect("tries left", self._tries(), 3)

        self._say("A wrong PIN.")
        self._run(5, *VERIFY, codes=(WRONG_PIN,))
        self._expect("tries left", self._tries(), 2)

        self._say("The right PIN.")
        self._run(0, *VERIFY, codes=(PIN,))
        self._expect("tries left", self._tries(), 3)

        self._say("Three wrong PINs. The third is refused until somebody says that the last try may be spent.")
        self._run(5, *VERIFY, codes=(WRONG_PIN,))
        self._run(5, *VERIFY, codes=(WRONG_PIN,))
        self._run(7, *VERIFY, codes=(WRONG_PIN,))
        self._expect("tries left: the last one is still there", self._tries(), 1)
        self._run(5, *VERIFY, "--spend-last-try", codes=(WRONG_PIN,))
        self._expect("tries left", self._tries(), 0)
        self._expect("it is blocked", self._code()["blocked"], wanted=True)
        self._run(6, *VERIFY, codes=(PIN,))

        self._say("The PUK unblocks it, with a new PIN.")
        self._run(0, *UNBLOCK, codes=(PUK, NEW_PIN))
        self._expect("tries left", self._tries(), 3)
        self._run(0, *VERIFY, codes=(NEW_PIN,))

        self._say("The card is taken out.")
        self._simulator("remove")
        self._await("the reader is empty", lambda reader: reader["state"] == "empty" and reader["card"] is None)
        self._run(4, *VERIFY, codes=(NEW_PIN,))

    def _run(self, status: int, *arguments: str, codes: tuple[str, ...] = ()) -> None:
        sys.stdout.write(f"\n$ sithsctl {' '.join(arguments)}\n")
        sys.stdout.flush()
        done = subprocess.run(
            [str(BIN / "sithsctl"), *arguments],
            env=self._environment, input="".join(f"{code}\n" for code in codes), text=True, check=False,
        )  # fmt: skip
        self._expect("exit status", done.returncode, status)

    def _simulator(self, *arguments: str, quiet: bool = False) -> None:
        if not quiet:
            sys.stdout.write(f"\n$ sithsd-sim {' '.join(arguments)}\n")
            sys.stdout.flush()
        done = self._stage.run(
            [str(BIN / "sithsd-sim"), *arguments],
            env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL if quiet else None,
        )  # fmt: skip
        if not quiet:
            self._expect("exit status", done.returncode, 0)

    def _await(self, what: str, reached: Callable[[dict[str, Any]], bool]) -> None:
        """Follow `sithsctl monitor` until the first reader is as it should be."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (remaining := deadline - time.monotonic()) > 0:
            with subprocess.Popen(
                ["timeout", f"{remaining:.1f}", str(BIN / "sithsctl"), "monitor", "--json"],
                env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            ) as monitor:  # fmt: skip
                try:
                    for line in monitor.stdout or ():
                        # A daemon that is still starting answers with an error, which says that it may be retried.
                        readers = json.loads(line).get("readers")
                        if readers and reached(readers[0]):
                            return
                finally:
                    end(monitor)
            time.sleep(0.05)
        raise Unexpected(f"{what}: not within {_PATIENCE_SECONDS} s")

    def _card(self) -> dict[str, Any]:
        shown = subprocess.run(
            [str(BIN / "sithsctl"), "status", "--json"],
            env=self._environment, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        card: dict[str, Any] = json.loads(shown.stdout)["readers"][0]["card"]
        return card

    def _code(self) -> dict[str, Any]:
        return next(code for code in self._card()["codes"] if code["role"] == "authentication")

    def _tries(self) -> int | None:
        tries: int | None = self._code()["triesLeft"]
        return tries

    def _expect(self, what: str, seen: object, wanted: object) -> None:
        if seen != wanted:
            raise Unexpected(f"{what}: expected {wanted!r}, got {seen!r}")

    def _say(self, words: str) -> None:
        bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() and "NO_COLOR" not in os.environ else ("", "")
        sys.stdout.write(f"\n{bold}— {words}{plain}\n")
        sys.stdout.flush()


def main() -> int:
    """Set the stage, play, and clear away."""
    with signals_unwind():
        folder = Path(tempfile.mkdtemp(prefix="sithsd-demo-"))
        try:
            with Stage(readers=2) as stage:
                return Demo(stage, folder).play()
        except StageError as error:
            sys.stderr.write(f"demo: {error}\n")
            return 1
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
