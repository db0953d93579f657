"""The service manager's side of the daemon: readiness and watchdog (sd_notify(3), sd_watchdog_enabled(3))."""

import asyncio
import os
import socket

import structlog

_MICROSECONDS = 1_000_000

_log = structlog.get_logger()


def notify(state: str) -> None:
    """Tell the service manager `state` ("READY=1"); nothing happens where none started us.

    That it does not listen (any more) is logged, and keeps nobody from the work or from ending in order.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as end:
        try:
            end.connect(address)
            end.sendall(state.encode())
        except OSError as error:
            _log.warning("the service manager does not listen", state=state, error=error.strerror)


def watchdog_seconds() -> float | None:
    """Return how often the service manager wants to hear of us, None if it does not."""
    period = os.environ.get("WATCHDOG_USEC", "")
    wanted = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not period.isdecimal() or wanted != str(os.getpid()) or int(period) == 0:
        return None
    return int(period) / _MICROSECONDS


async def keep_watchdog() -> None:
    """Tell the service manager that the loop lives, at twice the asked rate; ends at once if it does not ask."""
    period = watchdog_seconds()
    if period is None:
        return
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(period / 2)
