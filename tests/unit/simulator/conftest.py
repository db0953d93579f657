"""Simulated cards for the simulator's own tests: made once a session, copied for each test."""

import importlib.util
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sithsd.clock import FixedClock
from sithsd.simulator.card import Card
from sithsd.simulator.shelf import Shelf

# Tests are no package, so a neighbouring module is loaded by its path.
_spec = importlib.util.spec_from_file_location("fake_vpcd", Path(__file__).with_name("fake_vpcd.py"))
assert _spec is not None
assert _spec.loader is not None
fake_vpcd = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fake_vpcd)

TODAY = datetime(2024, 1, 15, 12, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def clock() -> FixedClock:
    """Stop the clock: it stands at noon on an ordinary day."""
    return FixedClock(TODAY)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, clock: FixedClock) -> Shelf:
    """Make cards here, once; tests take copies."""
    return Shelf(tmp_path_factory.mktemp("shelf"), clock)


@pytest.fixture
def shelf(made: Shelf, tmp_path: Path) -> Callable[..., Shelf]:
    """Return a function that gives a shelf of the test's own with the cards of these names on it."""

    def with_cards(*names: str) -> Shelf:
        for name in names:
            made.card(name)
        return made.copy_to(tmp_path)

    return with_cards


@pytest.fixture
def card(shelf: Callable[..., Shelf]) -> Iterator[Callable[..., Card]]:
    """Return a function that gives a card with power."""

    def powered(name: str = "ordinary") -> Card:
        taken = shelf(name).card(name)
        taken.power_on()
        return taken

    return powered


@pytest.fixture
def reader() -> Iterator["fake_vpcd.FakeReader"]:
    """Listen like one slot of vpcd."""
    with fake_vpcd.FakeReader() as listening:
        yield listening
