"""Memory with codes in it: never in a core file, never read by other programs of the same user, never in the swap."""

import ctypes
import os
import resource
from typing import Final

# Of linux/mman.h and linux/prctl.h, as on every architecture but alpha, powerpc and sparc.
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_PR_SET_DUMPABLE: Final = 4
# Of malloc.h: freed memory of the C heap is overwritten with this byte.
_M_PERTURB, _WIPED = -6, 0x55


def protect() -> tuple[str, ...]:
    """Keep this process's memory to itself; return what the system refused, a sentence each. Call it first of all.

    No core file (RLIMIT_CORE), no ptrace and no look into /proc/PID/mem by the same user (PR_SET_DUMPABLE, prctl(2)),
    no page in the swap (mlockall(2); pages are locked when they are used first, so that the process does not grow),
    and the C libraries' copies are overwritten when they are freed (mallopt(3); the smallest only when they are used
    anew). Nothing refused keeps the daemon from its work.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    library = ctypes.CDLL(None, use_errno=True)
    refused: list[str] = []
    if library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        refused.append(f"other programs of this user may read the daemon's memory ({_reason()})")
    if library.mallopt(_M_PERTURB, _WIPED) != 1:
        refused.append("the C library does not overwrite freed memory")
    if not _unlimited():
        refused.append("the daemon's memory may reach the swap: it needs LimitMEMLOCK=infinity")
    elif library.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) != 0:
        refused.append(f"the daemon's memory may reach the swap ({_reason()})")
    return tuple(refused)


def _unlimited() -> bool:
    """Tell whether any amount may be locked. Within a limit a lock would let allocations fail when it is reached."""
    limit = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY:
        return True
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, limit)
    except (ValueError, OSError):
        return False
    return True


def _reason() -> str:
    return os.strerror(ctypes.get_errno())
