"""Readiness and watchdog, with a service manager of the test's own."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sithsd.service import systemd


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Give the socket of a service manager that listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield end


@pytest.fixture(autouse=True)
def _started_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(variable, raising=False)


def test_the_manager_is_told(manager: socket.socket) -> None:
    """A state arrives as one datagram, as sd_notify(3) has it."""
    systemd.notify("READY=1")
    assert manager.recv(100) == b"READY=1"


def test_an_abstract_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that begins with @ is an abstract one."""
    name = f"sithsd-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(f"\0{name}")
        end.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        systemd.notify("STOPPING=1")
        assert end.recv(100) == b"STOPPING=1"


def test_nobody_to_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a manager, or with one that does not listen any more, the work goes on."""
    systemd.notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    systemd.notify("READY=1")


@pytest.mark.parametrize(
    ("period", "pid", "expected"),
    [
        (None, None, None),
        ("", None, None),
        ("0", None, None),
        ("30000000", None, 30.0),
        ("500000", "own", 0.5),
        ("30000000", "1", None),
        ("soon", None, None),
        ("-1", None, None),
    ],
)
def test_how_often(
    monkeypatch: pytest.MonkeyPatch, period: str | None, pid: str | None, expected: float | None
) -> None:
    """The watchdog's period is in microseconds and for the process that it names (sd_watchdog_enabled(3))."""
    if period is not None:
        monkeypatch.setenv("WATCHDOG_USEC", period)
    if pid is not None:
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "own" else pid)
    assert systemd.watchdog_seconds() == expected


async def test_the_watchdog_is_kept(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manager hears of the loop again and again, as long as it runs."""
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    keeping = asyncio.create_task(systemd.keep_watchdog())
    for _ in range(3):
        assert await asyncio.to_thread(manager.recv, 100) == b"WATCHDOG=1"
    keeping.cancel()
    await asyncio.wait([keeping])
    assert keeping.cancelled()


async def test_no_watchdog(manager: socket.socket) -> None:
    """Where nobody asked for it, nothing is sent and no task stays."""
    async with asyncio.timeout(10):
        await systemd.keep_watchdog()
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(100)
