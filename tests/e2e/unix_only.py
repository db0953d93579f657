"""Become another program, under a rule that kills it the moment it opens a socket that is no Unix socket.

`python unix_only.py PROGRAM [ARGUMENT...]`. The rule is a seccomp filter (seccomp(2)), which holds for every thread and
child of the program and can't be taken off again. SIGSYS ends it at socket(2) with another domain than AF_UNIX, at
io_uring, by which sockets are opened without that call, and at every call of another architecture than its own.
"""

import ctypes
import os
import platform
import struct
import sys

# <linux/prctl.h>, <linux/seccomp.h>, <linux/bpf_common.h>
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38
SECCOMP_MODE_FILTER = 2
KILL_PROCESS, ALLOW = 0x80000000, 0x7FFF0000
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
# Of struct seccomp_data: the call's number, the architecture, and the lower half of its first argument.
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
AF_UNIX = 1
IO_URING_SETUP = 425
FOREIGN_ABI = 0x40000000  # x32's calls, on x86-64
# By uname's name of the machine: AUDIT_ARCH_* of <linux/audit.h>, and the number of socket(2).
MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}


def rule(machine: str) -> bytes:
    """Return the filter, as an array of struct sock_filter (code, jump if true, jump if false, operand)."""
    architecture, opens_socket = MACHINES[machine]
    steps = (
        (LOAD, 0, 0, ARCHITECTURE),
        (JUMP_EQUAL, 0, 7, architecture),  # to the end that kills
        (LOAD, 0, 0, NUMBER),
        (JUMP_AT_LEAST, 5, 0, FOREIGN_ABI),
        (JUMP_EQUAL, 4, 0, IO_URING_SETUP),
        (JUMP_EQUAL, 0, 2, opens_socket),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (JUMP_EQUAL, 0, 1, AF_UNIX),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, KILL_PROCESS),
    )
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


class Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def keep_to_unix_sockets() -> None:
    """Put this thread, and all that comes of it, under the rule. Raises OSError."""
    steps = rule(platform.machine())
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    # Without the first a filter takes CAP_SYS_ADMIN.
    for call in (
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(Program(len(steps) // 8, steps)), 0, 0),
    ):
        if prctl(*call):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    keep_to_unix_sockets()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - to become it is what this is for
