"""The timer for a moment of the clock, by the kernel's own timers."""

import asyncio
import ctypes
import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sithsd.daemon.alarm import ClockAlarm

LONG = 30.0
TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET = 1, 2


def now() -> datetime:
    """Return the machine's time."""
    return datetime.now(UTC)


def timers() -> list[str]:
    """Return the timers that this process has, by the kernel's word."""
    return [name for one in Path("/proc/self/fd").iterdir() if "timerfd" in (name := _target(one))]


def _target(descriptor: Path) -> str:
    try:
        return os.readlink(descriptor)  # noqa: PTH115 - what is behind a descriptor is no path
    except FileNotFoundError:
        return ""


async def test_it_rings_when_the_moment_has_come() -> None:
    """Never before it, and not by some rest of the second that was lost."""
    for delay in (timedelta(0), timedelta(milliseconds=1), timedelta(milliseconds=340)):
        moment = now() + delay
        async with asyncio.timeout(LONG):
            await ClockAlarm().wait_until(moment)
        assert now() >= moment
    assert timers() == []


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)])
async def test_a_moment_long_gone(moment: datetime) -> None:
    """It has come."""
    async with asyncio.timeout(LONG):
        await ClockAlarm().wait_until(moment)


@pytest.mark.parametrize("moment", [datetime(2038, 2, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
async def test_a_moment_that_is_far_away(moment: datetime) -> None:
    """It is waited for, whatever year it is in; who waits no more leaves no timer behind."""
    waiting = asyncio.ensure_future(ClockAlarm().wait_until(moment))
    await asyncio.sleep(0)
    assert len(timers()) == 1
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert timers() == []


async def test_several_wait_at_once() -> None:
    """Each for its own moment."""
    alarm, begun = ClockAlarm(), now()
    rung: list[int] = []

    async def wait(number: int) -> None:
        await alarm.wait_until(begun + timedelta(milliseconds=100 * number))
        rung.append(number)

    async with asyncio.timeout(LONG):
        await asyncio.gather(*(wait(number) for number in (3, 1, 2)))
    assert rung == [1, 2, 3]


async def test_it_is_by_the_clock_and_heeds_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel is asked for an absolute timer that ends when the clock is set (timerfd_create(2))."""
    alarm = ClockAlarm()
    asked: list[int] = []
    real = alarm._library.timerfd_settime

    class Library:
        timerfd_create = alarm._library.timerfd_create

        @staticmethod
        def timerfd_settime(timer: int, flags: int, spec: bytes, old: None) -> int:
            asked.append(flags)
            return int(real(timer, flags, spec, old))

    monkeypatch.setattr(alarm, "_library", Library)
    async with asyncio.timeout(LONG):
        await alarm.wait_until(now())
    assert asked == [TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET]


async def test_the_clock_is_set_while_the_timer_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then timerfd_settime(2) itself says ECANCELED: it is the setting of the clock that was waited for, no error."""
    alarm = ClockAlarm()

    class Library:
        timerfd_create = alarm._library.timerfd_create

        @staticmethod
        def timerfd_settime(*_: object) -> int:
            ctypes.set_errno(errno.ECANCELED)
            return -1

    monkeypatch.setattr(alarm, "_library", Library)
    async with asyncio.timeout(LONG):
        await alarm.wait_until(now() + timedelta(days=1))
    assert timers() == []


async def test_no_timer_is_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's refusal is an error that says so."""
    alarm = ClockAlarm()
    monkeypatch.setattr(alarm, "_library", type("Library", (), {"timerfd_create": staticmethod(lambda *_: -1)}))
    with pytest.raises(OSError):  # noqa: PT011 - whatever number the kernel gives
        await alarm.wait_until(now())
