"""A sithsd-fetch without sockets: its parts on a store of their own, asking a web that is played."""

import importlib.util
import random
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sithsd.clock import FixedClock
from sithsd.fetch.asking import Asker
from sithsd.fetch.backoff import Backoff, Pace
from sithsd.fetch.inquiry import Inquiry, Patience
from sithsd.fetch.library import Library
from sithsd.fetch.paths import Paths
from sithsd.fetch.places import Places
from sithsd.fetch.prefetch import Prefetch
from sithsd.fetch.store import Store
from sithsd.fetch.tools import Tools
from sithsd.validity.judge import Judge


def _load(name: str) -> Any:
    """Make the module `name` beside this file importable by that name: test folders are no packages."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


_issuing = _load("issuing")
# For who does not wait for the time to be up: no test is lost by a slow machine.
LONG = 300.0


@dataclass
class Bench:
    """The parts, put together as the program does; `tick` is the clock that only goes on."""

    office: Any
    web: Any
    clock: FixedClock
    tools: Tools
    inquiry: Inquiry
    prefetch: Prefetch
    tick: list[float]
    closed: bool = False

    def later(self, by: Any) -> None:
        """Let time go by."""
        self.clock.set(self.clock.now() + by)
        self.office.now = self.clock.now()
        self.tick[0] += by.total_seconds()

    async def check(self, **more: Any) -> list[Any]:
        """Ask about the holder's certificate; return the evidence."""
        asked = {"wait": LONG, "others": self.office.others, **more}
        certificate = asked.pop("certificate", self.office.holder)
        evidence, _ = await self.inquiry.check(certificate, asked.pop("others"), asked.pop("wait"), **asked)
        return evidence


@pytest.fixture(scope="session")
def office_keys(forge: Any) -> Any:
    """Return an office whose keys and certificates are made once."""
    return _issuing.Office(forge)


@pytest.fixture
def office(office_keys: Any, forge: Any) -> Any:
    """Return the office, at its usual moment."""
    office_keys.now = forge.NOW
    return office_keys


@pytest.fixture
async def bench(office: Any, tmp_path: Path) -> AsyncIterator[Bench]:
    """Give the parts, with an empty store."""
    made = await open_bench(office, tmp_path / "fetched.sqlite", office.judge)
    yield made
    await close_bench(made)


async def open_bench(office: Any, path: Path, judge: Judge, web: Any = None) -> Bench:
    """Put the parts together on this file."""
    clock, tick, chance = FixedClock(office.now), [0.0], random.Random(1)  # noqa: S311 - the same chance in each run
    web = web or _issuing.Web()
    places = Places(_issuing.SETTINGS)
    library = Library(Store(path, 64 * 1024 * 1024))
    backoff = Backoff(clock, chance)
    asker = Asker(web, library, backoff, clock, tell_seconds=lambda: tick[0])
    tools = Tools(Paths(judge, places, asker, library, clock), places, asker, library, backoff, clock)
    prefetch = Prefetch(tools, Pace(chance), 30)
    told = {"next_check": prefetch.next_check, "asked": prefetch.asked}
    inquiry = Inquiry(tools, **told, tell_seconds=lambda: tick[0], patience=Patience(LONG, LONG))
    library.changed = prefetch.plan
    await tools.paths.open()
    prefetch.begin()
    return Bench(office, web, clock, tools, inquiry, prefetch, tick)


async def close_bench(bench: Bench) -> None:
    """End it, once."""
    if bench.closed:
        return
    bench.closed = True
    await bench.inquiry.close()
    await bench.tools.asker.close()
    await bench.tools.library.close()


@pytest.fixture
def reopen() -> Any:
    """Return what puts the parts together anew."""
    return open_bench, close_bench
