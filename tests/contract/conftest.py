"""The bench on which every backend is tried."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sithsd.simulator.stage import Stage, StageError


def _neighbour(name: str) -> None:
    path = Path(__file__).with_name(f"{name}.py")
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


_neighbour("card_bench")
_neighbour("module_bench")

from card_bench import ROWS, Row  # noqa: E402 - found by its name only after it was loaded
from module_bench import MODULE_ROWS, ModuleRow, Seat  # noqa: E402 - as above


@pytest.fixture(scope="session")
def seat(service_folder: Path) -> Iterator[Seat]:
    """Set up a real pcscd with one reader, for the cards of the rows that have a module."""
    try:
        with Stage(1) as stage:
            service_folder.unlink(missing_ok=True)
            service_folder.symlink_to(stage.folder)
            made = Seat(stage)
            yield made
            made.close()
            for row in MODULE_ROWS:
                row.close()
    except StageError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


def placed(request: pytest.FixtureRequest) -> Row:
    """Return a test's row with all that it needs."""
    given: Row = request.param
    return given.on(request.getfixturevalue("seat")) if isinstance(given, ModuleRow) else given


@pytest.fixture(params=(*ROWS, *MODULE_ROWS), ids=lambda row: row.title)
def row(request: pytest.FixtureRequest) -> Row:
    """Give each backend in each situation."""
    return placed(request)


@pytest.fixture(params=[row for row in (*ROWS, *MODULE_ROWS) if row.signs], ids=lambda row: row.title)
def able(request: pytest.FixtureRequest) -> Row:
    """Give each backend that knows how its cards sign."""
    return placed(request)


@pytest.fixture(params=[row for row in (*ROWS, *MODULE_ROWS) if not row.signs], ids=lambda row: row.title)
def unable(request: pytest.FixtureRequest) -> Row:
    """Give each backend that does not."""
    return placed(request)


@pytest.fixture(params=[row for row in (*ROWS, *MODULE_ROWS) if row.own_pad], ids=lambda row: row.title)
def with_own_pad(request: pytest.FixtureRequest) -> Row:
    """Give each backend that uses the reader's PIN pad itself."""
    return placed(request)


@pytest.fixture(params=[row for row in (*ROWS, *MODULE_ROWS) if not row.own_pad], ids=lambda row: row.title)
def with_modules_pad(request: pytest.FixtureRequest) -> Row:
    """Give each backend whose module uses the reader's PIN pad."""
    return placed(request)
