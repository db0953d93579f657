"""Waiting on the filesystem for the service's socket."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sithsd.locations import pcscd_socket
from sithsd.reader import presence as module
from sithsd.reader.presence import ServicePresence

LONG, SHORT = 20.0, 0.01


@pytest.fixture
def wake() -> Iterator[int]:
    """Return a file descriptor that ends a wait once written to."""
    descriptor = os.eventfd(0)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def watch(wake: int) -> Iterator[Callable[[Path], ServicePresence]]:
    """Return a maker of watches, laid already."""
    opened: list[ServicePresence] = []

    def lay(socket: Path) -> ServicePresence:
        presence = ServicePresence(socket, wake)
        opened.append(presence.__enter__())
        presence.renew()
        return presence

    yield lay
    for presence in opened:
        presence.__exit__(None, None, None)


def test_the_making_of_the_socket_is_noticed(tmp_path: Path, watch: Any) -> None:
    """A file made in the socket's place ends the wait; it may have been made before the wait began."""
    presence = watch(tmp_path / "pcscd.comm")
    (tmp_path / "pcscd.comm").touch()
    assert presence.wait(LONG)


def test_a_socket_moved_into_place_is_noticed(tmp_path: Path, watch: Any) -> None:
    """Renaming counts as making."""
    (tmp_path / "other").touch()
    presence = watch(tmp_path / "pcscd.comm")
    (tmp_path / "other").rename(tmp_path / "pcscd.comm")
    assert presence.wait(LONG)


def test_a_change_of_mode_is_noticed(tmp_path: Path, watch: Any) -> None:
    """The service changes its socket's mode right after it begins to listen."""
    (tmp_path / "pcscd.comm").touch()
    presence = watch(tmp_path / "pcscd.comm")
    (tmp_path / "pcscd.comm").chmod(0o666)
    assert presence.wait(LONG)


def test_other_files_are_of_no_concern(tmp_path: Path, watch: Any) -> None:
    """What else is made in the folder does not end the wait."""
    presence = watch(tmp_path / "pcscd.comm")
    (tmp_path / "pcscd.pid").touch()
    (tmp_path / "pcscd").mkdir()
    assert not presence.wait(SHORT)


def test_folders_may_come_one_by_one(tmp_path: Path, watch: Any) -> None:
    """Of a folder that is missing, the nearest one above that exists is watched, then the next."""
    presence = watch(tmp_path / "run" / "pcscd" / "pcscd.comm")
    (tmp_path / "elsewhere").mkdir()
    assert not presence.wait(SHORT)
    for made in (tmp_path / "run", tmp_path / "run" / "pcscd"):
        made.mkdir()
        assert presence.wait(LONG)
        presence.renew()
    assert not presence.wait(SHORT)
    (tmp_path / "run" / "pcscd" / "pcscd.comm").touch()
    assert presence.wait(LONG)


def test_the_bustle_of_upper_folders_does_not_even_wake(tmp_path: Path, watch: Any) -> None:
    """Only the nearest folder tells of new entries; those above it tell of their own going alone."""
    (tmp_path / "run" / "pcscd").mkdir(parents=True)
    presence = watch(tmp_path / "run" / "pcscd" / "pcscd.comm")
    # While the watches were laid each folder in turn was the nearest one, and other programs use /tmp.
    presence._inotify.read(timeout=0)
    (tmp_path / "run" / "other").touch()
    assert list(presence._inotify.read(timeout=0)) == []


def test_folders_that_go_are_noticed(tmp_path: Path, watch: Any) -> None:
    """A folder on the way that is removed or moved away ends the wait, so that the watches can be laid anew."""
    (tmp_path / "run" / "pcscd").mkdir(parents=True)
    presence = watch(tmp_path / "run" / "pcscd" / "pcscd.comm")
    (tmp_path / "run" / "other").touch()
    assert not presence.wait(SHORT)
    (tmp_path / "run").rename(tmp_path / "gone")
    assert presence.wait(LONG)
    presence = watch(tmp_path / "gone" / "pcscd" / "pcscd.comm")
    (tmp_path / "gone" / "pcscd").rmdir()
    assert presence.wait(LONG)


def test_a_file_where_a_folder_should_be(tmp_path: Path, watch: Any) -> None:
    """A file on the way is no folder: its place is watched."""
    (tmp_path / "run").touch()
    presence = watch(tmp_path / "run" / "pcscd.comm")
    (tmp_path / "run").unlink()
    (tmp_path / "run").mkdir()
    assert presence.wait(LONG)


def test_a_link_is_followed(tmp_path: Path, watch: Any) -> None:
    """The folder that a link leads to is the one that is watched, as with /var/run."""
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "run")
    presence = watch(tmp_path / "link" / "pcscd.comm")
    (tmp_path / "run" / "pcscd.comm").touch()
    assert presence.wait(LONG)


def test_the_wake_ends_the_wait(tmp_path: Path, watch: Any, wake: int) -> None:
    """A wait without end can be ended; it says that nothing happened."""
    presence = watch(tmp_path / "pcscd.comm")
    os.eventfd_write(wake, 1)
    assert not presence.wait(None)


def test_where_nothing_can_be_watched_a_wait_has_an_end(
    tmp_path: Path, watch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an inotify instance the wait ends by itself, so that its caller tries."""

    def refuse() -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(module, "INotify", refuse)
    monkeypatch.setattr(module, "_BLIND_SECONDS", SHORT)
    assert not watch(tmp_path / "pcscd.comm").wait(None)


def test_the_socket_is_the_one_that_every_program_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    """PCSCLITE_CSOCK_NAME names it, else it has its place in /run."""
    monkeypatch.setenv("PCSCLITE_CSOCK_NAME", "/somewhere/else.comm")
    assert pcscd_socket() == Path("/somewhere/else.comm")
    monkeypatch.delenv("PCSCLITE_CSOCK_NAME")
    assert pcscd_socket() == Path("/run/pcscd/pcscd.comm")
