"""Files that only root or the daemon's own user may have written."""

import os
import stat
from pathlib import Path

import pytest

from sithsd import trusted
from sithsd.policy import model, rights
from sithsd.policy.site_file import PolicyError
from sithsd.service import config

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


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch) -> dict[Path, tuple[int, int]]:
    """Give owners and modes of paths (what a mode has beside its type); all others are root's: tests need not be."""
    given: dict[Path, tuple[int, int]] = {}
    real = Path.lstat

    def lstat(path: Path) -> os.stat_result:
        true = real(path)
        owner, mode = given.get(path, (0, 0o755))
        return os.stat_result((stat.S_IFMT(true.st_mode) | mode, *true[1:4], owner, *true[5:]))

    monkeypatch.setattr(Path, "lstat", lstat)
    return given


@pytest.mark.usefixtures("facts")
def test_a_library_is_the_file_that_links_lead_to(path: Path) -> None:
    """Links are followed step by step, relative ones and absolute ones, those of folders too."""
    (path.parent / "relative").symlink_to("file.toml")
    (path.parent / "folder").symlink_to(path.parent)
    (path.parent / "twice").symlink_to("folder/../" + path.parent.name + "/relative")
    for name in ("file.toml", "relative", "folder/file.toml", "folder/relative", "twice"):
        assert trusted.library(path.parent / name) == path.resolve()


@pytest.mark.parametrize("which", ["file", "folder", "link", "the link's folder", "what is between"])
@pytest.mark.parametrize("how", ["owner", "group", "others"])
def test_a_library_that_others_could_exchange(
    tmp_path: Path, facts: dict[Path, tuple[int, int]], which: str, how: str
) -> None:
    """A file, a folder on its way, or a link that is not root's alone is refused by its name."""
    tmp_path = tmp_path.resolve()
    for name in ("lib", "links", "more"):
        (tmp_path / name).mkdir()
    (tmp_path / "lib" / "real.so").write_bytes(b"")
    (tmp_path / "more" / "middle.so").symlink_to("../lib/real.so")
    (tmp_path / "links" / "module.so").symlink_to(tmp_path / "more" / "middle.so")
    place = (
        tmp_path
        / {
            "file": "lib/real.so",
            "folder": "lib",
            "link": "links/module.so",
            "the link's folder": "links",
            "what is between": "more",
        }[which]
    )
    facts[place] = {"owner": (12345, 0o755), "group": (0, 0o775), "others": (0, 0o757)}[how]
    if which == "link" and how != "owner":  # the mode of a link means nothing
        assert trusted.library(tmp_path / "links" / "module.so").name == "real.so"
        return
    with pytest.raises(trusted.UntrustedFileError) as error:
        trusted.library(tmp_path / "links" / "module.so")
    assert str(error.value).startswith(f"{place} has to be root's")


def test_a_folder_where_each_removes_only_his_own(path: Path, facts: dict[Path, tuple[int, int]]) -> None:
    """With the sticky bit root's entries are safe, although everybody may write there: so it is with /tmp."""
    path = path.resolve()
    facts[path.parent] = (0, 0o1777)
    assert trusted.library(path) == path
    facts[path] = (12345, 0o644)
    with pytest.raises(trusted.UntrustedFileError):
        trusted.library(path)


@pytest.mark.usefixtures("facts")
def test_what_is_no_library(tmp_path: Path) -> None:
    """A folder, a pipe, a circle of links, a relative path and nothing at all are told apart."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to("circle")
    for name, reason in (("", "is not a file"), ("pipe", "is not a file"), ("circle", "without an end")):
        with pytest.raises(trusted.UntrustedFileError, match=reason):
            trusted.library(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        trusted.library(tmp_path / "absent")
    with pytest.raises(ValueError, match="absolute"):
        trusted.library(Path("lib.so"))
