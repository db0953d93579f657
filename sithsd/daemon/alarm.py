"""A timer for a moment of the clock, not for a number of seconds: timerfd_create(2).

It comes at its moment although the machine slept meanwhile, and at once when the clock is set: then whatever was worked
out by the old one has to be looked at again.
"""

import asyncio
import ctypes
import errno
import os
import struct
import time
from datetime import UTC, datetime, timedelta

_EPOCH, _SECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=1)
# <sys/timerfd.h>, and CLOCK_REALTIME of <time.h>.
_CLOEXEC, _NONBLOCK = os.O_CLOEXEC, os.O_NONBLOCK
_ABSOLUTE, _CANCEL_ON_SET = 1, 2
# struct itimerspec: the interval (none), then the moment, each in seconds and nanoseconds.
_ITIMERSPEC = struct.Struct("@llll")
# A timer at moment 0 is one that is switched off (timerfd_settime(2)).
_FIRST, _LAST = 1, 2 ** (8 * struct.calcsize("@l") - 1) - 1


class ClockAlarm:
    """Waits for moments of the machine's clock (CLOCK_REALTIME). Each wait has one file descriptor."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)

    async def wait_until(self, moment: datetime) -> None:
        """Return when `moment` (aware) has come, or when the clock was set. Raises OSError where there is no timer."""
        timer = self._checked(self._library.timerfd_create(time.CLOCK_REALTIME, _CLOEXEC | _NONBLOCK))
        try:
            since = moment - _EPOCH
            seconds = min(max(since // _SECOND, _FIRST), _LAST)
            spec = _ITIMERSPEC.pack(0, 0, seconds, 1_000 * since.microseconds)
            try:
                self._checked(self._library.timerfd_settime(timer, _ABSOLUTE | _CANCEL_ON_SET, spec, None))
            except OSError as error:
                if error.errno == errno.ECANCELED:  # the clock was set since the timer was made
                    return
                raise
            # Whether it rang or was cancelled by the setting of the clock: both make it readable.
            await _readable(timer)
        finally:
            os.close(timer)

    @staticmethod
    def _checked(result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    loop.add_reader(descriptor, came.set)
    try:
        await came.wait()
    finally:
        loop.remove_reader(descriptor)
