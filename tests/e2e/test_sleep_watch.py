"""Suspend and resume, on a real bus with a logind that is played by python-dbusmock."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from e2e_machine import Machine
from structlog.testing import capture_logs

from sithsd.daemon.sleep import SleepWatch
from sithsd.simulator.stage import end

DEADLINE = 30.0


class Watched:
    """A watch under way, and what it called."""

    def __init__(self, address: str) -> None:
        self.calls: list[str] = []
        self.may_sleep = asyncio.Event()
        self.may_sleep.set()
        self.watch = SleepWatch(self._sleep, lambda: self.calls.append("wake"), address)
        self.task = asyncio.create_task(self.watch.run())

    async def _sleep(self) -> None:
        self.calls.append("sleep")
        await self.may_sleep.wait()
        self.calls.append("ended")

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for something."""
        async with asyncio.timeout(DEADLINE):
            while not await asyncio.to_thread(true):
                assert not self.task.done(), self.task
                await asyncio.sleep(0.02)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Return a machine with a bus, logind not yet started."""
    made = Machine(tmp_path)
    yield made
    made.close()


@pytest.fixture
async def watched(machine: Machine) -> AsyncIterator[Callable[[], Watched]]:
    """Start a watch."""
    started: list[Watched] = []

    def start() -> Watched:
        started.append(Watched(machine.address))
        return started[-1]

    yield start
    for one in started:
        one.task.cancel()
        with suppress(asyncio.CancelledError):
            await one.task


async def test_work_ends_before_the_machine_sleeps(machine: Machine, watched: Callable[[], Watched]) -> None:
    """A lock is held while awake, kept until the work has ended, let go then, and taken again after waking."""
    machine.start_logind()
    one = watched()
    await one.until(lambda: machine.held() == 1)
    for sleep in range(2):
        one.calls.clear()
        one.may_sleep.clear()
        await asyncio.to_thread(machine.say, sleeps=True)
        await one.until(lambda: one.calls == ["sleep"])
        assert await asyncio.to_thread(machine.held) == 1, sleep
        one.may_sleep.set()
        await one.until(lambda: one.calls == ["sleep", "ended"] and machine.held() == 0)
        await asyncio.to_thread(machine.say, sleeps=False)
        await one.until(lambda: one.calls == ["sleep", "ended", "wake"] and machine.held() == 1)


async def test_only_logind_is_believed(machine: Machine, watched: Callable[[], Watched]) -> None:
    """A signal that another client of the bus sends to the watch alone changes nothing."""
    machine.start_logind()
    before = set(await asyncio.to_thread(machine.clients))
    one = watched()
    await one.until(lambda: machine.held() == 1)
    new = set(await asyncio.to_thread(machine.clients)) - before
    for client in sorted(new):
        await asyncio.to_thread(machine.lie, client, "PrepareForSleep", "boolean:true")
    await asyncio.to_thread(machine.say, sleeps=True)
    await asyncio.to_thread(machine.say, sleeps=False)
    await one.until(lambda: "wake" in one.calls)
    assert one.calls == ["sleep", "ended", "wake"]


async def test_a_stranger_does_not_end_the_watch(machine: Machine, watched: Callable[[], Watched]) -> None:
    """Signals that another client sends to the watch, many and large, are nothing to it."""
    machine.start_logind()
    before = set(await asyncio.to_thread(machine.clients))
    one = watched()
    await one.until(lambda: machine.held() == 1)
    after = [set(await asyncio.to_thread(machine.clients)) for _ in range(2)]
    (watcher,) = after[0] & after[1] - before  # whoever asks is gone the next time
    await asyncio.to_thread(machine.flood, watcher)
    await asyncio.to_thread(machine.say, sleeps=True)
    await asyncio.to_thread(machine.say, sleeps=False)
    await one.until(lambda: one.calls == ["sleep", "ended", "wake"] and machine.held() == 1)


async def test_a_logind_that_comes_and_goes(machine: Machine, watched: Callable[[], Watched]) -> None:
    """It is waited for, and a new one's lock is taken; a sleep that the old one told of ends then."""
    one = watched()
    async with asyncio.timeout(DEADLINE):
        await one.watch.watching.wait()
    first = await asyncio.to_thread(machine.start_logind)
    # The method that gives locks comes after the name: the first lock is the next sleep's end.
    await asyncio.to_thread(machine.say, sleeps=True)
    await one.until(lambda: one.calls == ["sleep", "ended"])
    end(first)
    await asyncio.to_thread(machine.start_logind)
    await one.until(lambda: one.calls == ["sleep", "ended", "wake"])
    await asyncio.to_thread(machine.say, sleeps=True)
    await asyncio.to_thread(machine.say, sleeps=False)
    await one.until(lambda: machine.held() == 1)


async def test_a_bus_that_is_lost_is_told_once(machine: Machine, watched: Callable[[], Watched]) -> None:
    """The watch ends, one warning says so, and who was told of a sleep is told that it is over."""
    machine.start_logind()
    one = watched()
    await one.until(lambda: machine.held() == 1)
    await asyncio.to_thread(machine.say, sleeps=True)
    await one.until(lambda: one.calls == ["sleep", "ended"])
    with capture_logs() as lines:
        end(machine.bus)
        async with asyncio.timeout(DEADLINE):
            await one.task
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == [
        "suspend is not noticed until the next start: the system bus is lost"
    ]
    assert one.calls == ["sleep", "ended", "wake"]


async def test_a_machine_without_a_bus(tmp_path: Path) -> None:
    """No bus, nobody who accepts, or one who speaks another language: one warning, and the watch ends."""
    for address in (f"unix:path={tmp_path}/none", "tcp:host=localhost", "nonsense"):
        with capture_logs() as lines:
            await SleepWatch(lambda: None, lambda: None, address).run()
        assert [line["log_level"] for line in lines] == ["warning"], address
    with socket.socket(socket.AF_UNIX) as stranger, capture_logs() as lines:
        stranger.bind(str(tmp_path / "stranger"))
        stranger.listen()
        stranger.setblocking(False)
        watch = asyncio.create_task(SleepWatch(lambda: None, lambda: None, f"unix:path={tmp_path}/stranger").run())
        loop = asyncio.get_running_loop()
        ours, _ = await loop.sock_accept(stranger)
        with ours:
            await loop.sock_sendall(ours, b"220 mail.example ESMTP\r\n")
            async with asyncio.timeout(DEADLINE):
                await watch
    assert [line["log_level"] for line in lines] == ["warning"]
