"""The processes that live in a mount namespace: what was started on a stage, and what that started in its turn."""

import os
import select
import signal
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

_END_SECONDS = 5.0


def end_residents(of: int, spare: Collection[int] = ()) -> None:
    """End all processes in the mount namespace of process `of`: SIGTERM, after five seconds SIGKILL.

    `of` itself, this process and those in `spare` are left alone. Comes back when none is left, or when SIGKILL has
    not helped for five seconds either.
    """
    try:
        namespace = _namespace(of)
        if namespace == _namespace(os.getpid()):
            return  # It has not got one of its own (yet): nobody else can be in it.
    except OSError:
        return  # It is gone.
    spared = {of, os.getpid(), *spare}
    for how in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _END_SECONDS
        told: set[int] = set()
        # Again and again, for one that is being told may just have started another.
        while (left := _signal_residents(namespace, spared, how, told)) and time.monotonic() < deadline:
            time.sleep(0.01)
        if not left:
            return


def _signal_residents(namespace: str, spared: Collection[int], how: signal.Signals, told: set[int]) -> bool:
    left = False
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or (pid := int(entry.name)) in spared:
            continue
        # The descriptor stands for this very process, though its number be given to another one meanwhile.
        with suppress(OSError):
            process = os.pidfd_open(pid)
            try:
                # One that has ended, or belongs to somebody else, doesn't tell its namespace.
                if _namespace(pid) != namespace or select.select([process], [], [], 0)[0]:
                    continue
                left = True
                if pid not in told:
                    signal.pidfd_send_signal(process, how)
                    told.add(pid)
            finally:
                os.close(process)
    return left


def _namespace(pid: int) -> str:
    return os.readlink(f"/proc/{pid}/ns/mnt")  # noqa: PTH115 - not a path that leads anywhere
