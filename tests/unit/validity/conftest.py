"""The PKI that the tests of the judge share."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest


def _load(name: str) -> Any:
    """Make the module `name` beside this file importable by that name: test folders are no packages."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


_judging, _revoking = _load("judging"), _load("revoking")


@pytest.fixture(scope="module")
def house(forge: Any) -> Any:
    """Return a PKI of our own."""
    return _judging.House(forge)


@pytest.fixture(scope="module")
def office(forge: Any) -> Any:
    """Return a CA, its certificates and who answers for them."""
    return _revoking.Office(forge)
