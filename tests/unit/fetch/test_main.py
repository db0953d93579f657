"""The program's start: what can't be used is said in one line, with the status that systemd calls "configuration"."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from sithsd.fetch.main import main


@pytest.fixture(autouse=True)
def log() -> Iterator[None]:
    """Leave the logs as they were: the program sets them up."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("[validity]\nissuer_table = '{folder}/broken'", "broken"),
        ("[validity]\nanchors = ['{folder}/broken']", "broken"),
        ("[validity]\nenvironments = ['sim']\nsim_hosts = ['http://x/']", "sim_hosts"),
        ("[fetch]\nstore_megabytes = 1", "store_megabytes"),
        ("[nonsense]", "nonsense"),
    ],
)
def test_settings_that_cannot_be_used(tmp_path: Path, settings: str, said: str) -> None:
    """Whichever part of them it is: 78, and a line that names it."""
    (tmp_path / "broken").write_text("this is no table and no certificate")
    (tmp_path / "settings").write_text(settings.format(folder=tmp_path))
    for name in ("broken", "settings"):
        (tmp_path / name).chmod(0o600)
    places = ["--runtime-dir", str(tmp_path / "run"), "--state-dir", str(tmp_path / "state")]
    outcome = CliRunner().invoke(main, ["--config", str(tmp_path / "settings"), *places])
    assert outcome.exit_code == 78, outcome.output
    (line,) = outcome.output.splitlines()
    assert line.startswith("sithsd-fetch: ")
    assert said in line
