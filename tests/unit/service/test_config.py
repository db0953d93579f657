"""Settings: defaults, and one line for everything that can't be used."""

import os
from pathlib import Path

import pytest

from sithsd.service import config
from sithsd.values import Environment


def refusal(path: Path) -> str:
    """Return the one line that says why settings can't be used."""
    with pytest.raises(config.ConfigError) as error:
        config.load(path)
    line = str(error.value)
    assert "\n" not in line
    assert line.startswith(f"{path}: ")
    return line


def test_everything_is_optional(tmp_path: Path) -> None:
    """An empty file is the defaults: production alone, files at their usual places, logs for where they go."""
    path = tmp_path / "sithsd.toml"
    path.write_text("")
    settings = config.load(path)
    assert settings == config.Settings()
    assert settings.validity.environments == (Environment.PRODUCTION,)
    assert settings.rights.file is None
    assert settings.drivers.site == "/etc/sithsd/drivers.d"
    assert settings.policy.file is None
    assert settings.calendar.file is None
    assert (settings.log.level, settings.log.format) == ("info", "auto")


def test_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file at the usual place is the defaults; one that is there is read; one that was asked for has to be there."""
    usual = tmp_path / "usual.toml"
    monkeypatch.setattr(config, "DEFAULT_FILE", usual)
    assert config.load(None) == config.Settings()
    usual.write_text('[log]\nlevel = "debug"\n')
    assert config.load(None).log.level == "debug"
    assert "No such file" in refusal(tmp_path / "other.toml")


def test_a_whole_file(tmp_path: Path) -> None:
    """Every table is taken."""
    path = tmp_path / "sithsd.toml"
    path.write_text(
        """
        [validity]
        environments = ["production", "sim"]
        anchors = ["/a.pem"]
        [rights]
        file = "/srv/rights.toml"
        [drivers]
        site = "/srv/drivers"
        [policy]
        file = "/srv/policy.toml"
        [calendar]
        file = "/srv/freezes.toml"
        [log]
        level = "warning"
        format = "json"
        """
    )
    settings = config.load(path)
    assert settings.validity.environments == (Environment.PRODUCTION, Environment.SIM)
    assert settings.validity.anchors == ("/a.pem",)
    assert settings.rights.file == "/srv/rights.toml"
    assert (settings.drivers.site, settings.policy.file) == ("/srv/drivers", "/srv/policy.toml")
    assert settings.calendar.file == "/srv/freezes.toml"
    assert (settings.log.level, settings.log.format) == ("warning", "json")


@pytest.mark.parametrize(
    ("content", "place", "reason"),
    [
        ('[log]\nlevel = "loud"\n', "$.log.level", "loud"),
        ('[log]\ncolour = "red"\n', "$.log", "colour"),
        ("[logs]\n", "", "logs"),
        ("[rights]\nfile = 7\n", "$.rights.file", "str"),
        ('[rights]\ngroup = "desk"\n', "$.rights", "unknown field `group`"),
        ("[policy]\nfile = 7\n", "$.policy.file", "str"),
        ("[calendar]\nfile = 7\n", "$.calendar.file", "str"),
        ('[validity]\nenvironments = ["moon"]\n', "$.validity.environments[0]", "moon"),
        ("log = 1\n", "$.log", "object"),
        ("[log\n", "line 1", "table"),
        ("a = 1\na = 2\n", "line 2", "overwrite"),
        (b"\xff\xfe", "byte 0", "UTF-8"),
        (b"x = " + b"[" * 100_000, "", "nested"),
        (b"#" * 300_000, "", "larger"),
    ],
)
def test_malformed_settings(tmp_path: Path, content: str | bytes, place: str, reason: str) -> None:
    """Settings that can't be used are told in one line: file, place, reason."""
    path = tmp_path / "sithsd.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    line = refusal(path)
    assert place in line
    assert reason in line.replace("Expected '='", "table")


def test_what_is_no_file(tmp_path: Path) -> None:
    """A folder, or a pipe that nobody writes to, is told so and not waited for."""
    assert "is not a file" in refusal(tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "is not a file" in refusal(pipe)
