"""What a process that protects its memory looks like from outside; each one is a process of its own."""

import subprocess
import sys

import pytest

# Memory is locked without a limit, or not at all: within one, allocations would fail later.
PROGRAM = """
import resource, sys
if sys.argv[1] != "as it is":
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (int(sys.argv[1]),) * 2)
    raised = resource.setrlimit
    def setrlimit(which, limits):
        if which == resource.RLIMIT_MEMLOCK:
            raise ValueError("not allowed to raise maximum limit")
        raised(which, limits)
    resource.setrlimit = setrlimit
from sithsd.memory import protect
refused = protect()
print(len(refused), *refused, sep="|")
print(open("/proc/self/status").read())
print(resource.getrlimit(resource.RLIMIT_CORE))
import ctypes
print("dumpable", ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
bytearray(50 << 20)
"""


def protected(limit: str) -> str:
    """Run a program that protects its memory, with a limit to what may be locked; return what it says of itself."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, limit], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("limit", ["as it is", "0", str(1 << 22)])
def test_no_core_and_no_look(limit: str) -> None:
    """Whatever may be locked, there is no core file, and the same user may not look."""
    said = protected(limit)
    assert "dumpable 0" in said
    assert "(0, 0)" in said


@pytest.mark.parametrize("limit", ["0", str(1 << 22)])
def test_a_limit_is_told_and_nothing_is_locked(limit: str) -> None:
    """A limited process is told what to set; it locks nothing and may still allocate more than the limit."""
    said = protected(limit)
    first, *_ = said.splitlines()
    assert first == "1|the daemon's memory may reach the swap: it needs LimitMEMLOCK=infinity"
    assert "VmLck:\t       0 kB" in said


def test_without_a_limit_memory_is_locked() -> None:
    """With LimitMEMLOCK=infinity all of it is, and it stays small: pages are locked when they are used."""
    done = subprocess.run(
        ["prlimit", "--memlock=unlimited", sys.executable, "-c", PROGRAM, "as it is"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode != 0 and "prlimit" in done.stderr:
        # Not root, or in a container that may not raise limits: what is refused then is told.
        assert protected("as it is").startswith("1|the daemon's memory may reach the swap")
        return
    assert done.stdout.splitlines()[0] == "0"
    numbers = {line.split(":")[0]: line.split()[1] for line in done.stdout.splitlines() if line.startswith("Vm")}
    assert int(numbers["VmLck"]) > 0
    assert int(numbers["VmRSS"]) < 60 * 1024
