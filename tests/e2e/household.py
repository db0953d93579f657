"""A whole house under test: a stage, a daemon, simulated cards, and the programs as a stranger would run them."""

import json
import os
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e_ifd_card import IfdCard
from e2e_model_card import ModelCard
from e2e_vpcd_card import VpcdCard
from e2e_wire import Wire

from sithsd.simulator import control
from sithsd.simulator.background import start_responder
from sithsd.simulator.card import Card
from sithsd.simulator.image import Role
from sithsd.simulator.shelf import Shelf
from sithsd.simulator.stage import Stage, end

BIN = Path(sys.executable).parent
# A daemon that opens another socket than a Unix socket is killed, in every test.
UNIX_ONLY = [sys.executable, "-I", "-S", str(Path(__file__).with_name("unix_only.py"))]
CARDS, CODES = "io.sithsd.Cards", "io.sithsd.Codes"
READER_0, READER_1 = "SITHS-SIM Reader (0) 00 00", "SITHS-SIM Reader (1) 01 00"
PIN, SIGNATURE_PIN, PUK = "123456", "654321", "12345678"
WRONG_PIN, WRONG_PUK, NEW_PIN = "000000", "00000000", "918273"
DEADLINE = 60.0

Picture = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a program said, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it said, if that is JSON."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The `error` of a reply that has nothing else."""
        reply = self.json
        assert list(reply) == ["error"]
        return reply["error"]


class Household:
    """`cards` is a state folder with cards that were made before; the house works on a copy of them.

    The folder may be entered by every user, so that other users' programs find the sockets.
    """

    def __init__(self, stage: Stage, cards: Path) -> None:
        self.stage = stage
        self.folder = Path(tempfile.mkdtemp(prefix="sithsd-house-"))
        self.folder.chmod(0o755)
        self.run = self.folder / "run"
        self.state = self.folder / "state"
        self.log = self.folder / "sithsd.log"
        self.config = self.folder / "sithsd.toml"
        self.environment = {
            **{name: value for name, value in stage.environment.items() if not name.startswith(("LC_", "LANG"))},
            "RUNTIME_DIRECTORY": str(self.run),
            "STATE_DIRECTORY": str(self.state),
            "LC_ALL": "C.UTF-8",
        }
        self.daemon: subprocess.Popen[bytes] | None = None
        self.fetch: subprocess.Popen[Any] | None = None
        self.said: list[Answer] = []
        self.become: list[str] = []
        """The command that makes the daemon another user; its folders have to be that user's."""
        self._cards = cards
        self._holder: subprocess.Popen[str] | None = None
        self._model: ModelCard | None = None
        self._unplugged: set[int] = set()
        self._test = ExitStack()
        self._read_of_log = 0
        Shelf(cards).copy_to(self.state)
        self.write_freezes()
        self.write_config()

    # The daemon.

    def write_config(self, more: str = "") -> Path:
        """Write the daemon's settings: it trusts the simulated cards, and logs everything; `more` is added."""
        trust = (self.state / "simulator" / "sithsd.toml").read_text(encoding="utf-8")
        drivers = "" if "[drivers]" in more else f'[drivers]\nsite = "{self.folder}/drivers.d"\n'
        # A card that is known is not read, and most tests mean to see one being read.
        kept = "" if "[cards]" in more else "[cards]\nkeep_hours = 0\n"
        log = '[log]\nlevel = "debug"\nformat = "json"\n'
        policy = "" if "[policy]" in more else f'[policy]\nfile = "{self.write_policy()}"\n'
        rights = "" if "[rights]" in more else f'[rights]\nfile = "{self.write_rights()}"\n'
        calendar = f'[calendar]\nfile = "{self.folder}/freezes.toml"\n'
        self.config.write_text(f"{trust}{drivers}{policy}{rights}{calendar}{kept}{log}{more}", encoding="utf-8")
        return self.config

    def write_freezes(self, text: str = "") -> Path:
        """Write the site's order freezes; without `text` it has none."""
        file = self.folder / "freezes.toml"
        file.write_text(text, encoding="utf-8")
        return file

    def write_policy(self, more: str = "") -> Path:
        """Write the site's policy; without `more` it allows as many wrong codes as all tests of a module give."""
        budget = "[budget]\nwrong_codes_per_user = 1000\nwrong_codes_per_card = 1000\n"
        budget += "[audit]\nnotices_per_hour = 1000\n"
        file = self.folder / "policy.toml"
        file.write_text(more or budget, encoding="utf-8")
        return file

    def write_rights(self, **subjects: list[str]) -> Path:
        """Write the site's rights; what is not said is as shipped."""
        file = self.folder / "rights.toml"
        file.write_text("".join(f"{name} = {who}\n" for name, who in subjects.items()), encoding="utf-8")
        return file

    def command(self, *program: str) -> list[str]:
        """Return the daemon's command line; `program` is run in its place, if one is named."""
        folders = ["--runtime-dir", str(self.run), "--state-dir", str(self.state)]
        program = program or (str(BIN / "sithsd"),)
        # Whoever becomes another user may lose the right to start a program a second time; sudo gets none under a rule.
        ruled = [*UNIX_ONLY, *self.become] if os.geteuid() == 0 else [*self.become, *UNIX_ONLY]
        return [*ruled, *program, *folders, "--config", str(self.config)]

    def start(self, *program: str) -> None:
        """Start the daemon and wait until it says that it is ready."""
        with notify_socket(self.folder / "notify") as notes, self.log.open("ab") as log:
            (self.folder / "notify").chmod(0o777)  # to say something takes the right to write
            environment = {**self.environment, "NOTIFY_SOCKET": str(self.folder / "notify")}
            self.daemon = subprocess.Popen(self.command(*program), env=environment, stdout=log, stderr=log)
            assert b"READY=1" in next_note(notes, self.daemon), self.log.read_text()

    def serve_issuers(self, *options: str) -> None:
        """Start the simulated authorities' responder, with its options; it ends with the stage."""
        start_responder(self.stage, self.environment, *options)

    def start_fetch(self) -> None:
        """Start sithsd-fetch, in the stage's network and under no rule, and wait until it says that it is ready."""
        folders = ["--runtime-dir", str(self.run), "--state-dir", str(self.folder / "fetched")]
        command = [str(BIN / "sithsd-fetch"), *folders, "--config", str(self.config)]
        (self.folder / "fetched").mkdir(mode=0o700, exist_ok=True)
        self.run.mkdir(exist_ok=True)
        with notify_socket(self.folder / "notify-fetch") as notes, (self.folder / "fetch.log").open("ab") as log:
            environment = {**self.environment, "NOTIFY_SOCKET": str(self.folder / "notify-fetch")}
            self.fetch = self.stage.spawn(command, env=environment, stdout=log, stderr=log)
            assert b"READY=1" in next_note(notes, self.fetch), (self.folder / "fetch.log").read_text()

    def stop_fetch(self) -> None:
        """End sithsd-fetch."""
        assert self.fetch is not None
        end(self.fetch)
        assert self.fetch.returncode == 0
        self.fetch = None

    def await_verdict(self, *verdict: str) -> Picture:
        """Wait until every certificate of the card in the first reader has this verdict; return the picture."""

        def reached(picture: Picture) -> bool:
            found = in_reader(picture, self.readers[0])
            told = [one["verdict"] for one in found["card"]["certificates"]] if found and found["card"] else []
            return bool(told) and all((one["status"], *one["reasons"]) == verdict for one in told)

        return self.await_picture(reached)

    def stop(self) -> None:
        """End the daemon as a service manager would. It has to end in order."""
        daemon, self.daemon = self.daemon, None
        if daemon is not None:
            end(daemon)
            assert daemon.returncode == 0, self.log.read_text()[-3000:]

    def kill(self) -> None:
        """Kill the daemon."""
        assert self.daemon is not None
        self.daemon.kill()
        self.daemon.wait()
        self.daemon = None

    def log_lines(self) -> list[dict[str, Any]]:
        """Return what the daemon has logged."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    # The programs.

    def ctl(self, *arguments: str, codes: tuple[str, ...] = (), **environment: str) -> Answer:
        """Run sithsctl; `codes` are the lines of its standard input."""
        done = subprocess.run(
            [str(BIN / "sithsctl"), *arguments],
            env={**self.environment, **environment},
            input="".join(f"{code}\n" for code in codes),
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE,
        )
        return self._heard(done)

    def verify(self, code: str, *more: str, role: str = "authentication") -> Answer:
        """Run `sithsctl verify` as a script would."""
        return self.ctl("verify", "--role", role, "--code-fd", "0", "--json", *more, codes=(code,))

    def unblock(self, puk: str, new: str, *more: str, role: str = "authentication") -> Answer:
        """Run `sithsctl unblock` as a script would."""
        return self.ctl("unblock", "--role", role, "--code-fd", "0", "--json", *more, codes=(puk, new))

    def sim(self, *arguments: str) -> Answer:
        """Run sithsd-sim, which has to do what it is told."""
        done = self.stage.run(
            [str(BIN / "sithsd-sim"), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        assert done.returncode == 0, done.stderr
        return self._heard(done)

    def respond(self, *options: str) -> None:
        """Have the authorities answer on the stage, where the cards' certificates say, until the test ends."""
        self._test.callback(end, start_responder(self.stage, self.environment, *options))

    def background(self, command: list[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a program that ends with the test."""
        options = {"env": self.environment, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, **options}
        child: subprocess.Popen[Any] = subprocess.Popen(command, **options)
        self._test.callback(end, child)
        return child

    def hold(self, reader: str | None = None, mode: str = "shared") -> Callable[[str], None]:
        """Let another program hold the card; what is returned lets it go ("reset": and resets it)."""
        holder = self.background(
            [sys.executable, str(Path(__file__).with_name("card_holder.py")), reader or self.readers[0], mode],
            text=True,
        )
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        self._holder = holder

        def let_go(how: str = "") -> None:
            holder.communicate(how, timeout=DEADLINE)
            assert holder.returncode == 0

        return let_go

    @property
    def holder_pid(self) -> int:
        """The process number of the program that holds the card."""
        assert self._holder is not None
        return self._holder.pid

    def kill_holder(self) -> None:
        """Kill the program that holds the card."""
        assert self._holder is not None
        self._holder.kill()
        self._holder.wait()

    def program(self, name: str) -> list[str]:
        """Return how one of the programs is called."""
        return [str(BIN / name)]

    # The sockets.

    def wire(self, interface: str = CARDS) -> Wire:
        """Connect to one of the daemon's sockets."""
        return Wire(self.run / interface)

    def await_picture(self, reached: Callable[[Picture], bool]) -> Picture:
        """Follow the daemon's stream until the picture is as it should be; return it."""
        deadline = time.monotonic() + DEADLINE
        picture: Picture = {}
        with self.wire() as wire:
            wire.ask(f"{CARDS}.Monitor", more=True)
            while True:
                try:
                    reply = wire.receive(deadline - time.monotonic())
                except AssertionError:
                    raise AssertionError(f"it never came to this; the last picture: {picture}") from None
                assert reply.get("error") is None, reply
                picture = reply["parameters"]
                if reached(picture):
                    return picture

    def await_reader(self, state: str, reader: str | None = None, serial: str | None = None) -> dict[str, Any]:
        """Wait until a reader is in this state, holding the card with this serial number if one is named."""
        name = reader or self.readers[0]

        def reached(picture: Picture) -> bool:
            found = in_reader(picture, name)
            return (
                found is not None
                and found["state"] == state
                and (serial is None or (found["card"] or {}).get("serial") == serial)
            )

        found = in_reader(self.await_picture(reached), name)
        assert found is not None
        return found

    def order(self, request: control.Request) -> control.Reply:
        """Ask what serves the cards, as sithsd-sim does but without its start; it is started where it does not run."""
        try:
            return control.ask(self.run, request)
        except control.NotServingError:
            serve = [str(BIN / "sithsd-sim"), "serve"]
            child = self.stage.spawn(serve, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline and child.poll() is None:
            with suppress(control.NotServingError):
                return control.ask(self.run, request)
            time.sleep(0.02)
        raise AssertionError("sithsd-sim does not serve")

    def insert(self, name: str, *, reader: int = 0, delay_ms: float = 0, state: str | None = "ready") -> dict[str, Any]:
        """Put a card into a reader; wait until that is in `state`, and return it."""
        self.order(control.Insert(card=name, reader=reader, delay_ms=delay_ms))
        return self.await_reader(state, self.readers[reader]) if state else {}

    @staticmethod
    def put(name: str, reader: int = 0) -> control.Insert:
        """Return the order to put a card into a reader."""
        return control.Insert(card=name, reader=reader)

    def remove(self, reader: int = 0) -> None:
        """Take a card out, and wait until the daemon has noticed."""
        self.order(control.Remove(reader=reader))
        self.await_reader("empty", self.readers[reader])

    def swap(self, name: str, *, fast: bool = False) -> None:
        """Take the card out of the first reader and put another one in."""
        self.order(control.Swap(card=name, fast=fast))

    def apdus(self, *, reset: bool = False) -> int:
        """Return how many commands went to the card in the first reader since its insertion, or the last reset."""
        return self.order(control.Count(reset=reset)).apdus

    # The readers.

    @property
    def readers(self) -> tuple[str, ...]:
        """The readers' names, by their numbers."""
        return self.stage.reader_names

    def fit_pad(self, reader: int = 0) -> None:
        """Give a reader a PIN pad, until the test ends."""
        self.stage.readers.fit_pad(reader)
        self._test.callback(self.stage.readers.take_pad, reader)

    def press(self, *keys: str, reader: int = 0) -> None:
        """Press keys of a PIN pad as soon as it asks: digits, several in one string or not, and those of `pad.Key`."""
        single = tuple(key for given in keys for key in (given if given.isdigit() else [given]))
        if self._model is None:
            control.press(self.run, control.Press(keys=single, reader=reader), DEADLINE)
            return
        deadline = time.monotonic() + DEADLINE
        while not self._model.pad.asking:
            assert time.monotonic() < deadline, "the pad asks for nothing"
            time.sleep(0.01)
        self._model.pad.press(*single)

    def unplug(self, reader: int = 0) -> None:
        """Unplug a reader, and wait until the daemon shows it no longer."""
        self.stage.readers.unplug(reader)
        self._unplugged.add(reader)
        self.await_picture(lambda seen: in_reader(seen, self.readers[reader]) is None)

    def plug(self, reader: int = 0) -> None:
        """Plug a reader in again, and wait until the daemon shows it."""
        self.stage.readers.plug(reader)
        self._unplugged.remove(reader)
        self.await_picture(lambda seen: in_reader(seen, self.readers[reader]) is not None)

    # The cards.

    def model(self, name: str, **hooks: Callable[..., Any]) -> ModelCard:
        """Make a card whose every command can be stopped, for the first reader; it is not in yet."""
        contacts = IfdCard if self.stage.driver == "ifd" else VpcdCard
        made = ModelCard(lambda answer, atr: contacts(self.stage, 0, answer, atr=atr), self.chip(name), **hooks)
        self._test.callback(made.remove)
        self._model = made
        return made

    def chip(self, name: str) -> Card:
        """Return a card as its memory has it now."""
        return Shelf(self.state).card(name)

    def tries(self, name: str, role: str = "authentication") -> int:
        """Look into a card's memory for a counter: what the card would truly say."""
        return self.chip(name).tries_left(Role(role))

    def serial(self, name: str) -> str:
        """Return a card's serial number as it is engraved."""
        return self.chip(name).image.serial.hex().upper()

    # Order.

    def tidy(self) -> None:
        """Leave everything as a test may find it: readers empty, cards new, the daemon alive and without a fault."""
        for reader in sorted(self._unplugged):
            self.stage.readers.plug(reader)
        self._unplugged.clear()
        self._test.close()
        self._model = None
        for reader in self.order(control.State()).inserted:
            self.order(control.Remove(reader=reader))
        died = self.daemon is None or self.daemon.poll() is not None
        if died:
            self.start()
        self.await_picture(
            lambda seen: {one["name"]: one["state"] for one in seen["readers"]} == dict.fromkeys(self.readers, "empty")
        )
        self._lay_out_cards()
        lines = self.log_lines()
        faults = [line for line in lines[self._read_of_log :] if line["level"] in {"error", "critical"}]
        self._read_of_log = len(lines)
        assert not died
        assert not faults

    def close(self) -> None:
        """End what is left, and remove the folder."""
        self._test.close()
        try:
            with suppress(control.NotServingError):
                control.ask(self.run, control.Stop())
            self.stop()
        finally:
            if self.daemon is not None:
                end(self.daemon)
            shutil.rmtree(self.folder)

    def _lay_out_cards(self) -> None:
        place = Path("simulator") / "cards"
        shutil.rmtree(self.state / place)
        shutil.copytree(self._cards / place, self.state / place)

    def _heard(self, done: subprocess.CompletedProcess[str]) -> Answer:
        answer = Answer(done.returncode, done.stdout, done.stderr)
        self.said.append(answer)
        return answer


def in_reader(picture: Picture, reader: str) -> dict[str, Any] | None:
    """Return one reader of a picture."""
    return next((one for one in picture["readers"] if one["name"] == reader), None)


def code(reader: dict[str, Any], role: str = "authentication") -> dict[str, Any]:
    """Return the state of a code of the card in a reader."""
    return next(one for one in reader["card"]["codes"] if one["role"] == role)


@contextmanager
def notify_socket(path: Path) -> Iterator[socket.socket]:
    """Listen where a service manager would."""
    with suppress(FileNotFoundError):
        path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notes:
        notes.bind(str(path))
        yield notes
    path.unlink()


def next_note(notes: socket.socket, daemon: subprocess.Popen[Any]) -> bytes:
    """Return what the daemon tells its service manager next; it must not end before."""
    end_pid = os.pidfd_open(daemon.pid)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(notes, selectors.EVENT_READ)
            selector.register(end_pid, selectors.EVENT_READ)
            ready = [key.fileobj for key, _ in selector.select(DEADLINE)]
    finally:
        os.close(end_pid)
    assert notes in ready, "the daemon said nothing to its service manager"
    return notes.recv(4096)
