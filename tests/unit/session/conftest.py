"""What the session room's tests share."""

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
_load("session_house", Path(__file__).with_name("session_house.py"))

from session_house import (  # noqa: E402 - found by its name once it was loaded
    House,
    Judge,
    make_judge,
    make_sure_judge,
    open_house,
    policy_with,
)

from sithsd.policy.new_code import Level, Rule  # noqa: E402 - imports stay together


@pytest.fixture(scope="session")
def judge() -> Judge:
    """Give the judge that trusts simulated cards."""
    return make_judge()


@pytest.fixture
async def house(judge: Judge) -> AsyncIterator[House]:
    """Give a house without readers."""
    async with open_house(judge) as made:
        yield made


@pytest.fixture
async def hasty(judge: Judge) -> AsyncIterator[House]:
    """Give a house where nobody waits long for a card."""
    async with open_house(judge, patience=0.05) as made:
        yield made


@pytest.fixture
async def strict(judge: Judge) -> AsyncIterator[House]:
    """Give a house whose policy allows little: two wrong codes by a user, no pad, no two PINs alike."""
    levels = dict.fromkeys(Rule, Level.REFUSE)
    policy = policy_with(
        budget={"wrong_codes_per_user": 2, "wrong_codes_per_card": 3},
        pin_pad={"enabled": False},
        new_code={"levels": levels},
    )
    async with open_house(judge, policy=policy) as made:
        yield made


@pytest.fixture(scope="session")
def sure() -> Judge:
    """Give the judge that trusts simulated cards, and believes the house's clock."""
    return make_sure_judge()


@pytest.fixture
async def sure_house(sure: Judge) -> AsyncIterator[House]:
    """Give a house with that judge, whose informant knows nothing at first."""
    async with open_house(sure) as made:
        yield made
