"""A stage for foreign programs: a private pcscd, a simulated card in it, and no settings but the program's own.

The stage and the process that serves the cards last a session; each test gets cards as new, and empty folders.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from sithsd.simulator.control import Insert, NotServingError, Press, Remove, Request, State, Swap, ask, press
from sithsd.simulator.shelf import Shelf
from sithsd.simulator.stage import Driver, Stage, StageError

SECONDS = 60


class Table:
    """A stage with a folder of the test's own; cards are put in by orders, `tool` calls a foreign program."""

    def __init__(self, stage: Stage, service: Path, made: Shelf, folder: Path) -> None:
        self.stage = stage
        self.folder = folder
        self._service = service
        self._made = made
        self._fresh: set[str] = set()
        self._pads: set[int] = set()
        for each in ("cache", "home"):
            (folder / each).mkdir()

    @property
    def environment(self) -> dict[str, str]:
        """A bare environment: the stage's pcscd, no opensc.conf, an empty cache and home, the C locale."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "OPENSC_CONF": str(self.folder / "no-opensc.conf"),
            "LC_ALL": "C",
            "PCSCLITE_CSOCK_NAME": str(self.stage.socket),
        }

    @property
    def shelf(self) -> Shelf:
        """The cards as they are now; look at one only while it is in no reader."""
        return Shelf(self._service)

    def insert(self, name: str, reader: int = 0) -> None:
        """Put a card in; the first time in a test it is a new one."""
        self._renew(name)
        ask(self._service, Insert(card=name, reader=reader))

    def swap(self, name: str, reader: int = 0) -> None:
        """Take the card out and put another one in."""
        self._renew(name)
        ask(self._service, Swap(card=name, reader=reader))

    def remove(self, reader: int = 0) -> None:
        """Take a card out, and wait until pcscd has noticed."""
        ask(self._service, Remove(reader=reader))
        if self.stage.driver == "vpcd":
            time.sleep(0.9)  # two of its polls of 400 ms

    def fit_pad(self, reader: int = 0) -> None:
        """Give a reader a PIN pad, until the table is cleared."""
        self.stage.readers.fit_pad(reader)
        self._pads.add(reader)

    def press(self, *keys: str, reader: int = 0) -> None:
        """Press keys of a PIN pad as soon as it asks: digits, several in one string or not, and those of `pad.Key`."""
        single = tuple(key for given in keys for key in (given if given.isdigit() else [given]))
        press(self._service, Press(keys=single, reader=reader), SECONDS)

    def clear(self) -> None:
        """Take all cards out, and the PIN pads away."""
        for reader in self._pads:
            self.stage.readers.take_pad(reader)
        for reader in ask(self._service, State()).inserted:
            ask(self._service, Remove(reader=reader))

    def tool(
        self, *command: str, codes: Mapping[str, str] | None = None, text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a foreign program; `codes` go into its environment, never onto its command line."""
        return subprocess.run(
            command,
            env=self.environment | dict(codes or {}),
            cwd=self.folder,
            input=text or "",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )

    def _renew(self, name: str) -> None:
        if name in self._fresh:
            return
        self._made.card(name)
        self._made.copy_to(self._service)
        self._fresh.add(name)


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Driver], tuple[Stage, Path]]]:
    """Set up a stage with two readers of one driver, and on it the process that serves cards from its own folder."""
    _demand("pcscd", "pkcs15-tool", "pkcs11-tool", "p11tool", "ssh-keygen", "openssl")
    made: dict[Driver, tuple[Stage, Path]] = {}
    with ExitStack() as stack:

        def on(driver: Driver) -> tuple[Stage, Path]:
            if driver not in made:
                folder = tmp_path_factory.mktemp("service")
                places = ["--runtime-dir", str(folder), "--state-dir", str(folder)]
                try:
                    stage = stack.enter_context(Stage(2, driver=driver))
                except StageError as error:
                    _missing(str(error))
                stage.spawn([sys.executable, "-m", "sithsd.simulator.main", *places, "serve"])
                _wait_for(folder, State())
                made[driver] = stage, folder
            return made[driver]

        yield on


@pytest.fixture
def service(services: Callable[[Driver], tuple[Stage, Path]], driver: Driver) -> tuple[Stage, Path]:
    """Return the stage and the folder of the process that serves cards on it."""
    return services(driver)


@pytest.fixture(scope="session")
def made_cards(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Make cards, once a session; tests get copies of them."""
    return Shelf(tmp_path_factory.mktemp("cards"))


@pytest.fixture
def table(service: tuple[Stage, Path], made_cards: Shelf, tmp_path: Path) -> Iterator[Table]:
    """Lay an empty table: the stage with no card in it."""
    stage, folder = service
    laid = Table(stage, folder, made_cards, tmp_path)
    laid.clear()
    yield laid
    laid.clear()


def _wait_for(folder: Path, order: Request) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            ask(folder, order)
        except NotServingError:
            assert time.monotonic() < deadline, "the cards' process does not start"
            time.sleep(0.02)
        else:
            return


def _demand(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if missing:
        _missing(f"not installed: {', '.join(missing)} (make setup installs them)")


def _missing(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
