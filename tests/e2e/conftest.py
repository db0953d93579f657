"""A real pcscd on a stage of its own, found by this process and its children."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from types import ModuleType

import pytest

from sithsd.simulator.stage import Stage


def _neighbour(name: str) -> ModuleType:
    # Under this name the others in this folder import it.
    spec = importlib.util.spec_from_file_location(f"e2e_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


vpcd_card = _neighbour("vpcd_card")
ifd_card = _neighbour("ifd_card")
listener = _neighbour("listener")
_neighbour("wire")
_neighbour("model_card")
household = _neighbour("household")
_neighbour("fault_bench")
_neighbour("machine")
_neighbour("seats")
_neighbour("desk")

NOBODY = 65534


@pytest.fixture
def set_stage(service_folder: Path, driver: str) -> Iterator[Callable[..., Stage]]:
    """Set up a stage, with the arguments of `Stage`; this process's PC/SC calls go to the last one set up."""
    with ExitStack() as stack:

        def set_up(readers: int = 2, *, autostart: bool = True) -> Stage:
            stage = stack.enter_context(Stage(readers, autostart=autostart, driver=driver))
            service_folder.unlink(missing_ok=True)
            service_folder.symlink_to(stage.folder)
            return stage

        yield set_up


@pytest.fixture
def put_card() -> Iterator[Callable[..., "ifd_card.IfdCard | vpcd_card.VpcdCard"]]:
    """Make a test card and put it into a reader of a stage, with the arguments of `IfdCard` or `VpcdCard`."""
    with ExitStack() as stack:

        def put(stage: Stage, *args: object, **options: object) -> "ifd_card.IfdCard | vpcd_card.VpcdCard":
            make = ifd_card.IfdCard if stage.driver == "ifd" else vpcd_card.VpcdCard
            card = make(stage, *args, **options)
            stack.callback(card.remove)
            card.insert()
            return card

        yield put


@pytest.fixture
def watch() -> Iterator[Callable[..., "listener.Listener"]]:
    """Start a monitor whose events are kept, with the arguments of `Monitor`; it is stopped when the test ends."""
    with ExitStack() as stack:

        def start(**options: object) -> "listener.Listener":
            kept = listener.Listener(**options)
            stack.callback(kept.monitor.stop)
            kept.monitor.start()
            return kept

        yield start


@pytest.fixture(scope="session")
def become() -> list[str]:
    """Return the command that becomes a user of no rights; the groups are still to be named.

    Where the checkout lies in a folder that other users may not enter, that user may read every file (which is no
    right to a socket).
    """
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}"]
    if os.geteuid() != 0:
        command = ["sudo", "--non-interactive", "--preserve-env", *command]
    reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    for means in (command, [*command, *reading]):
        attempt = [*means, "--clear-groups", str(household.BIN / "sithsctl"), "--version"]
        if subprocess.run(attempt, cwd="/", capture_output=True, check=False).returncode == 0:
            return means
    reason = "another user's programs need root or sudo"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def made_cards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a state folder with every simulated card, made once; houses work on copies."""
    folder = tmp_path_factory.mktemp("cards")
    subprocess.run([household.BIN / "sithsd-sim", "--state-dir", folder, "build"], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def house_on(made_cards: Path) -> Callable[[Stage], "household.Household"]:
    """Return what makes a house on a stage."""
    return lambda stage: household.Household(stage, made_cards)


@pytest.fixture(scope="module")
def shared_houses(
    house_on: Callable[[Stage], "household.Household"],
) -> Iterator[Callable[[str], "household.Household"]]:
    """Run a daemon with two readers, one for all tests of a module that have the same driver."""
    made: dict[str, household.Household] = {}
    with ExitStack() as stack:

        def on(driver: str) -> "household.Household":
            if driver not in made:
                stage = stack.enter_context(Stage(2, driver=driver))
                made[driver] = stack.enter_context(closing(house_on(stage)))
                made[driver].start()
            return made[driver]

        yield on


@pytest.fixture
def house(shared_houses: Callable[[str], "household.Household"], driver: str) -> Iterator["household.Household"]:
    """Return the module's house: readers empty, cards new. Afterwards the daemon has to be alive, without a fault."""
    shared = shared_houses(driver)
    yield shared
    shared.tidy()


@pytest.fixture
def new_house(
    house_on: Callable[[Stage], "household.Household"], driver: str
) -> Iterator[Callable[..., "household.Household"]]:
    """Make a house of a test's own, with the arguments of `Stage`; its daemon is not started."""
    with ExitStack() as stack:

        def make(readers: int = 2, *, autostart: bool = True, pads: Collection[int] = ()) -> "household.Household":
            stage = stack.enter_context(Stage(readers, autostart=autostart, driver=driver, pads=pads))
            return stack.enter_context(closing(house_on(stage)))

        yield make
