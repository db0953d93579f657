"""What the interfaces' tests share."""

import importlib.util
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest


def _load(name: str, path: Path) -> None:
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


_load("card_bench", Path(__file__).parents[2] / "contract" / "card_bench.py")
_load("session_house", Path(__file__).parents[1] / "session" / "session_house.py")
_load("both_interfaces", Path(__file__).with_name("both_interfaces.py"))

from both_interfaces import Socket, open_daemon  # noqa: E402 - found by its name once it was loaded
from session_house import Judge, make_judge  # noqa: E402 - as above


@pytest.fixture(scope="session")
def judge() -> Judge:
    """Give the judge that trusts simulated cards."""
    return make_judge()


@pytest.fixture
async def daemon(judge: Judge) -> AsyncIterator[Socket]:
    """Give a daemon without sockets."""
    async with open_daemon(judge) as made:
        yield made
