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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sithsd.simulator.background import BackgroundError, start_responder
from sithsd.simulator.ending import signals_unwind
from sithsd.simulator.stage import Stage, StageError, end

BIN = Path(sys.executable).parent
# Codes of a simulated card (fixtures/README.md). They go through a pipe, never onto a command line.
PIN, PUK = "123456", "12345678"
WRONG_PIN, NEW_PIN, NEW_SIGNATURE_PIN, WEAK_PIN = "246810", "918273", "604815", "456789"
PAD = 1
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
        self._say("The authority publishes what it revokes; sithsd-fetch, which alone has a network, may ask it.")
        self._revocation()
        self._say("The daemon starts, on a pcscd of its own.")
        with (self._folder / "sithsd.log").open("wb") as log:
            daemon = subprocess.Popen(
                # It ends with us however we end.
                ["setpriv", "--pdeathsig", "TERM", str(BIN / "sithsd"), "--config", str(self._configuration)],
                env=self._environment, stdout=log, stderr=log,
            )  # fmt: skip
            try:
                self._main_job()
                self._activation()
                self._pin_pad()
                self._audit()
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

    def _revocation(self) -> None:
        """Start the authorities' responder and sithsd-fetch; both end with the stage."""
        start_responder(self._stage, self._environment)
        run, state = self._folder / "run", self._folder / "fetched"
        run.mkdir()
        state.mkdir(mode=0o700)
        folders = ["--runtime-dir", str(run), "--state-dir", str(state)]
        with (self._folder / "sithsd-fetch.log").open("wb") as log:
            command = [str(BIN / "sithsd-fetch"), *folders, "--config", str(self._configuration)]
            fetch = self._stage.spawn(command, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not (run / "io.sithsd.Fetch").is_socket():
            if fetch.poll() is not None or time.monotonic() > deadline:
                raise Unexpected(f"sithsd-fetch does not start:\n{(self._folder / 'sithsd-fetch.log').read_text()}")
            time.sleep(0.05)

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
        self._await("no certificate is revoked", lambda reader: _verdicts(reader) == {"good"})
        self._run(0, "validity")

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

        self._say("The card's certificates are revoked while it is in.")
        self._simulator("revoke", "ordinary", "--reason", "keyCompromise")
        self._until("they are bad", lambda: _verdicts({"card": self._fresh()}) == {"bad"})
        self._run(0, "status")

        self._say("The card is taken out.")
        self._simulator("remove")
        self._await("the reader is empty", lambda reader: reader["state"] == "empty" and reader["card"] is None)
        self._run(4, *VERIFY, codes=(NEW_PIN,))

    def _activation(self) -> None:
        self._say("A new card at the desk: its holder chooses both PINs. The checklist comes first.")
        self._simulator("insert", "inactive")
        self._await("the card is read", lambda reader: reader["state"] == "ready")
        self._run(0, "codes")
        today = datetime.now(ZoneInfo("Europe/Stockholm")).date().isoformat()
        answers = ["holderPresent=yes", "idDocument=yes", f"orderDate={today}", "responsibilityLetter=yes"]
        given = [word for answer in answers for word in ("--answer", answer)]
        activate = ["activate", "--code-fd", "0", *given]
        self._run(7, *activate, codes=(PUK, NEW_PIN, NEW_SIGNATURE_PIN))
        activate += ["--answer", "paymentApplies=no"]
        self._run(7, *activate, codes=(PUK, WEAK_PIN, NEW_SIGNATURE_PIN))
        self._expect("nothing was sent: the PUK's tries", self._code("puk")["triesLeft"], 10)
        self._run(0, *activate, codes=(PUK, NEW_PIN, NEW_SIGNATURE_PIN))
        for role in ("authentication", "signature"):
            self._expect(f"the PIN for {role} is chosen", self._code(role)["activated"], wanted=True)
        self._run(0, *VERIFY, codes=(NEW_PIN,))
        self._simulator("remove")

    def _pin_pad(self) -> None:
        self._say("A reader with a PIN pad: the code goes from its keys to the card, never through this computer.")
        self._simulator("insert", "second", "--reader", str(PAD))
        self._await("the card is read", lambda reader: reader["state"] == "ready", PAD)
        verify = ["verify", "--role", "authentication", "--pin-pad"]
        with self._keys("cancel"):
            self._run(7, *verify)
        with self._keys("code", "ok", codes=(WRONG_PIN,)):
            self._run(5, *verify)
        self._expect("tries left", self._tries(PAD), 2)
        with self._keys("code", "ok", codes=(PIN,)):
            self._run(0, *verify)
        self._expect("tries left", self._tries(PAD), 3)
        self._simulator("remove", "--reader", str(PAD))

    def _audit(self) -> None:
        self._say("Every operation is in the audit, without codes; the chain of its rows is whole.")
        self._run(0, "audit", "show", "--last", "5")
        self._run(0, "audit", "verify")

    @contextmanager
    def _keys(self, *keys: str, codes: tuple[str, ...] = ()) -> Iterator[None]:
        """Press keys of the pad as soon as it asks, while the block runs."""
        sys.stdout.write(f"\n$ sithsd-sim press --reader {PAD} {' '.join(keys)} &\n")
        sys.stdout.flush()
        presser = self._stage.spawn(
            [str(BIN / "sithsd-sim"), "press", "--reader", str(PAD), *keys],
            env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            if presser.stdin is not None:
                presser.stdin.write("".join(f"{code}\n" for code in codes))
                presser.stdin.close()
                presser.stdin = None
            yield
            self._expect("exit status of the keys", presser.wait(_PATIENCE_SECONDS), 0)
        finally:
            end(presser)

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

    def _await(self, what: str, reached: Callable[[dict[str, Any]], bool], number: int = 0) -> None:
        """Follow `sithsctl monitor` until a reader is as it should be."""
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
                        if len(readers or ()) > number and reached(readers[number]):
                            return
                finally:
                    end(monitor)
            time.sleep(0.05)
        raise Unexpected(f"{what}: not within {_PATIENCE_SECONDS} s")

    def _until(self, what: str, reached: Callable[[], bool]) -> None:
        """Ask until it is so."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not reached():
            if time.monotonic() > deadline:
                raise Unexpected(f"{what}: not within {_PATIENCE_SECONDS} s")
            time.sleep(0.5)

    def _fresh(self) -> dict[str, Any]:
        """Have the authority asked anew; return what has certificates and verdicts."""
        return self._answer("validity", "--fresh", "--json")

    def _card(self, number: int = 0) -> dict[str, Any]:
        card: dict[str, Any] = self._answer("status", "--json")["readers"][number]["card"]
        return card

    def _answer(self, *arguments: str) -> dict[str, Any]:
        shown = subprocess.run(
            [str(BIN / "sithsctl"), *arguments],
            env=self._environment, stdout=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        answer: dict[str, Any] = json.loads(shown.stdout)
        return answer

    def _code(self, role: str = "authentication", number: int = 0) -> dict[str, Any]:
        return next(code for code in self._card(number)["codes"] if code["role"] == role)

    def _tries(self, number: int = 0) -> int | None:
        tries: int | None = self._code(number=number)["triesLeft"]
        return tries

    def _expect(self, what: str, seen: object, wanted: object) -> None:
        if seen != wanted:
            raise Unexpected(f"{what}: expected {wanted!r}, got {seen!r}")

    def _say(self, words: str) -> None:
        bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() and "NO_COLOR" not in os.environ else ("", "")
        sys.stdout.write(f"\n{bold}— {words}{plain}\n")
        sys.stdout.flush()


def _verdicts(reader: dict[str, Any]) -> set[str]:
    """Return the verdicts on the certificates of the card in a reader."""
    return {certificate["verdict"]["status"] for certificate in (reader["card"] or {}).get("certificates", ())}


def main() -> int:
    """Set the stage, play, and clear away."""
    with signals_unwind():
        folder = Path(tempfile.mkdtemp(prefix="sithsd-demo-"))
        try:
            with Stage(readers=2, pads=[PAD]) as stage:
                return Demo(stage, folder).play()
        except (StageError, BackgroundError, Unexpected) as error:
            sys.stderr.write(f"demo: {error}\n")
            return 1
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
