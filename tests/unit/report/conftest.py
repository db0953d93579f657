"""What makes reports in tests: words, a place, and inputs of made-up staff."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sithsd.cli.words import Words
from sithsd.report.making import Report, Wanted, made
from sithsd.report.trust import Sources

Making = Callable[..., Any]


@dataclass
class Heard:
    """Notes what was told of the progress."""

    told: list[tuple[str, float, int]] = field(default_factory=list)
    written: int = 0

    def reading(self, name: str, share: float, rows: int) -> None:
        """Note how far it is."""
        self.told.append((name, share, rows))

    def writing(self) -> None:
        """Note that all has been read."""
        self.written += 1


@pytest.fixture(scope="session")
def swedish() -> Words:
    """Return the sentences in Swedish."""
    return Words("sv")


@pytest.fixture(scope="session")
def english() -> Words:
    """Return the sentences in English."""
    return Words("en")


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Return settings of the shipped defaults, with no anchors but those that a test adds."""
    path = tmp_path / "settings.toml"
    path.write_text(f'[validity]\nenvironments = ["sim"]\nanchors_folder = "{tmp_path / "none"}"\n', "utf-8")
    return path


@pytest.fixture
def freezes(tmp_path: Path) -> Path:
    """Return a site's calendar that adds nothing to the shipped one."""
    path = tmp_path / "freezes.toml"
    path.write_text("", "utf-8")
    return path


@pytest.fixture
def making(tmp_path: Path, settings: Path, freezes: Path) -> Making:
    """Return what makes a report of files, each given as a name and its bytes."""

    @contextmanager
    def call(at: datetime, *inputs: tuple[str, bytes], heard: Heard | None = None, **more: Any) -> Iterator[Report]:
        paths = []
        for name, content in inputs:
            paths.append(tmp_path / name)
            paths[-1].write_bytes(content)
        jobs, more = more.pop("jobs", 1), {"settings": settings, "freezes": freezes, **more}
        wanted = Wanted(inputs=tuple(paths), at=at, present=False, warn_days=60, sources=Sources(**more), jobs=jobs)
        with made(wanted, heard or Heard()) as report:
            yield report

    return call
