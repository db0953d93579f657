"""Files that only root or the daemon's own user may have written."""

import os
from pathlib import Path

import pytest

from sithsd import trusted
from sithsd.daemon import config
from sithsd.policy import model, rights
from sithsd.policy.site_file import PolicyError

BYTES = 100


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file that can be trusted."""
    made = tmp_path / "file.toml"
    made.write_bytes(b"x = 1\n")
    made.chmod(0o644)
    return made


def refused(path: Path) -> str:
    """Return why a file is refused."""
    with pytest.raises(trusted.UntrustedFileError) as error:
        trusted.read(path, BYTES)
    return str(error.value)


def test_a_file_of_ones_own(path: Path) -> None:
    """It is read, by itself and by a link to it."""
    assert trusted.read(path, BYTES) == b"x = 1\n"
    link = path.with_name("link")
    link.symlink_to(path)
    assert trusted.read(link, BYTES) == b"x = 1\n"


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666, 0o620])
def test_a_file_that_others_may_write(path: Path, mode: int) -> None:
    """The group or everybody: refused, by policy, rights and settings too, in one line with the file's name."""
    path.chmod(mode)
    assert "writable by its owner alone" in refused(path)
    for load, kind in ((model.load, PolicyError), (rights.load, PolicyError), (config.load, config.ConfigError)):
        with pytest.raises(kind, match=r"file\.toml: has to be root's .*, writable by its owner alone$"):
            load(path)


def test_a_file_of_somebody_elses(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever it is: neither root nor the daemon's own user. The file's owner may also be the latter."""
    facts = list(os.stat_result(path.stat()))
    facts[4] = 54321
    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", lambda _: os.stat_result(facts))
        assert "has to be root's" in refused(path)
        patch.setattr(os, "geteuid", lambda: 54321)
        assert trusted.read(path, BYTES) == b"x = 1\n"
        patch.setattr(os, "geteuid", lambda: 54322)
        facts[4] = 0
        assert trusted.read(path, BYTES) == b"x = 1\n"


def test_what_is_no_file(path: Path) -> None:
    """A folder, a named pipe that nobody writes, and too much."""
    os.mkfifo(path.with_name("pipe"))
    assert refused(path.parent) == refused(path.with_name("pipe")) == "is not a file"
    path.write_bytes(b"#" * (BYTES + 1))
    assert refused(path) == "is larger than 100 bytes"
    path.write_bytes(b"#" * BYTES)
    assert len(trusted.read(path, BYTES)) == BYTES
