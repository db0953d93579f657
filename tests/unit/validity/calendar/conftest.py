"""What the tests of the calendar share."""

import importlib.util
import sys
from pathlib import Path

import pytest

from sithsd.validity.calendar import freezes


def _load(name: str) -> None:
    """Make the module `name` beside this file importable by that name: test folders are no packages."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


_load("advising")


@pytest.fixture(autouse=True)
def _no_site_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's own freezes out of the tests."""
    monkeypatch.setattr(freezes, "SITE_FILE", tmp_path / "usual.toml")
