"""The bench on which every backend is tried."""

import importlib.util
import sys
from pathlib import Path

import pytest


def _bench() -> None:
    name, path = "card_bench", Path(__file__).with_name("card_bench.py")
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


_bench()

from card_bench import ROWS, Row  # noqa: E402 - found by its name only after it was loaded


@pytest.fixture(params=ROWS, ids=lambda row: row.title)
def row(request: pytest.FixtureRequest) -> Row:
    """Give each backend in each situation."""
    given: Row = request.param
    return given
