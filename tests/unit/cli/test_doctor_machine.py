"""What the doctor sees of the machine for itself."""

import os
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sithsd.cli.doctor.facts import Reach, UsbReader
from sithsd.cli.doctor.machine import look, reached, synchronised

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for sockets, as the working directory: their names stay short enough."""
    monkeypatch.chdir(tmp_path)
    return Path("socket")


def test_a_socket_that_listens(place: Path) -> None:
    """It is reached, and the file's mode and owner are told."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()
        place.chmod(0o640)
        found = reached(place)
    assert (found.reach, found.mode, found.owner) == (Reach.GOOD, 0o640, os.geteuid())
    assert found.path == "socket"


def test_a_socket_that_nobody_listens_on(place: Path) -> None:
    """A file that a program left behind is told apart from one that is not there."""
    assert reached(place).reach is Reach.ABSENT
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
    assert reached(place).reach is Reach.NOT_LISTENING


def test_what_is_no_socket(place: Path) -> None:
    """A plain file refuses, and a path through a file is not there; neither is an exception."""
    place.write_text("")
    assert reached(place).reach is Reach.NOT_LISTENING
    assert reached(place / "below").reach is Reach.ABSENT
    assert reached(Path("x" * 200)).reach is Reach.FAILED


def device(folder: Path, name: str, interfaces: dict[str, str], **files: str) -> None:
    """Lay out a USB device as sysfs does."""
    for path, text in {"busnum": "1", "devnum": "7", **files}.items():
        file = folder / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
    for number, kind in interfaces.items():
        (folder / f"{name}:{number}").mkdir(parents=True)
        (folder / f"{name}:{number}" / "bInterfaceClass").write_text(f"{kind}\n")


POWER = {"power/control": "auto", "power/autosuspend_delay_ms": "2000", "power/runtime_status": "suspended"}


def test_smart_card_readers_on_the_usb(tmp_path: Path) -> None:
    """Devices with an interface of class 0B are found once each, with their power; others are not."""
    device(tmp_path, "1-1", {"1.0": "03"})
    device(tmp_path, "1-2", {"1.0": "0b", "1.1": "0b"}, **POWER)
    device(tmp_path, "1-3", {"1.0": "03", "1.1": "0b"}, devnum="9")
    device(tmp_path, "1-4", {"1.0": "0b"}, devnum="none")
    found = look(NOW, proc=tmp_path / "proc", devices=tmp_path).usb_readers
    assert found == (UsbReader(1, 7, "auto", 2000, "suspended"), UsbReader(1, 9))


def test_processes_of_pcscd(tmp_path: Path) -> None:
    """Those whose program has that name are told by number; what is no process, or has ended, is passed over."""
    for name, program in (("17", "pcscd"), ("18", "pcscd2"), ("self", "pcscd"), ("19", "pcscd")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "comm").write_text(f"{program}\n")
    (tmp_path / "20").mkdir()
    assert look(NOW, proc=tmp_path, devices=tmp_path / "none").pcscd_pids == (17, 19)


def test_a_machine_without_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without /proc and /sys there is still an answer."""
    monkeypatch.setenv("PCSCLITE_CSOCK_NAME", str(tmp_path / "pcscd.comm"))
    found = look(NOW, proc=tmp_path / "a", devices=tmp_path / "b")
    assert (found.now, found.uid, found.pcscd.reach) == (NOW, os.geteuid(), Reach.ABSENT)
    assert (found.pcscd_pids, found.usb_readers) == ((), ())


def test_the_kernels_word_on_its_clock() -> None:
    """The kernel says yes or no, and asking changes nothing: it says the same again."""
    assert synchronised() is synchronised()
    assert synchronised() in {True, False}
